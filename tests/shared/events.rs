//! The lock protocol of tsuru's server.

use std::time::Duration;

use bson::{DateTime, Document, doc, oid::ObjectId};
use impaas::{
    event::{Begin, Event, Events, Patience, TargetType},
    store::{Backend, Document as _, Filter, Key, Sealer, Store},
};

use super::fixture::{database, one};

const MINUTE: i64 = 60_000;

fn store(backend: std::sync::Arc<dyn Backend>) -> Store {
    Store::new(backend, Sealer::shared(Key::new([7; 32])))
}

fn events(store: &Store) -> Events {
    let patience = Patience { renewal: Duration::from_millis(50), lease: Duration::from_millis(100) };
    Events::new(store.clone(), tokio::runtime::Handle::current()).with_patience(patience)
}

fn begin(team: &str) -> Begin {
    Begin { allowed_cancel: None, ..crate::event::begin(TargetType::Team, team) }
}

/// A running event as tsuru's server stores it, renewed so long ago.
async fn of_tsuru(store: &Store, team: &str, age: i64) -> ObjectId {
    let (id, never) = (ObjectId::new(), DateTime::from_millis(-62_135_596_800_000));
    let at = DateTime::from_millis(DateTime::now().timestamp_millis() - age);
    let event = doc! {
        "_id": id, "uniqueid": id, "lock": {"type": "team", "value": team}, "starttime": at, "target": {"type": "team", "value": team},
        "kind": {"type": "permission", "name": "team.update"}, "owner": {"type": "user", "name": "old@b.co"}, "sourceip": "",
        "lockupdatetime": at, "error": "", "cancelinfo": {"owner": "", "starttime": never, "acktime": never, "reason": "", "asked": false, "canceled": false},
        "cancelable": false, "running": true, "allowed": {"scheme": "team.read.events"}, "allowedcancel": {"scheme": ""},
        "instance": {"_id": "vm", "port": "8081", "tlsport": "", "addresses": ["192.0.2.2"], "lastupdate": at},
    };
    store.backend().insert(Event::SPEC, event).await.unwrap();
    id
}

async fn stored(store: &Store, id: ObjectId) -> Document {
    one_by_id(store, id).await.unwrap()
}

async fn one_by_id(store: &Store, id: ObjectId) -> Option<Document> {
    store.backend().find(Event::SPEC, &Filter::id(id), &Default::default()).await.unwrap().into_iter().next()
}

#[tokio::test]
async fn a_lock_that_tsuru_holds_is_respected() {
    let store = store(database().await);
    of_tsuru(&store, "demo", 4 * MINUTE).await;
    let refusal = events(&store).begin(begin("demo")).await.err().unwrap().to_string();
    assert!(refusal.starts_with("event locked: team(demo) running \"team.update\" start by user old@b.co at "), "{refusal}");
}

#[tokio::test]
async fn a_lock_that_tsuru_did_not_renew_for_five_minutes_is_taken() {
    let store = store(database().await);
    let dead = of_tsuru(&store, "demo", 6 * MINUTE).await;
    events(&store).begin(begin("demo")).await.unwrap().end(Ok(())).await.unwrap();
    let dead = stored(&store, dead).await;
    assert!(dead.get_str("error").unwrap().starts_with("event expired, no update for 6m"), "{dead}");
    assert!(!dead.get_bool("running").unwrap() && !dead.contains_key("lock") && dead.contains_key("endtime"), "{dead}");
}

#[tokio::test]
async fn expired_events_are_ended_and_fresh_ones_are_left() {
    let store = store(database().await);
    let (dead, alive) = (of_tsuru(&store, "demo", 6 * MINUTE).await, of_tsuru(&store, "course60001", 4 * MINUTE).await);
    let keeper = tokio::spawn(events(&store).keep());
    for _ in 0..1_000 {
        if !stored(&store, dead).await.get_bool("running").unwrap() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert!(!stored(&store, dead).await.get_bool("running").unwrap());
    assert!(stored(&store, alive).await.get_bool("running").unwrap(), "its server may be slow, not dead");
    keeper.abort();
}

#[tokio::test]
async fn our_running_events_look_like_tsurus_and_are_renewed() {
    let store = store(database().await);
    let events = events(&store);
    let keeper = tokio::spawn(events.clone().keep());
    let running = events.begin(begin("demo")).await.unwrap();
    let id = ObjectId::parse_str(running.id()).unwrap();
    let first = stored(&store, id).await;
    let theirs = stored(&store, of_tsuru(&store, "other", 0).await).await;
    let keys = |doc: &Document| doc.keys().cloned().collect::<std::collections::BTreeSet<_>>();
    assert_eq!(keys(&first), keys(&theirs));
    assert_eq!(first.get_document("lock").unwrap(), &doc! {"type": "team", "value": "demo"});
    assert_eq!(first.get_document("cancelinfo").unwrap(), theirs.get_document("cancelinfo").unwrap());
    let renewed = |doc: &Document| *doc.get_datetime("lockupdatetime").unwrap() > *first.get_datetime("lockupdatetime").unwrap();
    for _ in 0..1_000 {
        if renewed(&stored(&store, id).await) {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert!(renewed(&stored(&store, id).await));
    running.end(Ok(())).await.unwrap();
    let ended = stored(&store, id).await;
    assert!(!ended.contains_key("lock") && !ended.contains_key("renewals") && !ended.contains_key("fence"), "{ended}");
    keeper.abort();
}

#[tokio::test]
async fn lines_of_our_logs_end_as_tsurus_do_also_empty_ones() {
    let store = store(database().await);
    let running = events(&store).begin(begin("demo")).await.unwrap();
    let id = ObjectId::parse_str(running.id()).unwrap();
    running.output().write("---- one ----\n\n ---> two\nthree");
    running.end(Ok(())).await.unwrap();
    let stored = stored(&store, id).await;
    let lines = stored.get_array("structuredlog").unwrap().iter();
    let lines: Vec<_> = lines.map(|line| line.as_document().unwrap().get_str("message").unwrap()).collect();
    assert_eq!(lines, ["---- one ----\n", "\n", " ---> two\n", "three\n"]);
}

#[tokio::test]
async fn secrets_in_tsurus_events_are_not_shown() {
    let backend = database().await;
    let stored = one_deploy(backend.as_ref()).await;
    assert!(stored.to_string().contains("hush"), "the recorded event holds a secret");
    let server = super::fixture::sharing(backend).await;
    let admin = server.with_token(super::fixture::SESSION);
    let id = stored.get_object_id("_id").unwrap().to_hex();
    let shown = admin.get(&format!("/1.1/events/{id}")).send().await.ok(200);
    assert!(!shown.text.contains("hush") && shown.text.contains("*****"), "{}", shown.text);
    assert!(shown.text.contains("there"), "public values are no secrets");
}

async fn one_deploy(backend: &dyn Backend) -> Document {
    let all = backend.dump("events").await.unwrap();
    all.into_iter().find(|event| event.get_document("kind").unwrap().get_str("name").unwrap() == "app.deploy").unwrap()
}

#[tokio::test]
async fn the_recorded_database_is_not_changed_by_looking_at_it() {
    let backend = database().await;
    let before = one(backend.as_ref(), "apps", "name", "hello").await;
    let server = super::fixture::sharing(backend.clone()).await;
    server.with_token(super::fixture::SESSION).get("/1.0/apps/hello").send().await.ok(200);
    assert_eq!(one(backend.as_ref(), "apps", "name", "hello").await, before);
}
