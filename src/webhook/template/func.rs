//! The functions of templates.

use std::cmp::Ordering;

use super::{print, value::Value};

/// All of them; `and` and `or` look at no more arguments than they need.
pub const NAMES: [&str; 18] = [
    "and", "or", "not", "eq", "ne", "lt", "le", "gt", "ge", "len", "index", "slice", "print", "printf", "println", "html", "js", "urlquery",
];

/// True for a function that there is.
pub fn is_known(name: &str) -> bool {
    NAMES.contains(&name)
}

/// What a function gives for these.
pub fn call(name: &str, args: &[Value]) -> Result<Value, String> {
    let fault = |why: String| format!("error calling {name}: {why}");
    match (name, args) {
        ("not", [value]) => Ok(Value::Bool(!value.is_true())),
        ("eq", [first, rest @ ..]) if !rest.is_empty() => {
            rest.iter().try_fold(false, |same, other| Ok(same || equal(first, other)?)).map(Value::Bool).map_err(fault)
        }
        ("ne", [one, other]) => equal(one, other).map(|same| Value::Bool(!same)).map_err(fault),
        ("lt", [one, other]) => ordered(one, other, |order| order == Ordering::Less).map_err(fault),
        ("le", [one, other]) => ordered(one, other, |order| order != Ordering::Greater).map_err(fault),
        ("gt", [one, other]) => ordered(one, other, |order| order == Ordering::Greater).map_err(fault),
        ("ge", [one, other]) => ordered(one, other, |order| order != Ordering::Less).map_err(fault),
        ("len", [value]) => length(value).map_err(fault),
        ("index", [value, keys @ ..]) => keys.iter().try_fold(value.clone(), |value, key| index(&value, key)).map_err(fault),
        ("slice", [value, bounds @ ..]) if bounds.len() <= 2 => slice(value, bounds).map_err(fault),
        ("print", values) => Ok(Value::Text(joined(values, false))),
        ("println", values) => Ok(Value::Text(format!("{}\n", joined(values, true)))),
        ("printf", [Value::Text(format), values @ ..]) => Ok(Value::Text(print::formatted(format, values))),
        ("html", values) => Ok(Value::Text(escaped(&joined(values, false), html))),
        ("js", values) => Ok(Value::Text(escaped(&joined(values, false), js))),
        ("urlquery", values) => Ok(Value::Text(query(&joined(values, false)))),
        _ => Err(format!("wrong number or types of args for {name}: {}", args.iter().map(Value::kind).collect::<Vec<_>>().join(", "))),
    }
}

/// Go puts spaces between neighbours of which neither is a text; `println` between all.
fn joined(values: &[Value], always: bool) -> String {
    let mut out = String::new();
    let mut text_before = true;
    for (i, value) in values.iter().enumerate() {
        let text = matches!(value, Value::Text(_));
        if i > 0 && (always || !text && !text_before) {
            out.push(' ');
        }
        out.push_str(&print::shown(value));
        text_before = text;
    }
    out
}

fn equal(one: &Value, other: &Value) -> Result<bool, String> {
    match (one, other) {
        (Value::List(_) | Value::Map(_), _) | (_, Value::List(_) | Value::Map(_)) => Err("non-comparable type".into()),
        (Value::Nil, _) | (_, Value::Nil) => Ok(one == other),
        (one, other) if std::mem::discriminant(one) == std::mem::discriminant(other) => Ok(one == other),
        _ => Err("incompatible types for comparison".into()),
    }
}

fn ordered(one: &Value, other: &Value, wanted: impl Fn(Ordering) -> bool) -> Result<Value, String> {
    let order = match (one, other) {
        (Value::Int(one), Value::Int(other)) => Some(one.cmp(other)),
        (Value::Float(one), Value::Float(other)) => one.partial_cmp(other),
        (Value::Text(one), Value::Text(other)) => Some(one.cmp(other)),
        _ => return Err("incompatible types for comparison".into()),
    };
    Ok(Value::Bool(order.is_some_and(wanted)))
}

