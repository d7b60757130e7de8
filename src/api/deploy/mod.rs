//! Deploys over HTTP.

pub mod build;
pub mod deploy;
pub mod info;
pub mod rollback;
mod upload;
mod view;
