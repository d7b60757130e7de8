//! Roles and permissions.

pub mod add;
pub mod assign;
pub mod bulk;
pub mod default;
pub mod info;
pub mod permission;
pub mod remove;
pub mod update;
