//! Deploys over HTTP.

pub mod build;
#[expect(clippy::module_inception, reason = "verb files are named after what they do: POST ./deploy")]
pub mod deploy;
pub mod info;
pub mod rollback;
pub mod upload;
mod view;
