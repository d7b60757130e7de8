//! Signing on and off.

pub mod login;
pub mod logout;
pub mod scheme;
pub mod web_login;
