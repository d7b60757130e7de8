//! ImPaaS: a Platform-as-a-Service server that answers like tsuru. See ARCHITECTURE.md for the map.

pub mod build;
pub mod clock;
pub mod error;
pub mod lenient;
pub mod output;
pub mod provisioner;
pub mod secret;
pub mod store;
