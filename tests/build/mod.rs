//! The build service: how it is asked, and one that really builds.

pub mod buildkit;
mod platform;
mod protocol;
mod registry;
pub mod service;
