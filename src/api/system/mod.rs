//! The server itself.

pub mod debug;
pub mod healthcheck;
pub mod index;
pub mod info;
pub mod logs;
pub mod metrics;