fn length(value: &Value) -> Result<Value, String> {
    let count = match value {
        Value::Text(text) => text.len(),
        Value::List(items) => items.len(),
        Value::Map(items) => items.len(),
        other => return Err(format!("len of type {}", other.kind())),
    };
    Ok(Value::Int(i64::try_from(count).unwrap_or(i64::MAX)))
}

fn place(key: &Value, most: usize) -> Result<usize, String> {
    let Value::Int(number) = key else { return Err(format!("cannot index slice/array with type {}", key.kind())) };
    usize::try_from(*number).ok().filter(|at| *at < most).ok_or_else(|| format!("index out of range: {number}"))
}

fn index(value: &Value, key: &Value) -> Result<Value, String> {
    match (value, key) {
        (Value::List(items), key) => Ok(items.get(place(key, items.len())?).cloned().unwrap_or(Value::Nil)),
        (Value::Text(text), key) => {
            let at = place(key, text.len())?;
            Ok(text.as_bytes().get(at).map_or(Value::Nil, |byte| Value::Int(i64::from(*byte))))
        }
        (Value::Map(items), Value::Text(key)) => Ok(items.get(key).cloned().unwrap_or(Value::Nil)),
        (Value::Map(_), key) => Err(format!("cannot index map with type {}", key.kind())),
        (Value::Nil, _) => Err("index of untyped nil".into()),
        (other, _) => Err(format!("can't index item of type {}", other.kind())),
    }
}

fn slice(value: &Value, bounds: &[Value]) -> Result<Value, String> {
    let cut = |length: usize| -> Result<(usize, usize), String> {
        let from = bounds.first().map_or(Ok(0), |bound| place(bound, length + 1))?;
        let to = bounds.get(1).map_or(Ok(length), |bound| place(bound, length + 1))?;
        if from <= to { Ok((from, to)) } else { Err(format!("invalid slice index: {from} > {to}")) }
    };
    match value {
        Value::Text(text) => {
            let (from, to) = cut(text.len())?;
            let bytes = text.as_bytes().get(from..to).unwrap_or_default();
            Ok(Value::Text(String::from_utf8_lossy(bytes).into_owned()))
        }
        Value::List(items) => {
            let (from, to) = cut(items.len())?;
            Ok(Value::List(items.get(from..to).unwrap_or_default().to_vec()))
        }
        other => Err(format!("can't slice item of type {}", other.kind())),
    }
}

fn escaped(text: &str, escape: fn(char, &mut String)) -> String {
    let mut out = String::new();
    text.chars().for_each(|c| escape(c, &mut out));
    out
}

fn html(c: char, out: &mut String) {
    match c {
        '"' => out.push_str("&#34;"),
        '\'' => out.push_str("&#39;"),
        '&' => out.push_str("&amp;"),
        '<' => out.push_str("&lt;"),
        '>' => out.push_str("&gt;"),
        '\0' => out.push('\u{fffd}'),
        c => out.push(c),
    }
}

fn js(c: char, out: &mut String) {
    match c {
        '\\' => out.push_str("\\\\"),
        '\'' => out.push_str("\\'"),
        '"' => out.push_str("\\\""),
        '<' | '>' | '&' | '=' => out.push_str(&format!("\\u{:04X}", u32::from(c))),
        c if u32::from(c) < 0x20 || c == '\u{2028}' || c == '\u{2029}' => out.push_str(&format!("\\u{:04X}", u32::from(c))),
        c => out.push(c),
    }
}

fn query(text: &str) -> String {
    let kept = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'~');
    text.bytes()
        .map(|byte| match byte {
            b' ' => "+".to_owned(),
            byte if kept(byte) => char::from(byte).to_string(),
            byte => format!("%{byte:02X}"),
        })
        .collect()
}
