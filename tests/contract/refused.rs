//! Every change is an event: a block stops it, a lock of another event holds it up, a limit of events of late refuses it.

use std::collections::{HashMap, HashSet, hash_map::Entry};

use futures_util::future::join_all;
use impaas::{
    event::{Allowed, Begin, Event, Target, TargetType, document::Named},
    permission::Context,
    store::Filter,
};

use super::{
    faults::Faults,
    request::{Request, requests},
    routes::contract,
    table::{BLOCKED, Key, LOCKED, THROTTLED},
    world::World,
};
use crate::api::harness::Caller;

fn requests_with(text: &str) -> Vec<Request> {
    let mut known = HashSet::new();
    let contract = contract();
    let has =
        |key: &Key| contract.iter().any(|route| &route.key == key && route.cases.iter().any(|case| case.text.as_deref() == Some(text)));
    requests().into_iter().filter(|request| has(&request.key) && known.insert(request.key.clone())).collect()
}

async fn block_all(admin: &Caller<'_>) {
    admin.post("/1.3/events/blocks").form(&[("reason", "maintenance")]).send().await.ok(200);
}

#[actix_web::test]
async fn a_block_of_everything_stops_every_change() {
    let world = World::new().await;
    let admin = world.server.admin().await;
    block_all(&admin).await;
    let mut faults = Faults::default();
    for request in requests_with(BLOCKED) {
        let reply = request.send(&world, &admin).await;
        faults.unless(|| reply.fails_like(500, BLOCKED));
    }
    faults.none();
}

/// The one event that a block stopped since the last look.
async fn stopped(world: &World) -> Event {
    let events = world.server.ctx.store.of::<Event>();
    let mut found = events.find(Filter::ne("error", "")).await.unwrap();
    let event = found.remove(0);
    assert!(found.is_empty(), "{found:?}");
    events.delete(Filter::id(event.id)).await.unwrap();
    event
}

/// What each request would lock: what an event is about that a block stopped.
async fn targets() -> Vec<(Request, Target)> {
    let world = World::new().await;
    let admin = world.server.admin().await;
    block_all(&admin).await;
    let mut targets = Vec::new();
    for request in requests_with(LOCKED) {
        let target = match request.key.1.as_str() {
            "/events/blocks/{uuid}" => Target::new(TargetType::EventBlock, "{block}"),
            _ => {
                request.send(&world, &admin).await.fails_like(500, BLOCKED);
                stopped(&world).await.target
            }
        };
        targets.push((request, target));
    }
    targets
}

#[actix_web::test]
async fn a_lock_holds_up_every_change() {
    let world = World::new().await;
    let admin = world.server.admin().await;
    let targets = targets().await;
    let mut held = HashMap::new();
    for (_, target) in &targets {
        if let Entry::Vacant(place) = held.entry(target.clone()) {
            let value = target.value.replace("{block}", &world.block);
            place.insert(world.server.ctx.events.begin(about(Target { value, ..target.clone() })).await.unwrap());
        }
    }
    let mut faults = Faults::default();
    // A locked app is waited for, so all of them wait together.
    let replies = targets.iter().map(|(request, _)| request.send(&world, &admin));
    for reply in join_all(replies).await {
        faults.unless(|| reply.fails_like(500, LOCKED));
    }
    faults.none();
}

#[actix_web::test]
async fn a_limit_of_events_refuses_every_change() {
    let limits: String =
        TYPES.iter().map(|kind| format!("    - {{target-type: {}, all-targets: true, limit: 50, window: 3600}}\n", kind.word())).collect();
    let world = World::with_settings(&format!("event:\n  throttling:\n{limits}")).await;
    let admin = world.server.admin().await;
    for kind in TYPES {
        while let Ok(running) = world.server.ctx.events.begin(about(Target::new(kind, "of late"))).await {
            running.end(Ok(())).await.unwrap();
        }
    }
    let mut faults = Faults::default();
    for request in requests_with(THROTTLED) {
        let reply = request.send(&world, &admin).await;
        faults.unless(|| assert!(reply.fails_like(500, THROTTLED).text.ends_with(" is 50 every 1h0m0s\n")));
    }
    faults.none();
}

const TYPES: [TargetType; 15] = [
    TargetType::App,
    TargetType::Job,
    TargetType::Pool,
    TargetType::Service,
    TargetType::ServiceInstance,
    TargetType::Team,
    TargetType::User,
    TargetType::Role,
    TargetType::Platform,
    TargetType::Plan,
    TargetType::EventBlock,
    TargetType::Cluster,
    TargetType::Volume,
    TargetType::Webhook,
    TargetType::Router,
];

fn about(target: Target) -> Begin {
    Begin {
        target,
        extra: vec![],
        kind: "app.deploy".into(),
        owner: Named { kind: "user".into(), name: "me@example.com".into() },
        source_ip: "127.0.0.1".into(),
        data: None,
        allowed: Allowed { scheme: "app.read.events".into(), contexts: vec![Context::team("demo")] },
        allowed_cancel: None,
        locks: true,
    }
}
