//! Routers.

pub mod change;
pub mod list;
