//! Many writers on one document lose nothing and pass no limit.

use std::sync::Arc;

use bson::doc;
use futures_util::future::join_all;
use impaas::store::{Backend, Filter, Result, Update};

use super::{THINGS, backends};

const WRITERS: i32 = 64;

/// Runs one change per writer, all at once.
async fn all_at_once<T: Send + 'static>(
    backend: &Arc<dyn Backend>,
    change: fn(i32) -> (Filter, Update, bool),
    read: fn(Result<Option<bson::Document>>) -> T,
) -> Vec<T> {
    let tasks = (0..WRITERS).map(|n| {
        let backend = backend.clone();
        tokio::spawn(async move {
            let (filter, update, upsert) = change(n);
            read(backend.update_one(&THINGS, &filter, &update, upsert).await)
        })
    });
    join_all(tasks).await.into_iter().map(|done| done.unwrap()).collect()
}

fn changed(done: Result<Option<bson::Document>>) -> bool {
    done.unwrap().is_some()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn no_increment_is_lost() {
    for store in backends().await {
        store.backend.insert(&THINGS, doc! {"_id": 1, "n": 0}).await.unwrap();
        let done = all_at_once(&store.backend, |_| (Filter::id(1), Update::inc("n", 1), false), changed).await;
        assert!(done.into_iter().all(|changed| changed), "{}", store.name);
        assert_eq!(store.backend.dump("things").await.unwrap(), [doc! {"_id": 1, "n": WRITERS}], "{}", store.name);
        store.remove().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn no_addition_to_a_set_is_lost_or_doubled() {
    for store in backends().await {
        store.backend.insert(&THINGS, doc! {"_id": 1}).await.unwrap();
        all_at_once(&store.backend, |n| (Filter::id(1), Update::add_to_set("tags", n / 2), false), changed).await;
        let doc = store.backend.dump("things").await.unwrap().pop().unwrap();
        let mut tags: Vec<_> = doc.get_array("tags").unwrap().iter().map(|tag| tag.as_i32().unwrap()).collect();
        tags.sort_unstable();
        assert_eq!(tags, (0..WRITERS / 2).collect::<Vec<_>>(), "{}", store.name);
        store.remove().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_limit_is_reached_exactly_and_never_passed() {
    for store in backends().await {
        store.backend.insert(&THINGS, doc! {"_id": 1, "n": 0}).await.unwrap();
        let reserve = |_| (Filter::id(1).and(Filter::lt("n", 20)), Update::inc("n", 1), false);
        let done = all_at_once(&store.backend, reserve, changed).await;
        assert_eq!(done.into_iter().filter(|changed| *changed).count(), 20, "{}", store.name);
        assert_eq!(store.backend.dump("things").await.unwrap(), [doc! {"_id": 1, "n": 20}], "{}", store.name);
        store.remove().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_upserts_of_one_name_make_one_document() {
    for store in backends().await {
        store.backend.ensure(&THINGS).await.unwrap();
        all_at_once(&store.backend, |_| (Filter::eq("name", "one"), Update::inc("n", 1), true), changed).await;
        let docs = store.backend.dump("things").await.unwrap();
        assert_eq!(docs.len(), 1, "{}", store.name);
        assert_eq!(docs[0].get_i32("n").unwrap(), WRITERS, "{}", store.name);
        store.remove().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_lock_has_one_winner() {
    for store in backends().await {
        store.backend.ensure(&THINGS).await.unwrap();
        let tasks = (0..WRITERS).map(|n| {
            let backend = store.backend.clone();
            tokio::spawn(async move { backend.insert(&THINGS, doc! {"_id": n, "lock": {"type": "app", "value": "x"}}).await.is_ok() })
        });
        let winners = join_all(tasks).await.into_iter().filter(|won| *won.as_ref().unwrap()).count();
        assert_eq!(winners, 1, "{}", store.name);
        store.remove().await;
    }
}
