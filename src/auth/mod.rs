//! Who is calling: passwords, sessions, API keys, and the grants that follow.

pub mod caller;
pub mod callers;
pub mod identify;
pub mod login;
pub mod password;
pub mod session;
pub mod team_token;
pub mod throttle;
pub mod token;

pub use caller::{Caller, CallerKind};
