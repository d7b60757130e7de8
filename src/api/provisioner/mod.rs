//! Provisioners and clusters.

pub mod clusters;
pub mod list;
