//! The one binary of integration tests.

mod layers;
mod server;
