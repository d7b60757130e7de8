//! Values as Go's `fmt` writes them.

use super::{time, value::Value};

/// As `%v`.
pub fn shown(value: &Value) -> String {
    match value {
        Value::Nil => "<no value>".into(),
        Value::Bool(flag) => flag.to_string(),
        Value::Int(number) => number.to_string(),
        Value::Float(number) => number.to_string(),
        Value::Text(text) => text.clone(),
        Value::Time(moment) => time::text(*moment),
        Value::List(items) => format!("[{}]", items.iter().map(inner).collect::<Vec<_>>().join(" ")),
        Value::Map(items) => {
            let parts: Vec<String> = items.iter().map(|(key, value)| format!("{key}:{}", inner(value))).collect();
            format!("map[{}]", parts.join(" "))
        }
        Value::Struct(fields) => fields.text.clone().unwrap_or_else(|| {
            let parts: Vec<String> = fields.fields.iter().map(|(_, value)| inner(value)).collect();
            format!("{{{}}}", parts.join(" "))
        }),
    }
}

fn inner(value: &Value) -> String {
    if *value == Value::Nil { "<nil>".into() } else { shown(value) }
}

/// As `printf`.
pub fn formatted(format: &str, values: &[Value]) -> String {
    let (mut out, mut next) = (String::new(), values.iter());
    let mut chars = format.chars().peekable();
    while let Some(c) = chars.next() {
        if c != '%' {
            out.push(c);
            continue;
        }
        let mut flags = String::new();
        while let Some(flag) = chars.next_if(|c| matches!(c, '-' | '+' | '#' | '0' | ' ')) {
            flags.push(flag);
        }
        let mut number = || {
            let mut digits = String::new();
            while let Some(digit) = chars.next_if(char::is_ascii_digit) {
                digits.push(digit);
            }
            digits.parse::<usize>().ok().map(|n| n.min(1000))
        };
        let width = number();
        let precision = if chars.next_if_eq(&'.').is_some() {
            let mut digits = String::new();
            while let Some(digit) = chars.next_if(char::is_ascii_digit) {
                digits.push(digit);
            }
            Some(digits.parse::<usize>().unwrap_or(0).min(1000))
        } else {
            None
        };
        match chars.next() {
            None => out.push_str("%!(NOVERB)"),
            Some('%') => out.push('%'),
            Some(verb) => {
                let text = next.next().map_or_else(|| format!("%!{verb}(MISSING)"), |value| one(verb, &flags, precision, value));
                pad(&mut out, &text, width.unwrap_or(0), &flags);
            }
        }
    }
    let extra: Vec<String> = next.map(|value| format!("{}={}", value.kind(), shown(value))).collect();
    if !extra.is_empty() {
        out.push_str(&format!("%!(EXTRA {})", extra.join(", ")));
    }
    out
}

fn one(verb: char, flags: &str, precision: Option<usize>, value: &Value) -> String {
    let cut = |text: String| precision.map_or(text.clone(), |most| text.chars().take(most).collect());
    match (verb, value) {
        ('v', value) => shown(value),
        ('T', value) => value.kind().into(),
        ('s', Value::Bool(_) | Value::Int(_) | Value::Float(_) | Value::Nil) => wrong(verb, value),
        ('s', value) => cut(shown(value)),
        ('q', Value::Bool(_) | Value::Int(_) | Value::Float(_) | Value::Nil) => wrong(verb, value),
        ('q', value) => serde_json::Value::String(cut(shown(value))).to_string(),
        ('t', Value::Bool(flag)) => flag.to_string(),
        ('d', Value::Int(number)) if flags.contains('+') => format!("{number:+}"),
        ('d', Value::Int(number)) => number.to_string(),
        ('x', Value::Int(number)) => format!("{number:x}"),
        ('x', Value::Text(text)) => text.bytes().map(|byte| format!("{byte:02x}")).collect(),
        ('f', Value::Float(number)) => format!("{number:.*}", precision.unwrap_or(6)),
        ('g', Value::Float(number)) => number.to_string(),
        _ => wrong(verb, value),
    }
}

fn wrong(verb: char, value: &Value) -> String {
    if *value == Value::Nil { format!("%!{verb}(<nil>)") } else { format!("%!{verb}({}={})", value.kind(), shown(value)) }
}

fn pad(out: &mut String, text: &str, width: usize, flags: &str) {
    let missing = width.saturating_sub(text.chars().count());
    let fill = |c: char| std::iter::repeat_n(c, missing);
    match (flags.contains('-'), flags.contains('0')) {
        (true, _) => {
            out.push_str(text);
            out.extend(fill(' '));
        }
        (false, zero) => {
            out.extend(fill(if zero { '0' } else { ' ' }));
            out.push_str(text);
        }
    }
}
