//! Tokens: 256 random bits in hex; the store keeps only what they are found by.

use rand::Rng;
use sha2::{Digest, Sha256};

use crate::{secret::Secret, store::Store};

/// A new token.
pub fn generate() -> Secret {
    let mut bits = [0u8; 32];
    rand::rng().fill_bytes(&mut bits);
    Secret::new(hex::encode(bits))
}

/// What a token is found by. The tokens are random, so a plain digest is enough.
pub fn digest(token: &str) -> String {
    hex::encode(Sha256::digest(token.as_bytes()))
}

/// Before a digest in a place where tsuru's server keeps the token itself.
const DIGEST: &str = "sha256:";

/// What the store keeps of a session's token: a digest, or the token itself where tsuru's server shall find it too.
pub fn kept(store: &Store, token: &str) -> String {
    if store.is_shared() { token.to_owned() } else { hidden(token) }
}

/// The digest in the form that [`kept`] gives.
pub fn hidden(token: &str) -> String {
    format!("{DIGEST}{}", digest(token))
}

/// True for what [`hidden`] gave.
pub fn is_hidden(kept: &str) -> bool {
    kept.strip_prefix(DIGEST).is_some_and(|hex| hex.len() == 64)
}

/// The token in an `Authorization` header: `bearer X`, `type X` or `X` alone.
pub fn from_header(header: &str) -> Option<&str> {
    let mut parts = header.split(' ');
    let token = match (parts.next(), parts.next(), parts.next()) {
        (Some(token), None, None) | (Some(_), Some(token), None) => token,
        _ => return None,
    };
    (!token.is_empty()).then_some(token)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_has_one_or_two_words() {
        assert_eq!(from_header("bearer abc"), Some("abc"));
        assert_eq!(from_header("abc"), Some("abc"));
        assert_eq!(from_header("a b c"), None);
        assert_eq!(from_header(""), None);
        assert_eq!(from_header("bearer "), None);
    }

    #[test]
    fn tokens_differ_and_have_256_bits() {
        let (a, b) = (generate(), generate());
        assert_ne!(a, b);
        assert_eq!(a.expose().len(), 64);
    }
}
