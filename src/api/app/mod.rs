//! Apps.

pub mod access;
pub mod autoscale;
pub mod certificate;
pub mod cname;
pub mod create;
pub mod env;
pub mod gone;
pub mod info;
pub mod list;
pub mod quota;
pub mod remove;
pub mod router;
pub mod update;
pub mod view;
