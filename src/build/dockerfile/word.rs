//! Words of a Dockerfile: quotes, escapes and variables.

use std::{collections::BTreeMap, iter::Peekable, str::Chars};

/// Stands for a word that the building machine fills in: `amd64`, `linux`.
pub const MACHINE: char = '\0';

/// How long a value may be, and how deep words may be within words.
const LIMITS: (usize, usize) = (4096, 16);

/// What a word stands for is known only to the one who builds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Untold;

/// What variables stand for.
#[derive(Debug, Default)]
pub struct Variables(BTreeMap<String, Result<String, Untold>>);

impl Variables {
    /// Takes `NAME=VALUE`; a name alone says nothing.
    pub fn set(&mut self, word: &str, escape: char) {
        if let Some((name, value)) = word.split_once('=') {
            let value = self.expand(value, escape);
            self.0.insert(name.to_owned(), value);
        }
    }

    /// What a word stands for.
    pub fn expand(&self, word: &str, escape: char) -> Result<String, Untold> {
        // BuildKit's reader leaves out a mark of the byte order.
        Reader { letters: word.trim_start_matches('\u{feff}').chars().peekable(), escape, variables: self, depth: 0 }.until(None)
    }

    /// None: not set.
    fn get(&self, name: &str) -> Result<Option<String>, Untold> {
        match (name, self.0.get(name)) {
            // The one that the build service sets itself.
            ("tsuru_deploy_cache", _) => Err(Untold),
            (_, Some(value)) => value.clone().map(Some),
            ("BUILDOS" | "BUILDARCH" | "BUILDVARIANT" | "TARGETOS" | "TARGETARCH" | "TARGETVARIANT", None) => Ok(Some(MACHINE.into())),
            ("BUILDPLATFORM" | "BUILDOSVERSION" | "TARGETPLATFORM" | "TARGETOSVERSION" | "TARGETSTAGE", None) => Err(Untold),
            (_, None) => Ok(None),
        }
    }
}

struct Reader<'a> {
    letters: Peekable<Chars<'a>>,
    escape: char,
    variables: &'a Variables,
    depth: usize,
}

impl Reader<'_> {
    fn until(&mut self, stop: Option<char>) -> Result<String, Untold> {
        let mut word = String::new();
        while let Some(letter) = self.letters.next().filter(|letter| Some(*letter) != stop) {
            match letter {
                '\'' => word.extend(self.letters.by_ref().take_while(|letter| *letter != '\'')),
                '"' => self.quoted(&mut word)?,
                '$' => word.push_str(&self.variable()?),
                _ if letter == self.escape => word.extend(self.letters.next()),
                _ => word.push(letter),
            }
            if word.len() > LIMITS.0 {
                return Err(Untold);
            }
        }
        Ok(word)
    }

    fn quoted(&mut self, word: &mut String) -> Result<(), Untold> {
        while let Some(letter) = self.letters.next().filter(|letter| *letter != '"') {
            let escaped = |next: &char| matches!(*next, '"' | '$') || *next == letter;
            match letter {
                '$' => word.push_str(&self.variable()?),
                _ if letter == self.escape => word.push(self.letters.next_if(escaped).unwrap_or(letter)),
                _ => word.push(letter),
            }
            if word.len() > LIMITS.0 {
                return Err(Untold);
            }
        }
        Ok(())
    }

    /// After a `$`: a name, or `{NAME}`, `{NAME:-WORD}`, `{NAME+WORD}`, ...; patterns are not looked into.
    fn variable(&mut self) -> Result<String, Untold> {
        if self.letters.next_if_eq(&'{').is_none() {
            let name = self.name();
            return if name.is_empty() { Ok("$".into()) } else { Ok(self.variables.get(&name)?.unwrap_or_default()) };
        }
        let value = self.variables.get(&self.name())?;
        let mut sign = self.letters.next().ok_or(Untold)?;
        if sign == '}' {
            return Ok(value.unwrap_or_default());
        }
        let filled = sign == ':';
        if filled {
            sign = self.letters.next().ok_or(Untold)?;
        }
        self.depth += 1;
        if self.depth > LIMITS.1 || !matches!(sign, '-' | '+' | '?') || value.as_ref().is_some_and(|value| value.contains(MACHINE)) {
            return Err(Untold);
        }
        let word = self.until(Some('}'))?;
        self.depth -= 1;
        let value = value.filter(|value| !(filled && value.is_empty()));
        match sign {
            '-' => Ok(value.unwrap_or(word)),
            '+' => Ok(value.map(|_| word).unwrap_or_default()),
            _ => value.ok_or(Untold),
        }
    }

    fn name(&mut self) -> String {
        let mut name = String::new();
        match self.letters.peek() {
            Some(first) if first.is_numeric() => {
                while let Some(digit) = self.letters.next_if(|letter| letter.is_numeric()) {
                    name.push(digit);
                }
            }
            Some('@' | '*' | '#' | '?' | '-' | '$' | '!') => name.extend(self.letters.next()),
            _ => {
                while let Some(letter) = self.letters.next_if(|letter| letter.is_alphanumeric() || *letter == '_') {
                    name.push(letter);
                }
            }
        }
        name
    }
}
