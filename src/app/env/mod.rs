//! The environment of apps: their own variables, those of bound services, and the server's.

pub mod merge;

pub use merge::{all, merged};

/// Where an app's code is.
pub const APP_DIR: &str = "/home/application/current";
/// Credentials of all bound services, as JSON.
pub const SERVICES: &str = "TSURU_SERVICES";
const APP_NAME: &str = "TSURU_APPNAME";
const APP_DIR_VAR: &str = "TSURU_APPDIR";

/// Variables that only the server sets.
pub const PROTECTED: [&str; 3] = [APP_NAME, SERVICES, APP_DIR_VAR];
