//! What sign-on by providers needs while the server runs.

use super::{oidc::Keys, provider::Http};
use crate::config::Config;

/// The way to the provider, and what is known of it.
#[derive(Debug)]
pub struct SignOn {
    /// Requests to it.
    pub http: Http,
    /// Its keys.
    pub keys: Keys,
}

impl SignOn {
    /// Nothing is known yet.
    pub fn new(config: &Config) -> Self {
        Self { http: Http::new(config.outgoing), keys: Keys::default() }
    }
}
