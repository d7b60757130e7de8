//! Routes of instances.

pub mod access;
pub mod bind;
pub mod create;
pub mod info;
pub mod job;
pub mod remove;
pub mod update;

use crate::api::{Call, record::Recording};

/// Hides what look like secrets among the parameters that a broker is told.
async fn discreet(call: &mut Call, mut recording: Recording) -> crate::error::Result<Recording> {
    for (name, _) in call.inputs().await?.into_fields() {
        let lower = name.to_ascii_lowercase();
        let secret = ["password", "secret", "token", "key", "credential"].iter().any(|word| lower.contains(word));
        if lower.starts_with("parameters") && secret {
            recording = recording.hiding(name);
        }
    }
    Ok(recording)
}
