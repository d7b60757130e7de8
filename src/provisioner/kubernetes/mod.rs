//! Apps, jobs and volumes on Kubernetes, with the same objects as tsuru's server makes.

pub mod objects;
pub mod observed;
pub mod settings;
pub mod unit;
pub mod words;
