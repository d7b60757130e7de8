//! Locks, leases and logs of events, on the embedded store.

use std::{sync::Arc, time::Duration};

use bson::oid::ObjectId;
use impaas::{
    app::App,
    error::Error,
    event::{Allowed, Begin, Event, Events, Patience, Target, TargetType, document::Named, log},
    provisioner::hold::Hold,
    server,
    store::{Filter, Key, Sealer, Store, Update, sqlite::Sqlite},
};

const LEASE: Duration = Duration::from_millis(500);

async fn store() -> Store {
    let store = Store::new(Arc::new(Sqlite::in_memory().unwrap()), Sealer::new(Key::random()));
    server::ensure_collections(&store).await.unwrap();
    store
}

/// The events of one server; several may share a store.
fn events(store: &Store) -> Events {
    let patience = Patience { renewal: Duration::from_millis(50), lease: LEASE };
    Events::new(store.clone(), tokio::runtime::Handle::current()).with_patience(patience)
}

/// A change of something that takes its lock and may be cancelled.
pub fn begin(kind: TargetType, value: &str) -> Begin {
    Begin {
        target: Target::new(kind, value),
        extra: vec![],
        kind: "team.update".into(),
        owner: Named { kind: "user".into(), name: "a@b.co".into() },
        source_ip: String::new(),
        data: None,
        allowed: Allowed::default(),
        allowed_cancel: Some(Allowed::default()),
        locks: true,
    }
}

async fn load(store: &Store, id: &str) -> Event {
    store.of::<Event>().get(Filter::id(ObjectId::parse_str(id).unwrap())).await.unwrap().unwrap()
}

