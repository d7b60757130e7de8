//! The one binary of integration tests.

mod examples;
mod flows;
mod layers;
mod server;
