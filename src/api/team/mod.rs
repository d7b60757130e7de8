//! Teams.

pub mod create;
pub mod info;
pub mod list;
pub mod members;
pub mod quota;
pub mod remove;
pub mod update;
