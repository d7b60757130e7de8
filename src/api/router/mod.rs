//! Routers.

pub mod list;
