//! The one binary of integration tests.

mod api;
mod examples;
mod flows;
mod layers;
mod server;
