//! Connections to units, kept for a short while.

use std::time::Duration;

use hyper_util::{
    client::legacy::{self, connect::HttpConnector},
    rt::{TokioExecutor, TokioTimer},
};

use super::Body;

/// Shorter than what servers commonly keep an idle connection for, so that we close it first.
const IDLE: Duration = Duration::from_millis(1500);
/// A process of this machine answers at once or is not there.
const CONNECT: Duration = Duration::from_secs(5);

/// Speaks HTTP to units.
pub type Client = legacy::Client<HttpConnector, Body>;

/// A client with its own pool. A unit has an address of its own, so connections of a leaving one are never taken again.
pub fn client() -> Client {
    let mut connector = HttpConnector::new();
    connector.set_nodelay(true);
    connector.set_connect_timeout(Some(CONNECT));
    legacy::Client::builder(TokioExecutor::new())
        .pool_timer(TokioTimer::new())
        .pool_idle_timeout(IDLE)
        .pool_max_idle_per_host(32)
        .build(connector)
}
