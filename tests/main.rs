//! The one binary of integration tests.

mod api;
mod event;
mod examples;
mod flows;
mod layers;
mod server;
mod store;
