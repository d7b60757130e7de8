//! The server itself.

pub mod healthcheck;
pub mod index;
pub mod info;
pub mod metrics;
