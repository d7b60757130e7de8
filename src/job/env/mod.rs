//! The environment of jobs.

mod change;
pub mod merge;

pub use change::{set, unset};
pub use merge::merged;
