//! Team tokens.

pub mod change;
pub mod info;
