//! ImPaaS: a Platform-as-a-Service server that answers like tsuru. See ARCHITECTURE.md for the map.

pub mod api;
pub mod app;
pub mod auth;
pub mod build;
pub mod clock;
pub mod config;
pub mod context;
pub mod error;
pub mod event;
pub mod first_start;
pub mod lenient;
pub mod names;
pub mod output;
pub mod permission;
pub mod plan;
pub mod platform;
pub mod pool;
pub mod provisioner;
pub mod quota;
pub mod router;
pub mod secret;
pub mod server;
pub mod store;
pub mod team;
pub mod user;
pub mod volume;
