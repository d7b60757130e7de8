//! From what a user sends to a runnable version: the files every provisioner reads the same way.

pub mod agent;
pub mod archive;
pub mod dockerfile;
pub mod found;
pub mod processes;
pub mod procfile;
pub mod tsuru_yaml;
