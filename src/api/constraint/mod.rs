//! Constraints of pools.

pub mod list;
pub mod set;