/// Waits until an event has ended.
async fn ended(store: &Store, id: &str) -> Event {
    for _ in 0..2_000 {
        let event = load(store, id).await;
        if !event.running {
            return event;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("event {id} did not end");
}

#[tokio::test]
async fn a_locked_target_refuses_at_once_and_names_the_holder() {
    let store = store().await;
    let events = events(&store);
    let held = events.begin(begin(TargetType::Team, "demo")).await.unwrap();
    let Err(Error::Refused(text)) = events.begin(begin(TargetType::Team, "demo")).await else { panic!("it was not refused") };
    assert!(text.starts_with("event locked: team(demo) running \"team.update\" start by user a@b.co at 20"), "{text}");
    held.end(Ok(())).await.unwrap();
    events.begin(begin(TargetType::Team, "demo")).await.unwrap();
}

#[tokio::test]
async fn a_locked_app_is_waited_for() {
    let store = store().await;
    let events = events(&store);
    let held = events.begin(begin(TargetType::App, "blog")).await.unwrap();
    let (second, ()) = tokio::join!(events.begin(begin(TargetType::App, "blog")), async { held.end(Ok(())).await.unwrap() });
    second.unwrap().end(Ok(())).await.unwrap();
}

#[tokio::test]
async fn of_64_at_once_one_at_a_time_holds_the_lock() {
    let store = store().await;
    let events = events(&store);
    let all = (0..64).map(|_| events.begin(begin(TargetType::Team, "demo")));
    let won: Vec<_> = futures_util::future::join_all(all).await.into_iter().filter_map(Result::ok).collect();
    assert_eq!(won.len(), 1);
}

#[tokio::test]
async fn a_dropped_event_is_closed_as_interrupted() {
    let store = store().await;
    let running = events(&store).begin(begin(TargetType::Team, "demo")).await.unwrap();
    let id = running.id();
    drop(running);
    let event = ended(&store, &id).await;
    assert_eq!(event.error, "interrupted before it was done");
    assert_eq!(event.lock, None);
}

#[tokio::test]
async fn the_lock_of_a_server_that_died_is_free_after_the_lease_and_the_log_so_far_is_kept() {
    let store = store().await;
    let dead = events(&store).begin(begin(TargetType::Team, "demo")).await.unwrap();
    let (id, lost_fence) = (dead.id(), dead.fence().await.unwrap());
    store.of::<log::Chunk>().insert(&log::Chunk::new(ObjectId::parse_str(&id).unwrap(), 1, vec!["half done".into()])).await.unwrap();
    let alive = events(&store);
    let keeper = tokio::spawn(alive.clone().keep());
    let event = ended(&store, &id).await;
    keeper.abort();
    assert!(event.error.starts_with("event expired, no update for "), "{}", event.error);
    assert_eq!(event.log[0].message, "half done");
    let next = alive.begin(begin(TargetType::Team, "demo")).await.unwrap();
    assert!(next.fence().await.unwrap() > lost_fence);
    // The dead one is not: its holder finds out when it tries to end.
    dead.end(Ok(())).await.unwrap();
    assert!(load(&store, &id).await.error.starts_with("event expired"));
}

#[tokio::test]
async fn a_lease_that_is_renewed_lives_on() {
    let store = store().await;
    let holder = events(&store);
    let held = holder.begin(begin(TargetType::Team, "demo")).await.unwrap();
    let keepers = [tokio::spawn(holder.keep()), tokio::spawn(events(&store).keep())];
    while load(&store, &held.id()).await.renewals < 20 {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert!(load(&store, &held.id()).await.running);
    held.end(Ok(())).await.unwrap();
    keepers.iter().for_each(tokio::task::JoinHandle::abort);
}

#[tokio::test]
async fn of_several_events_of_a_server_one_that_lost_its_lock_is_told_and_the_others_go_on() {
    let store = store().await;
    let events = events(&store);
    let [lost, kept] = ["demo", "other"].map(|team| events.begin(begin(TargetType::Team, team)));
    let (lost, kept) = (lost.await.unwrap(), kept.await.unwrap());
    let taken = Filter::id(ObjectId::parse_str(lost.id()).unwrap());
    store.of::<Event>().update(taken, Update::set("running", false)).await.unwrap();
    let keeper = tokio::spawn(events.keep());
    lost.cancelled().cancelled().await;
    while load(&store, &kept.id()).await.renewals < 20 {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    keeper.abort();
    assert!(lost.lease().check().await.unwrap_err().to_string().starts_with("the lock of this event was lost"));
    kept.lease().check().await.unwrap();
    kept.end(Ok(())).await.unwrap();
}

#[tokio::test]
async fn what_is_written_grows_in_the_store_and_ends_in_the_event() {
    let store = store().await;
    let events = events(&store);
    let keeper = tokio::spawn(events.clone().keep());
    let running = events.begin(begin(TargetType::Team, "demo")).await.unwrap();
    let id = ObjectId::parse_str(running.id()).unwrap();
    running.output().line("first");
    while log::lines(&store, id).await.unwrap().is_empty() {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    running.output().write("sec");
    running.output().write("ond");
    running.end(Ok(())).await.unwrap();
    keeper.abort();
    let messages: Vec<_> = load(&store, &id.to_hex()).await.log.into_iter().map(|line| line.message).collect();
    assert_eq!(messages, ["first\n", "second\n"]);
    assert!(log::lines(&store, id).await.unwrap().is_empty());
}

#[tokio::test]
async fn cancelling_reaches_the_work() {
    let store = store().await;
    let events = events(&store);
    let keeper = tokio::spawn(events.clone().keep());
    let running = events.begin(begin(TargetType::Team, "demo")).await.unwrap();
    let id = ObjectId::parse_str(running.id()).unwrap();
    store.of::<Event>().update(Filter::id(id), Update::set("cancelinfo.asked", true)).await.unwrap();
    let outcome = running.unless_cancelled(std::future::pending::<impaas::error::Result<()>>()).await;
    running.end(outcome).await.unwrap_err();
    keeper.abort();
    let event = load(&store, &id.to_hex()).await;
    assert_eq!((event.error.as_str(), event.cancel_info.canceled), ("canceled by user request", true));
}

#[tokio::test]
async fn a_write_with_an_old_fence_changes_nothing() {
    let store = store().await;
    let app: App = serde_json::from_value(serde_json::json!({
        "_id": { "$oid": ObjectId::new().to_hex() }, "name": "blog", "fence": 7
    }))
    .unwrap();
    store.of::<App>().insert(&app).await.unwrap();
    let running = events(&store).begin(begin(TargetType::App, "blog")).await.unwrap();
    assert!(running.fence().await.unwrap() < 7);
    let mut locked = impaas::event::Locked::new(app.clone(), running);
    locked.change(&store, app.id, Update::set("description", "late")).await.unwrap_err();
    assert_eq!(App::load(&store, "blog").await.unwrap().description, "");
}

#[tokio::test]
async fn who_took_a_number_before_another_and_writes_after_it_writes_all_the_same() {
    let store = store().await;
    let events = events(&store);
    let early = events.begin(begin(TargetType::App, "blog")).await.unwrap();
    early.fence().await.unwrap();
    let between = events.begin(begin(TargetType::App, "other")).await.unwrap().fence().await.unwrap();
    let app: App = serde_json::from_value(serde_json::json!({
        "_id": { "$oid": ObjectId::new().to_hex() }, "name": "blog", "fence": between
    }))
    .unwrap();
    store.of::<App>().insert(&app).await.unwrap();
    let mut locked = impaas::event::Locked::new(app.clone(), early);
    locked.change(&store, app.id, Update::set("description", "in time")).await.unwrap();
    let written = App::load(&store, "blog").await.unwrap();
    assert_eq!((written.description.as_str(), written.fence > between), ("in time", true));
}

#[tokio::test]
async fn who_was_held_up_longer_than_its_lease_changes_nothing_any_more() {
    let store = store().await;
    let app: App = serde_json::from_value(serde_json::json!({ "_id": { "$oid": ObjectId::new().to_hex() }, "name": "blog" })).unwrap();
    store.of::<App>().insert(&app).await.unwrap();
    // Nobody keeps the events of this one: that is how it is held up.
    let began = std::time::Instant::now();
    let held_up = events(&store).begin(begin(TargetType::App, "blog")).await.unwrap();
    let (id, lease) = (held_up.id(), held_up.lease());
    let sure = lease.is_sure();
    assert!(sure || began.elapsed() >= LEASE * 2 / 3, "it is sure for two thirds of its lease");
    let keeper = tokio::spawn(events(&store).keep());
    ended(&store, &id).await;
    keeper.abort();
    assert!(!lease.is_sure());
    let lost = "the lock of this event was lost: another server goes on with what it began";
    assert_eq!(lease.check().await.unwrap_err().to_string(), lost);
    let mut locked = impaas::event::Locked::new(app.clone(), held_up);
    let late = locked.change(&store, app.id, Update::set("description", "late")).await;
    assert_eq!(late.unwrap_err().to_string(), lost);
    assert_eq!(App::load(&store, "blog").await.unwrap().description, "");
}

#[tokio::test]
async fn who_was_held_up_and_was_not_missed_renews_its_lease_and_goes_on() {
    let store = store().await;
    let held_up = events(&store).begin(begin(TargetType::Team, "demo")).await.unwrap();
    let lease = held_up.lease();
    while lease.is_sure() {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    lease.check().await.unwrap();
    assert_eq!(load(&store, &held_up.id()).await.renewals, 1);
    held_up.end(Ok(())).await.unwrap();
}
