//! Text from pieces of bytes that may end within a character.

/// Keeps the beginning of a character until its rest comes.
#[derive(Debug, Default)]
pub struct Decoder(Vec<u8>);

impl Decoder {
    /// The text so far; bytes that are no UTF-8 become replacement characters.
    pub fn decode(&mut self, piece: &[u8]) -> String {
        self.0.extend_from_slice(piece);
        let keep = match std::str::from_utf8(&self.0) {
            Ok(_) => 0,
            Err(e) if e.error_len().is_none() => self.0.len() - e.valid_up_to(),
            // Broken further ahead: only an unfinished end is kept.
            Err(_) => (1..=3.min(self.0.len())).find(|count| self.is_unfinished(*count)).unwrap_or(0),
        };
        let rest = self.0.split_off(self.0.len() - keep);
        let whole = std::mem::replace(&mut self.0, rest);
        String::from_utf8_lossy(&whole).into_owned()
    }

    fn is_unfinished(&self, count: usize) -> bool {
        let end = self.0.get(self.0.len() - count..).unwrap_or_default();
        std::str::from_utf8(end).is_err_and(|e| e.valid_up_to() == 0 && e.error_len().is_none())
    }

    /// What never became whole.
    pub fn rest(&mut self) -> String {
        String::from_utf8_lossy(&std::mem::take(&mut self.0)).into_owned()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn cut_anywhere_gives_the_same_text(text in "\\PC*", broken in any::<bool>(), cut in 0usize..50) {
            let mut bytes = text.into_bytes();
            if broken {
                bytes.insert(0, 0xff);
            }
            let cut = cut.min(bytes.len());
            let mut decoder = Decoder::default();
            let got = decoder.decode(&bytes[..cut]) + &decoder.decode(&bytes[cut..]) + &decoder.rest();
            prop_assert_eq!(got, String::from_utf8_lossy(&bytes).into_owned());
        }
    }
}
