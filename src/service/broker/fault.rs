//! Why a broker did not do it, and whether it may have done it all the same.

use super::call::Reply;
use crate::error::Error;

/// Why not.
#[derive(Clone, Debug)]
pub struct Fault {
    text: String,
    /// Whether the broker did it is not known: it hung, broke off, or answered what makes no sense.
    pub uncertain: bool,
}

impl Fault {
    /// It did not do it.
    pub fn refused(text: impl Into<String>) -> Self {
        Self { text: text.into(), uncertain: false }
    }

    /// It may have done it.
    pub fn nonsense(text: impl Into<String>) -> Self {
        Self { text: text.into(), uncertain: true }
    }

    /// The same, and what was tried.
    pub fn within(self, what: &str) -> Self {
        Self { text: format!("{what}: {}", self.text), ..self }
    }
}

/// The fault of a reply that says no, or of one that never came.
pub fn of(reply: Result<Reply, Fault>) -> Fault {
    match reply {
        Ok(reply) => reply.refusal(),
        Err(fault) => fault,
    }
}

impl std::fmt::Display for Fault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.text)
    }
}

impl From<Fault> for Error {
    fn from(fault: Fault) -> Self {
        Error::refused(fault.text)
    }
}
