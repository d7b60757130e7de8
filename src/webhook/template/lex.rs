//! Cuts a template into tokens.

use std::iter::Peekable;
use std::str::Chars;

/// A piece of a template, with its line.
#[derive(Clone, Debug, PartialEq)]
pub struct Token {
    pub line: usize,
    pub kind: Kind,
}

/// What a piece is.
#[derive(Clone, Debug, PartialEq)]
pub enum Kind {
    /// Text outside of actions.
    Text(String),
    /// `{{`
    Open,
    /// `}}`
    Close,
    /// A word: a function, a keyword, a constant.
    Word(String),
    /// `.`, `.Name`; the second is true when white space (or a bracket) comes before it.
    Field(String, bool),
    /// `$`, `$name`.
    Variable(String),
    /// A text in quotes.
    Str(String),
    /// An integer.
    Int(i64),
    /// A fraction.
    Float(f64),
    /// `|`, `(`, `)`, `,`, `=`, `:=`.
    Sign(&'static str),
}

/// All pieces.
pub fn lex(text: &str) -> Result<Vec<Token>, String> {
    let mut lexer = Lexer { line: 1, tokens: Vec::new() };
    let mut rest = text;
    let mut trim = false;
    while let Some((before, after)) = rest.split_once("{{") {
        let trims_before = after.strip_prefix('-').is_some_and(|rest| rest.starts_with(char::is_whitespace));
        let shown = if trim { before.trim_start() } else { before };
        lexer.text(if trims_before { shown.trim_end() } else { shown }, before);
        let inside = if trims_before { after.strip_prefix('-').unwrap_or(after) } else { after };
        let (length, trims_after) = lexer.action(inside)?;
        rest = inside.get(length..).unwrap_or_default();
        trim = trims_after;
    }
    lexer.text(if trim { rest.trim_start() } else { rest }, rest);
    Ok(lexer.tokens)
}

struct Lexer {
    line: usize,
    tokens: Vec<Token>,
}

impl Lexer {
    fn push(&mut self, kind: Kind) {
        self.tokens.push(Token { line: self.line, kind });
    }

    fn text(&mut self, shown: &str, all: &str) {
        if !shown.is_empty() {
            self.push(Kind::Text(shown.into()));
        }
        self.line += all.matches('\n').count();
    }

    fn fault<T>(&self, what: impl std::fmt::Display) -> Result<T, String> {
        Err(format!("line {}: {what}", self.line))
    }

    /// Reads up to and over `}}`; how many bytes, and whether the text behind loses its leading space.
    fn action(&mut self, text: &str) -> Result<(usize, bool), String> {
        if text.trim_start().starts_with("/*") {
            return self.comment(text);
        }
        self.push(Kind::Open);
        let mut chars = text.chars().peekable();
        let mut spaced = true;
        loop {
            let left: String = chars.clone().take(3).collect();
            let at = text.len() - chars.clone().map(char::len_utf8).sum::<usize>();
            if left.starts_with("}}") {
                self.push(Kind::Close);
                return Ok((at + 2, false));
            }
            if spaced && left == "-}}" {
                self.push(Kind::Close);
                return Ok((at + 3, true));
            }
            let Some(c) = chars.peek().copied() else { return self.fault("unclosed action") };
            if c.is_whitespace() {
                self.line += usize::from(c == '\n');
                chars.next();
                spaced = true;
                continue;
            }
            self.piece(c, &mut chars, spaced)?;
            spaced = c == '(';
        }
    }

    fn comment(&mut self, text: &str) -> Result<(usize, bool), String> {
        let Some((inside, after)) = text.split_once("*/") else { return self.fault("unclosed comment") };
        self.line += inside.matches('\n').count();
        let tight = after.trim_start();
        if after.starts_with("}}") {
            return Ok((text.len() - after.len() + 2, false));
        }
        if after.starts_with(char::is_whitespace) && tight.starts_with("-}}") {
            return Ok((text.len() - tight.len() + 3, true));
        }
        self.fault("comment ends before closing delimiter")
    }

