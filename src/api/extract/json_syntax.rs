//! What is wrong with a JSON text, in the words of Go's decoder.

use super::go::quote_byte;

const END: &str = "unexpected end of JSON input";

type Check = Result<(), String>;

/// The first fault of a text, or `None` when Go would take it.
pub fn fault(text: &str) -> Option<String> {
    Scanner { rest: text.as_bytes() }.document().err()
}

struct Scanner<'a> {
    rest: &'a [u8],
}

/// What must come next.
enum Next {
    Value,
    ValueOrEnd,
    Key,
    KeyOrEnd,
    After,
}

impl Scanner<'_> {
    fn document(&mut self) -> Check {
        let mut open = Vec::new();
        let mut next = Next::Value;
        loop {
            self.skip_spaces();
            if let (Next::After, None) = (&next, open.last()) {
                return if self.rest.is_empty() { Ok(()) } else { Err(self.wrong("after top-level value")) };
            }
            next = self.step(next, &mut open)?;
        }
    }

    fn step(&mut self, next: Next, open: &mut Vec<u8>) -> Result<Next, String> {
        let first = *self.rest.first().ok_or(END)?;
        match (next, first) {
            (Next::ValueOrEnd, b']') | (Next::KeyOrEnd, b'}') => self.close(open),
            (Next::Key | Next::KeyOrEnd, _) => self.key(first),
            (Next::Value | Next::ValueOrEnd, _) => self.value(first, open),
            (Next::After, b',') => {
                self.advance(1);
                Ok(if open.last() == Some(&b'{') { Next::Key } else { Next::Value })
            }
            (Next::After, b'}') if open.last() == Some(&b'{') => self.close(open),
            (Next::After, b']') if open.last() == Some(&b'[') => self.close(open),
            (Next::After, _) if open.last() == Some(&b'{') => Err(self.wrong("after object key:value pair")),
            (Next::After, _) => Err(self.wrong("after array element")),
        }
    }

    fn close(&mut self, open: &mut Vec<u8>) -> Result<Next, String> {
        open.pop();
        self.advance(1);
        Ok(Next::After)
    }

    fn key(&mut self, first: u8) -> Result<Next, String> {
        if first != b'"' {
            return Err(self.wrong("looking for beginning of object key string"));
        }
        self.string()?;
        self.skip_spaces();
        match self.take()? {
            b':' => Ok(Next::Value),
            other => Err(wrong(other, "after object key")),
        }
    }

    fn value(&mut self, first: u8, open: &mut Vec<u8>) -> Result<Next, String> {
        match first {
            b'{' | b'[' => {
                open.push(first);
                self.advance(1);
                return Ok(if first == b'{' { Next::KeyOrEnd } else { Next::ValueOrEnd });
            }
            b'"' => self.string()?,
            b'-' | b'0'..=b'9' => self.number()?,
            b't' => self.literal("true")?,
            b'f' => self.literal("false")?,
            b'n' => self.literal("null")?,
            _ => return Err(self.wrong("looking for beginning of value")),
        }
        Ok(Next::After)
    }

    fn string(&mut self) -> Check {
        self.advance(1);
        loop {
            match self.take()? {
                b'"' => return Ok(()),
                b'\\' => self.escape()?,
                control @ 0..=0x1f => return Err(wrong(control, "in string literal")),
                _ => {}
            }
        }
    }

    fn escape(&mut self) -> Check {
        match self.take_or_space() {
            b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => Ok(()),
            b'u' => (0..4).try_for_each(|_| self.expect(|b| b.is_ascii_hexdigit(), "in \\u hexadecimal character escape")),
            other => Err(wrong(other, "in string escape code")),
        }
    }

    fn number(&mut self) -> Check {
        if self.rest.first() == Some(&b'-') {
            self.advance(1);
        }
        let zero = self.rest.first() == Some(&b'0');
        self.expect(|b| b.is_ascii_digit(), "in numeric literal")?;
        if !zero {
            self.skip_digits();
        }
        if self.rest.first() == Some(&b'.') {
            self.advance(1);
            self.expect(|b| b.is_ascii_digit(), "after decimal point in numeric literal")?;
            self.skip_digits();
        }
        if matches!(self.rest.first(), Some(b'e' | b'E')) {
            self.advance(1);
            if matches!(self.rest.first(), Some(b'+' | b'-')) {
                self.advance(1);
            }
            self.expect(|b| b.is_ascii_digit(), "in exponent of numeric literal")?;
            self.skip_digits();
        }
        Ok(())
    }

    fn literal(&mut self, word: &str) -> Check {
        for expected in word.bytes() {
            let context = format!("in literal {word} (expecting {})", quote_byte(expected));
            self.expect(|b| b == expected, &context)?;
        }
        Ok(())
    }

    fn expect(&mut self, fits: impl Fn(u8) -> bool, context: &str) -> Check {
        let byte = self.take_or_space();
        if fits(byte) { Ok(()) } else { Err(wrong(byte, context)) }
    }

    /// In the middle of a word or number the end counts as a space to Go.
    fn take_or_space(&mut self) -> u8 {
        self.take().unwrap_or(b' ')
    }

    fn take(&mut self) -> Result<u8, String> {
        let (&first, rest) = self.rest.split_first().ok_or(END)?;
        self.rest = rest;
        Ok(first)
    }

    fn wrong(&self, context: &str) -> String {
        self.rest.first().map_or_else(|| END.into(), |byte| wrong(*byte, context))
    }

    fn advance(&mut self, n: usize) {
        self.rest = self.rest.get(n..).unwrap_or_default();
    }

    fn skip_spaces(&mut self) {
        let spaces = self.rest.iter().take_while(|b| matches!(b, b' ' | b'\t' | b'\r' | b'\n')).count();
        self.advance(spaces);
    }

    fn skip_digits(&mut self) {
        let digits = self.rest.iter().take_while(|b| b.is_ascii_digit()).count();
        self.advance(digits);
    }
}

