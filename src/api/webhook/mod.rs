//! Webhooks.

pub mod change;
pub mod info;
pub mod key;
mod view;
