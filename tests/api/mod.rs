//! The API in process: real routing, decoding, store (SQLite in memory); no sockets.

pub mod harness;

mod auth;
mod edge;
mod routes;
mod user;
