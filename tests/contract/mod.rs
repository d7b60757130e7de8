//! The contract as a table, what of it tests assert, and the cases that all routes share.

pub mod cases;
pub mod table;

mod faults;
mod request;
mod world;

mod absent;
mod answers;
mod body;
mod denied;
mod openapi;
mod refused;
mod routes;
mod states;
