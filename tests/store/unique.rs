//! Unique and sparse keys.

use bson::{bson, doc};
use impaas::store::{Filter, StoreError, Update};

use super::{THINGS, backends};

#[tokio::test]
async fn a_taken_key_is_refused_by_insert_update_and_upsert() {
    for store in backends().await {
        let backend = &store.backend;
        backend.insert(&THINGS, doc! {"_id": 1, "name": "a"}).await.unwrap();
        backend.insert(&THINGS, doc! {"_id": 2, "name": "b"}).await.unwrap();
        let refused = [
            backend.insert(&THINGS, doc! {"_id": 3, "name": "a"}).await.map(drop),
            backend.insert(&THINGS, doc! {"_id": 1, "name": "c"}).await.map(drop),
            backend.update_one(&THINGS, &Filter::id(2), &Update::set("name", "a"), false).await.map(drop),
            backend.update_one(&THINGS, &Filter::id(9), &Update::set("name", "a"), true).await.map(drop),
        ];
        for (refused, index) in refused.into_iter().zip(["name_1", "_id_", "name_1", "name_1"]) {
            assert!(matches!(&refused, Err(StoreError::Duplicate(name)) if name == index), "{}: {refused:?}", store.name);
        }
        assert_eq!(backend.count(&THINGS, &Filter::All).await.unwrap(), 2, "{}", store.name);
        store.remove().await;
    }
}

#[tokio::test]
async fn a_lock_is_taken_once_and_its_absence_never_collides() {
    for store in backends().await {
        let backend = &store.backend;
        let lock = bson!({"type": "app", "value": "x"});
        for id in 0..3 {
            backend.insert(&THINGS, doc! {"_id": id}).await.unwrap();
        }
        backend.insert(&THINGS, doc! {"_id": 3, "lock": &lock}).await.unwrap();
        let second = backend.insert(&THINGS, doc! {"_id": 4, "lock": &lock}).await;
        assert!(matches!(&second, Err(StoreError::Duplicate(name)) if name == "lock_1"), "{}: {second:?}", store.name);
        backend.insert(&THINGS, doc! {"_id": 4, "lock": {"type": "app", "value": "y"}}).await.unwrap();
        backend.update_one(&THINGS, &Filter::id(3), &Update::unset("lock"), false).await.unwrap();
        backend.update_one(&THINGS, &Filter::id(0), &Update::set("lock", &lock), false).await.unwrap().unwrap();
        store.remove().await;
    }
}

#[tokio::test]
async fn declaring_indexes_again_changes_nothing() {
    for store in backends().await {
        store.backend.insert(&THINGS, doc! {"_id": 1, "name": "a"}).await.unwrap();
        store.backend.ensure(&THINGS).await.unwrap();
        assert!(store.backend.insert(&THINGS, doc! {"_id": 2, "name": "a"}).await.is_err(), "{}", store.name);
        store.backend.ping().await.unwrap();
        assert_eq!(store.backend.collections().await.unwrap(), ["things"], "{}", store.name);
        store.remove().await;
    }
}

#[tokio::test]
async fn different_texts_are_found_once_each_in_order() {
    for store in backends().await {
        for (id, name) in [(1, "b"), (2, "a"), (3, "c")] {
            store.backend.insert(&THINGS, doc! {"_id": id, "name": name, "sub": {"k": "same"}}).await.unwrap();
        }
        store.backend.insert(&THINGS, doc! {"_id": 4}).await.unwrap();
        assert_eq!(store.backend.distinct(&THINGS, "name").await.unwrap(), ["a", "b", "c"], "{}", store.name);
        assert_eq!(store.backend.distinct(&THINGS, "sub.k").await.unwrap(), ["same"], "{}", store.name);
        store.remove().await;
    }
}
