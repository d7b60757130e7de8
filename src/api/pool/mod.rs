//! Pools.

pub mod add;
pub mod info;
pub mod list;
pub mod remove;
pub mod team;
pub mod update;
pub mod view;
