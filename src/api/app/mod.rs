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
pub mod log;
pub mod quota;
pub mod remove;
pub mod routable;
pub mod router;
pub mod run;
pub mod run_state;
pub mod shell;
pub mod units;
pub mod update;
pub mod view;
