//! The one binary of integration tests.

mod examples;
mod layers;
mod server;
