//! The recorded exchanges between clients and tsuru's server, made again in their order with ours, and compared. Nothing but the
//! names of things (see [`names`]) is taken from a recording; answers come from handlers, a store, and stand-ins for the
//! cluster, the router and the broker that the recorded server had.

mod align;
mod broker;
mod compare;
mod deviations;
mod exchange;
mod names;
mod progress;
mod router;
mod world;

use std::collections::BTreeSet;

use world::World;

use crate::store::{Empty, backends, say};

/// What a run found.
#[derive(Default)]
struct Found {
    same: usize,
    different: usize,
    /// Differences that `different.csv` names.
    explained: BTreeSet<String>,
    unexplained: Vec<String>,
}

impl Found {
    fn count(&mut self, label: &str, request: &str, differences: &[String], explained: &BTreeSet<String>) {
        if differences.is_empty() {
            self.same += 1;
            return;
        }
        let named = |difference: &String| (format!("{label}{}", part(difference)), difference.clone());
        let (known, unknown): (Vec<_>, Vec<_>) = differences.iter().map(named).partition(|(label, _)| explained.contains(label));
        self.different += 1;
        self.explained.extend(known.into_iter().map(|(label, _)| label));
        if !unknown.is_empty() {
            let why: Vec<String> = unknown.into_iter().map(|(_, difference)| difference).collect();
            self.unexplained.push(format!("{label} {request}\n    {}", why.join("\n    ")));
        }
    }

    fn says(&self, what: &str, store: &str) {
        say(&format!("{what} on {store}: {} same, {} different", self.same, self.different));
    }
}

/// `[75]` of a difference in the 75th event of a list: each is explained for itself.
fn part(difference: &str) -> &str {
    match difference.find(']') {
        Some(end) if difference.starts_with('[') => &difference[..=end],
        _ => "",
    }
}

#[actix_web::test]
async fn recorded_exchanges_are_answered_as_recorded_or_for_a_stated_reason() {
    for (first, second) in backends().await.into_iter().zip(backends().await) {
        replay(&first, &second).await;
        first.remove().await;
        second.remove().await;
    }
}

/// Each recording begins with an empty store.
async fn replay(first: &Empty, second: &Empty) {
    let explained = deviations::explained();
    let (mut exchanges, mut calls) = (Found::default(), Found::default());
    for (name, broker, empty) in [("http", "broker", first), ("raw", "broker-raw", second)] {
        let mut world = World::new(empty.backend.clone()).await;
        if name == "raw" {
            world.set_up().await;
        }
        for exchange in exchange::recording(name) {
            let reply = world.ask(&exchange).await;
            let differences = compare::differences(&exchange, &reply, &mut world.names);
            let request = format!("{} {}?{}", exchange.method, exchange.path, exchange.query);
            exchanges.count(&exchange.label, &request, &differences, &explained);
        }
        for call in broker::compare(broker, &world.broker.seen()) {
            calls.count(&call.label, &call.line, &call.differences, &explained);
        }
    }
    exchanges.says("recorded exchanges", first.name);
    calls.says("recorded calls to the broker", first.name);
    let unexplained = [exchanges.unexplained, calls.unexplained].concat();
    assert!(unexplained.is_empty(), "not in compat-tests/recorded/different.csv:\n{}", unexplained.join("\n"));
    let used: BTreeSet<String> = exchanges.explained.union(&calls.explained).cloned().collect();
    let idle: Vec<_> = explained.difference(&used).collect();
    assert!(idle.is_empty(), "compat-tests/recorded/different.csv explains what does not differ: {idle:?}");
    let all = exchanges.same + exchanges.different;
    assert!(exchanges.different * 100 <= all * 5, "fewer than 95 in 100 are the same");
}
