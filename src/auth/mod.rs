//! Who is calling: passwords, sign-on by a provider, sessions, API keys, and the grants that follow.

pub mod admit;
pub mod caller;
pub mod callers;
pub mod identify;
pub mod jwt;
pub mod login;
pub mod oauth;
pub mod oauth_token;
pub mod oidc;
pub mod password;
pub mod person;
pub mod provider;
pub mod session;
pub mod sign_on;
pub mod team_token;
pub mod throttle;
pub mod token;
pub mod web_login;

pub use caller::{Caller, CallerKind};