    fn piece(&mut self, c: char, chars: &mut Peekable<Chars<'_>>, spaced: bool) -> Result<(), String> {
        match c {
            '"' => self.quoted(chars),
            '`' => self.raw(chars),
            '\'' => self.character(chars),
            '.' => {
                chars.next();
                if chars.peek().is_some_and(char::is_ascii_digit) {
                    return self.number(".", chars);
                }
                let name = word(chars);
                self.push(Kind::Field(name, spaced));
                Ok(())
            }
            '$' => {
                chars.next();
                let name = word(chars);
                self.push(Kind::Variable(name));
                Ok(())
            }
            c if c.is_ascii_digit() || c == '-' || c == '+' => self.number("", chars),
            c if c.is_alphabetic() || c == '_' => {
                let name = word(chars);
                self.push(Kind::Word(name));
                Ok(())
            }
            _ => self.sign(c, chars),
        }
    }

    fn sign(&mut self, c: char, chars: &mut Peekable<Chars<'_>>) -> Result<(), String> {
        chars.next();
        let sign = match c {
            '|' => "|",
            '(' => "(",
            ')' => ")",
            ',' => ",",
            '=' => "=",
            ':' if chars.next_if_eq(&'=').is_some() => ":=",
            _ => return self.fault(format!("unexpected character {c:?}")),
        };
        self.push(Kind::Sign(sign));
        Ok(())
    }

    fn quoted(&mut self, chars: &mut Peekable<Chars<'_>>) -> Result<(), String> {
        chars.next();
        let mut text = String::new();
        loop {
            match chars.next() {
                Some('"') => break,
                Some('\\') => match escape(chars) {
                    Some(c) => text.push(c),
                    None => return self.fault("invalid escape in a text"),
                },
                None | Some('\n') => return self.fault("unterminated quoted string"),
                Some(c) => text.push(c),
            }
        }
        self.push(Kind::Str(text));
        Ok(())
    }

    fn raw(&mut self, chars: &mut Peekable<Chars<'_>>) -> Result<(), String> {
        chars.next();
        let mut text = String::new();
        loop {
            match chars.next() {
                Some('`') => break,
                None => return self.fault("unterminated raw quoted string"),
                Some(c) => {
                    self.line += usize::from(c == '\n');
                    text.push(c);
                }
            }
        }
        self.push(Kind::Str(text));
        Ok(())
    }

    fn character(&mut self, chars: &mut Peekable<Chars<'_>>) -> Result<(), String> {
        chars.next();
        let c = match chars.next() {
            Some('\\') => escape(chars),
            other => other,
        };
        match (c, chars.next()) {
            (Some(c), Some('\'')) => {
                self.push(Kind::Int(i64::from(u32::from(c))));
                Ok(())
            }
            _ => self.fault("unterminated character constant"),
        }
    }

    fn number(&mut self, start: &str, chars: &mut Peekable<Chars<'_>>) -> Result<(), String> {
        let mut text = start.to_owned();
        while let Some(c) = chars.next_if(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-' | '+')) {
            text.push(c);
        }
        let digits = text.replace('_', "");
        let hex = digits.strip_prefix("0x").and_then(|hex| i64::from_str_radix(hex, 16).ok());
        let kind = match (hex.or_else(|| digits.parse().ok()), digits.parse::<f64>()) {
            (Some(whole), _) => Kind::Int(whole),
            (None, Ok(fraction)) if fraction.is_finite() => Kind::Float(fraction),
            _ => return self.fault(format!("bad number syntax: {text:?}")),
        };
        self.push(kind);
        Ok(())
    }
}

fn word(chars: &mut Peekable<Chars<'_>>) -> String {
    let mut name = String::new();
    while let Some(c) = chars.next_if(|c| c.is_alphanumeric() || *c == '_') {
        name.push(c);
    }
    name
}

fn escape(chars: &mut Peekable<Chars<'_>>) -> Option<char> {
    let hex = |chars: &mut Peekable<Chars<'_>>, digits: usize| {
        let text: String = chars.by_ref().take(digits).collect();
        u32::from_str_radix(&text, 16).ok().and_then(char::from_u32)
    };
    match chars.next()? {
        'n' => Some('\n'),
        't' => Some('\t'),
        'r' => Some('\r'),
        'x' => hex(chars, 2),
        'u' => hex(chars, 4),
        'U' => hex(chars, 8),
        c @ ('\\' | '"' | '\'') => Some(c),
        _ => None,
    }
}
