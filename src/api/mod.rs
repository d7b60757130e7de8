//! HTTP: the route table, the decoding of requests, the words of answers. Knows no database and no cluster.

pub mod access;
pub mod answer;
pub mod app;
pub mod auth;
pub mod body;
pub mod call;
pub mod constraint;
pub mod deploy;
pub mod dispatch;
pub mod error;
pub mod event;
pub mod extract;
pub mod job;
pub mod openapi;
mod pieces;
pub mod plan;
pub mod platform;
pub mod pool;
pub mod provisioner;
pub mod record;
pub mod role;
pub mod route;
pub mod router;
pub mod routes;
pub mod service;
pub mod stream;
pub mod system;
pub mod team;
pub mod token;
pub mod user;
pub mod volume;
pub mod webhook;

pub use answer::Answer;
pub use call::Call;
