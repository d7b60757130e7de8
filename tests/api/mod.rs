//! The API in process: real routing, decoding, store (SQLite in memory); no sockets but those of brokers of services.

pub mod broker;
pub mod harness;
pub mod memory;

mod app;
mod app_env;
mod app_list;
mod app_parts;
mod app_update;
mod auth;
mod autoscale;
mod cluster;
mod constraint;
mod debug;
pub mod deploy;
mod edge;
mod edge_router;
mod event;
mod job;
mod metrics;
mod plan;
mod platform;
mod pool;
mod request_id;
mod role;
mod router;
mod router_api;
mod running;
pub mod service;
mod service_instance;
mod service_job;
mod service_proxy;
mod team;
mod token;
mod user;
pub mod volume;
mod webhook;
