//! Go's way to write times: a layout is the text of one certain moment, `2006-01-02T15:04:05Z07:00`.

use chrono::{DateTime, Datelike, Timelike, Utc};

use crate::clock::Time;

/// Pieces of layouts, the longer ones first, and chrono's words for them.
const PIECES: [(&str, &str); 30] = [
    ("January", "%B"),
    ("Monday", "%A"),
    ("Z07:00", "Z"),
    ("-07:00", "+00:00"),
    ("-0700", "+0000"),
    ("Z0700", "Z"),
    ("2006", "%Y"),
    ("Jan", "%b"),
    ("Mon", "%a"),
    ("MST", "UTC"),
    (".000000000", "%.9f"),
    (".000000", "%.6f"),
    (".000", "%.3f"),
    ("002", "%j"),
    ("01", "%m"),
    ("02", "%d"),
    ("03", "%I"),
    ("04", "%M"),
    ("05", "%S"),
    ("06", "%y"),
    ("15", "%H"),
    ("PM", "%p"),
    ("pm", "%P"),
    ("_2", "%e"),
    ("-07", "+00"),
    ("1", "%-m"),
    ("2", "%-d"),
    ("3", "%-I"),
    ("4", "%-M"),
    ("5", "%-S"),
];

fn utc(time: Time) -> DateTime<Utc> {
    DateTime::from_timestamp_millis(time.millis()).unwrap_or_default()
}

/// The time in this layout.
pub fn format(time: Time, layout: &str) -> String {
    let (mut out, mut rest) = (String::new(), layout);
    let moment = utc(time);
    while let Some(c) = rest.chars().next() {
        let nines = rest.strip_prefix('.').map_or(0, |digits| digits.len() - digits.trim_start_matches('9').len());
        if nines > 0 {
            out.push_str(&fraction(moment));
            rest = rest.get(nines + 1..).unwrap_or_default();
        } else if let Some((piece, word)) = PIECES.iter().find(|(piece, _)| rest.starts_with(piece)) {
            out.push_str(&moment.format(word).to_string());
            rest = rest.get(piece.len()..).unwrap_or_default();
        } else {
            out.push(c);
            rest = rest.get(c.len_utf8()..).unwrap_or_default();
        }
    }
    out
}

/// Without zeros at its end; nothing for a whole second.
fn fraction(moment: DateTime<Utc>) -> String {
    let digits = format!("{:03}", moment.timestamp_subsec_millis());
    let short = digits.trim_end_matches('0');
    if short.is_empty() { String::new() } else { format!(".{short}") }
}

/// As it prints itself: `2026-11-20 23:45:02.41 +0000 UTC`.
pub fn text(time: Time) -> String {
    format(time, "2006-01-02 15:04:05.999999999 -0700 MST")
}

/// What Go's methods of times give that templates may want.
pub fn method(time: Time, name: &str) -> Option<super::Value> {
    use super::Value::{Bool, Int, Text};
    let moment = utc(time);
    Some(match name {
        "String" => Text(text(time)),
        "UTC" | "Local" => super::Value::Time(time),
        "Unix" => Int(moment.timestamp()),
        "UnixMilli" => Int(moment.timestamp_millis()),
        "UnixNano" => Int(moment.timestamp_millis().saturating_mul(1_000_000)),
        "Year" => Int(i64::from(moment.year())),
        "Month" => Text(moment.format("%B").to_string()),
        "Day" => Int(i64::from(moment.day())),
        "Weekday" => Text(moment.format("%A").to_string()),
        "Hour" => Int(i64::from(moment.hour())),
        "Minute" => Int(i64::from(moment.minute())),
        "Second" => Int(i64::from(moment.second())),
        "IsZero" => Bool(time.is_zero()),
        _ => return None,
    })
}
