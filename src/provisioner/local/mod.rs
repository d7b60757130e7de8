//! Apps as processes of this machine.

mod file;
mod log;
mod process;
mod spec;
pub mod unit;
