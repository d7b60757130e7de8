//! The recorded exchanges between clients and tsuru's server, made again in their order with ours, and compared. Nothing but the
//! names of things (see [`names`]) is taken from a recording; answers come from handlers, a store, and stand-ins for the cluster and
//! the broker that the recorded server had.

mod compare;
mod deviations;
mod exchange;
mod names;
mod progress;
mod world;

use std::{collections::BTreeSet, sync::Arc};

use impaas::store::Backend;
use world::World;

use crate::store::{backends, say};

/// Exchanges that hang on the recorded server's own cluster and routers, which the stand-in does not have yet; counted apart.
const PENDING: &[&str] = &[
    "http:router-list",
    "http:router-info",
    "http:app-router-add",
    "http:app-router-remove",
    "http:app-info-autoscale",
    "http:event-list",
    "http:cluster-list",
    "http:provisioner-list",
    "raw:autoscale-get-2",
    "raw:router-put",
    "raw:kinds",
    "raw:plan-routers",
    "raw:routers",
    "raw:router-get",
    "raw:as-token",
    "raw:clusters",
    "raw:cluster-del",
];

/// What a run found.
#[derive(Default)]
struct Found {
    same: usize,
    different: BTreeSet<String>,
    /// On routes that this server does not have yet.
    unserved: usize,
    unexplained: Vec<String>,
}

#[actix_web::test]
async fn recorded_exchanges_are_answered_as_recorded_or_for_a_stated_reason() {
    for empty in backends().await {
        if empty.name == "sqlite" {
            replay(empty.name, || Arc::new(impaas::store::sqlite::Sqlite::in_memory().unwrap())).await;
        }
        empty.remove().await;
    }
}

async fn replay(store: &str, fresh: impl Fn() -> Arc<dyn Backend>) {
    let explained = deviations::explained();
    let mut found = Found::default();
    replay_one("http", World::new(fresh()).await, &explained, &mut found).await;
    let world = World::new(fresh()).await;
    world.set_up().await;
    replay_one("raw", world, &explained, &mut found).await;
    let (same, different) = (found.same, found.different.len());
    say(&format!("recorded exchanges on {store}: {same} same, {different} different, {} on routes not served yet", found.unserved));
    let idle: Vec<_> = explained.difference(&found.different).collect();
    assert!(found.unexplained.is_empty(), "not in compat-tests/deviations.csv:\n{}", found.unexplained.join("\n"));
    assert!(idle.is_empty(), "compat-tests/deviations.csv explains what does not differ: {idle:?}");
    let all = same + different + found.unserved;
    assert!(different * 100 <= all * 5, "fewer than 95 in 100 are the same");
}

async fn replay_one(name: &str, mut world: World, explained: &BTreeSet<String>, found: &mut Found) {
    for exchange in exchange::recording(name) {
        let reply = world.ask(&exchange).await;
        let differences = compare::differences(&exchange, &reply, &mut world.names);
        if reply.status == 501 || PENDING.contains(&exchange.label.as_str()) {
            found.unserved += 1;
            continue;
        }
        if differences.is_empty() {
            found.same += 1;
            continue;
        }
        if !explained.contains(&exchange.label) {
            let request = format!("{} {} {}?{}", exchange.label, exchange.method, exchange.path, exchange.query);
            found.unexplained.push(format!("{request}\n    {}", differences.join("\n    ")));
        }
        found.different.insert(exchange.label);
    }
}
