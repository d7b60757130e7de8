//! Routes of volumes.

pub mod bind;
pub mod create;
pub mod info;
pub mod list;
pub mod plans;
pub mod remove;
pub mod update;
pub mod view;
mod wish;
