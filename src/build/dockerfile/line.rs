//! Lines of a Dockerfile: how they go on, and what they fall into.

/// The instructions that may name an image.
const NAMING: [&str; 5] = ["FROM", "COPY", "ADD", "RUN", "ONBUILD"];

/// The instruction that begins with the first of these lines, if it may name an image. A keyword may go on in the next line too.
pub fn joined(lines: &[&str], escape: char) -> Option<String> {
    let (first, goes_on) = part(lines.first()?.trim_start(), escape);
    let keyword = split(first).0.to_ascii_uppercase();
    let cut = goes_on && keyword.len() == first.len();
    let naming = NAMING.iter().any(|known| *known == keyword || cut && known.starts_with(&keyword));
    naming.then(|| next(lines, escape).0)
}

/// The instruction that begins with the first of these lines, empty for a comment, and how many lines it takes.
pub fn next(lines: &[&str], escape: char) -> (String, usize) {
    let (mut line, mut taken, mut goes_on) = (String::new(), 0, true);
    for text in lines {
        if !goes_on {
            break;
        }
        taken += 1;
        let trimmed = text.trim_start();
        if trimmed.is_empty() || trimmed.starts_with('#') {
            // Between the lines of an instruction these are passed over; before it they stand alone.
            goes_on = taken > 1;
            continue;
        }
        let (text, on) = part(if taken == 1 { trimmed } else { text }, escape);
        line.push_str(text);
        goes_on = on;
    }
    (line, taken)
}

/// A line without the mark that it goes on, and whether it does.
fn part(line: &str, escape: char) -> (&str, bool) {
    let line = line.trim_end_matches('\r');
    match line.trim_end_matches([' ', '\t']).strip_suffix(escape) {
        Some(part) if !part.ends_with(escape) => (part, true),
        _ => (line, false),
    }
}

/// Its keyword and the rest.
pub fn split(line: &str) -> (&str, &str) {
    let line = line.trim();
    line.split_once(['\t', '\u{b}', '\u{c}', '\r', ' ']).unwrap_or((line, ""))
}

/// The words that begin with `--`, without their quotes, and what follows them.
pub fn flags(text: &str, escape: char) -> (Vec<String>, String) {
    let mut left = text.as_bytes();
    let mut flags = Vec::new();
    loop {
        let spaces = left.iter().take_while(|byte| char::from(**byte).is_whitespace()).count();
        left = left.get(spaces..).unwrap_or_default();
        if !left.starts_with(b"--") {
            break;
        }
        let (flag, rest) = flag(left, escape);
        left = rest;
        if flag == "--" {
            break;
        }
        flags.push(flag);
    }
    (flags, String::from_utf8_lossy(left).trim().to_owned())
}

/// BuildKit takes each byte for a letter here: even some within a letter are spaces.
fn flag(text: &[u8], escape: char) -> (String, &[u8]) {
    let (mut flag, mut quote, mut left) = (String::new(), None, text.iter());
    while let Some(letter) = left.next().map(|byte| char::from(*byte)) {
        match quote {
            None if letter.is_whitespace() => break,
            None if matches!(letter, '\'' | '"') => quote = Some(letter),
            Some(open) if open == letter => quote = None,
            _ if letter == escape => flag.extend(left.next().map(|byte| char::from(*byte))),
            _ => flag.push(letter),
        }
    }
    (flag, left.as_slice())
}

/// Words, with their quotes.
pub fn words(text: &str, escape: char) -> Vec<String> {
    let (mut words, mut word, mut quote) = (Vec::new(), String::new(), None);
    let mut letters = text.chars();
    while let Some(letter) = letters.next() {
        match quote {
            None if letter.is_whitespace() => {
                words.push(std::mem::take(&mut word));
                continue;
            }
            None if matches!(letter, '\'' | '"') => quote = Some(letter),
            Some(open) if open == letter => quote = None,
            _ => {}
        }
        if letter != escape || quote == Some('\'') {
            word.push(letter);
        } else if let Some(escaped) = letters.next() {
            word.extend([letter, escaped]);
        }
    }
    words.push(word);
    words.retain(|word| !word.is_empty());
    words
}
