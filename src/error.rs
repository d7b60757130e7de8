//! The one error of the domain. What a caller reads is `Display`; what only the log should see travels in `Internal`.

use thiserror::Error;

/// Result of everything in this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why something was not done, in the terms a caller understands.
#[derive(Debug, Error)]
pub enum Error {
    /// The named thing is not there: 404.
    #[error("{0}")]
    NotFound(String),
    /// The input is wrong: 400.
    #[error("{0}")]
    Invalid(String),
    /// No or no valid token: 401.
    #[error("You must provide a valid Authorization header")]
    Unauthenticated,
    /// Wrong credentials at login: 401 with its own text.
    #[error("{0}")]
    BadCredentials(String),
    /// The caller may not do this: 403.
    #[error("{0}")]
    Forbidden(String),
    /// It exists already, or its state does not allow this: 409.
    #[error("{0}")]
    Conflict(String),
    /// A precondition of the request does not hold: 412.
    #[error("{0}")]
    Precondition(String),
    /// A refusal that tsuru answers with status 500 and this very text (locked events, quotas of units, unknown plan, ...).
    #[error("{0}")]
    Refused(String),
    /// Body over the limit: 413.
    #[error("{0}")]
    TooLarge(String),
    /// Too many attempts: 429.
    #[error("{0}")]
    TooMany(String),
    /// Not there yet in this server: 501.
    #[error("{0}")]
    NotYet(String),
    /// The store or a cluster is away: 503, try again.
    #[error("{0}")]
    Unavailable(String),
    /// A fault of ours: 500 with a number; the detail goes to the log only.
    #[error("internal error")]
    Internal(String),
}

/// The text of every missing permission.
pub const NO_PERMISSION: &str = "You don't have permission to do this action";

impl Error {
    /// 404 with this text.
    pub fn not_found(text: impl Into<String>) -> Self {
        Self::NotFound(text.into())
    }

    /// 400 with this text.
    pub fn invalid(text: impl Into<String>) -> Self {
        Self::Invalid(text.into())
    }

    /// 403 with the usual text.
    pub fn forbidden() -> Self {
        Self::Forbidden(NO_PERMISSION.into())
    }

    /// 409 with this text.
    pub fn conflict(text: impl Into<String>) -> Self {
        Self::Conflict(text.into())
    }

    /// 500 with this text, as tsuru refuses what its state does not allow.
    pub fn refused(text: impl Into<String>) -> Self {
        Self::Refused(text.into())
    }

    /// 503 with this text.
    pub fn unavailable(text: impl Into<String>) -> Self {
        Self::Unavailable(text.into())
    }

    /// 500; the text goes to the log, never to the caller.
    pub fn internal(detail: impl std::fmt::Display) -> Self {
        Self::Internal(detail.to_string())
    }
}

impl From<std::io::Error> for Error {
    fn from(e: std::io::Error) -> Self {
        Self::internal(e)
    }
}

/// `something.or_not_found("team not found")?`
pub trait OrNotFound<T> {
    /// `None` becomes a 404 with this text.
    fn or_not_found(self, text: impl Into<String>) -> Result<T>;
}

impl<T> OrNotFound<T> for Option<T> {
    fn or_not_found(self, text: impl Into<String>) -> Result<T> {
        self.ok_or_else(|| Error::not_found(text))
    }
}

/// Several faults in one text, as tsuru joins them.
pub fn joined(faults: &[String]) -> String {
    match faults {
        [one] => one.clone(),
        many => {
            let lines: String = many.iter().enumerate().map(|(i, fault)| format!("error #{i}: {fault}\n")).collect();
            format!("multiple errors reported ({}):\n{lines}", many.len())
        }
    }
}
