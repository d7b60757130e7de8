//! Logins.

use prometheus::{IntCounterVec, core::Collector};

use super::{Group, counters};
use crate::error::{Error, Result};

/// What is counted about logins.
#[derive(Clone, Debug)]
pub struct LoginMetrics(IntCounterVec);

impl Default for LoginMetrics {
    fn default() -> Self {
        Self(counters("impaas_logins_total", "Logins that were tried.", &["scheme", "outcome"]))
    }
}

impl LoginMetrics {
    /// Counts a try to log in by this scheme.
    pub async fn counted<T>(&self, scheme: &str, login: impl Future<Output = Result<T>>) -> Result<T> {
        let how = login.await;
        self.done(scheme, &how);
        how
    }

    /// Somebody tried to log in by this scheme.
    pub fn done<T>(&self, scheme: &str, how: &Result<T>) {
        self.0.with_label_values(&[scheme, outcome(how)]).inc();
    }
}

fn outcome<T>(how: &Result<T>) -> &'static str {
    match how {
        Ok(_) => "ok",
        Err(Error::TooMany(_)) => "throttled",
        Err(Error::Internal(_) | Error::Unavailable(_) | Error::Refused(_)) => "error",
        Err(_) => "refused",
    }
}

impl Group for LoginMetrics {
    fn collectors(&self) -> Vec<Box<dyn Collector>> {
        vec![Box::new(self.0.clone())]
    }
}
