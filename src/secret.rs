//! Text that must not leak: it has no `Display`, its `Debug` is a mask, and it serializes only into the store, which seals it.

use std::fmt;

use serde::{Deserialize, Deserializer, Serializer};
use zeroize::Zeroize;

/// A password, token, key or private value. Read it with [`Secret::expose`], where it is really needed.
#[derive(Clone, Default, PartialEq, Eq, Zeroize)]
#[zeroize(drop)]
pub struct Secret(String);

impl Secret {
    /// Wraps a clear text.
    pub fn new(clear: impl Into<String>) -> Self {
        Self(clear.into())
    }

    /// The clear text.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// True when there is no text.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(***)")
    }
}

impl From<&str> for Secret {
    fn from(clear: &str) -> Self {
        Self::new(clear)
    }
}

impl From<String> for Secret {
    fn from(clear: String) -> Self {
        Self(clear)
    }
}

impl<'de> Deserialize<'de> for Secret {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        Ok(Self(Option::<String>::deserialize(from)?.unwrap_or_default()))
    }
}

/// `#[serde(serialize_with = "secret::stored")]`: for documents only; the field must be one of the collection's sealed paths.
pub fn stored<S: Serializer>(secret: &Secret, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_str(secret.expose())
}

#[cfg(test)]
mod tests {
    use super::Secret;

    #[test]
    fn debug_output_hides_the_text() {
        assert_eq!(format!("{:?}", Secret::new("hush")), "Secret(***)");
    }
}
