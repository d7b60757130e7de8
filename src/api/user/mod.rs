//! Users.

pub mod api_key;
pub mod create;
pub mod info;
pub mod list;
pub mod password;
pub mod quota;
pub mod remove;
pub mod view;