fn wrong(byte: u8, context: &str) -> String {
    format!("invalid character {} {context}", quote_byte(byte))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn faults_have_gos_words() {
        let cases = [
            ("{", "unexpected end of JSON input"),
            ("", "unexpected end of JSON input"),
            ("\"a", "unexpected end of JSON input"),
            ("name=x", "invalid character 'a' in literal null (expecting 'u')"),
            ("x", "invalid character 'x' looking for beginning of value"),
            ("{a", "invalid character 'a' looking for beginning of object key string"),
            ("{\"a\":1,}", "invalid character '}' looking for beginning of object key string"),
            ("{\"a\" 1}", "invalid character '1' after object key"),
            ("{\"a\":1 2}", "invalid character '2' after object key:value pair"),
            ("[1 2]", "invalid character '2' after array element"),
            ("[1}", "invalid character '}' after array element"),
            ("[1,]", "invalid character ']' looking for beginning of value"),
            ("{} {}", "invalid character '{' after top-level value"),
            ("01", "invalid character '1' after top-level value"),
            ("-x", "invalid character 'x' in numeric literal"),
            ("1.x", "invalid character 'x' after decimal point in numeric literal"),
            ("1ex", "invalid character 'x' in exponent of numeric literal"),
            ("[tru", "invalid character ' ' in literal true (expecting 'e')"),
            ("-", "invalid character ' ' in numeric literal"),
            ("\"\\", "invalid character ' ' in string escape code"),
            ("{\"a\"", "unexpected end of JSON input"),
            ("tru.", "invalid character '.' in literal true (expecting 'e')"),
            ("\"\n\"", "invalid character '\\n' in string literal"),
            ("\"\\x\"", "invalid character 'x' in string escape code"),
            ("\"\\u12g4\"", "invalid character 'g' in \\u hexadecimal character escape"),
        ];
        for (text, expected) in cases {
            assert_eq!(fault(text).as_deref(), Some(expected), "{text}");
        }
    }

    proptest! {
        #[test]
        fn agrees_with_another_reader(text in "([\\[\\]{},: 0-9.eE+-]|\"a\"|true|null|\"\\\\u00e9\"|\"k\":){0,12}|\\PC{0,12}") {
            // The only texts on which the readers differ are numbers out of range.
            let other = serde_json::from_str::<serde::de::IgnoredAny>(&text).is_ok();
            prop_assert_eq!(fault(&text).is_none(), other, "{}", text);
        }
    }
}
