//! The one binary of integration tests.

#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "a test that cannot go on fails")]

mod api;
mod bad_input;
mod budget;
mod build;
mod contract;
mod event;
mod examples;
mod flows;
mod kubernetes;
mod layers;
mod local;
mod matrix;
mod objects;
mod replay;
mod replicas;
mod server;
mod shared;
mod sign_on;
mod store;
