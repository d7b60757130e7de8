//! Every operator of an update, and what each refuses.

use bson::{Bson, Document, bson, doc};
use impaas::store::{Filter, StoreError, Update};

use super::{THINGS, backends, sorted};

/// A document, an update, and the document after it; `None` where the update must be refused. ($inc and $push of null, which MongoDB
/// refuses, are left to unit tests: the wire server is wrong about them.)
fn cases() -> Vec<(Document, Update, Option<Document>)> {
    let (ab, ba) = (bson!({"a": 1, "b": 2}), bson!({"b": 2, "a": 1}));
    vec![
        (doc! {"a": 1}, Update::set("a", "x"), Some(doc! {"a": "x"})),
        (doc! {}, Update::set("a.b.c", 1), Some(doc! {"a": {"b": {"c": 1}}})),
        (doc! {"a": {"x": 1}}, Update::set("a.b", 1), Some(doc! {"a": {"x": 1, "b": 1}})),
        (doc! {"l": [{"n": 1}, {"n": 1}]}, Update::set("l.1.n", 2), Some(doc! {"l": [{"n": 1}, {"n": 2}]})),
        (doc! {"l": [0]}, Update::set("l.2", 1), Some(doc! {"l": [0, null, 1]})),
        (doc! {"a": 1}, Update::set("a.b", 1), None),
        (doc! {"l": []}, Update::set("l.x", 1), None),
        (doc! {"a": 1, "b": 1}, Update::unset("a").and_unset("gone"), Some(doc! {"b": 1})),
        (doc! {"a": {"b": 1, "c": 1}}, Update::unset("a.b"), Some(doc! {"a": {"c": 1}})),
        (doc! {"l": [1, 2]}, Update::unset("l.0"), Some(doc! {"l": [null, 2]})),
        (doc! {"n": 1}, Update::inc("n", 2), Some(doc! {"n": 3})),
        (doc! {"n": 1_i64}, Update::inc("n", -2), Some(doc! {"n": -1_i64})),
        (doc! {"n": i32::MAX}, Update::inc("n", 1), Some(doc! {"n": 2_147_483_648_i64})),
        (doc! {"n": 0.5}, Update::inc("n", 1), Some(doc! {"n": 1.5})),
        (doc! {}, Update::inc("q.n", 1), Some(doc! {"q": {"n": 1}})),
        (doc! {}, Update::inc("n", 1 << 40), Some(doc! {"n": 1_i64 << 40})),
        (doc! {"n": "1"}, Update::inc("n", 1), None),
        (doc! {}, Update::push("l", 1), Some(doc! {"l": [1]})),
        (doc! {"l": [1]}, Update::push("l", 1).and(Update::push("l", [2])), Some(doc! {"l": [1, 1, [2]]})),
        (doc! {"l": 1}, Update::push("l", 1), None),
        (doc! {}, Update::add_to_set("l", "x"), Some(doc! {"l": ["x"]})),
        (doc! {"l": [1, "x"]}, Update::add_to_set("l", "x"), Some(doc! {"l": [1, "x"]})),
        (doc! {"l": [ab.clone()]}, Update::add_to_set("l", &ab), Some(doc! {"l": [ab.clone()]})),
        (doc! {"l": [ab.clone()]}, Update::add_to_set("l", &ba), Some(doc! {"l": [ab.clone(), ba.clone()]})),
        (doc! {"l": "x"}, Update::add_to_set("l", "x"), None),
        (doc! {"l": ["x", "y", "x"]}, Update::pull("l", "x"), Some(doc! {"l": ["y"]})),
        (doc! {"l": [ab.clone(), ba.clone(), {"b": 2}]}, Update::pull("l", &ba), Some(doc! {"l": [ab, {"b": 2}]})),
        (doc! {"l": ["x"]}, Update::pull("l", "z").and_set("n", 1), Some(doc! {"l": ["x"], "n": 1})),
        (doc! {}, Update::pull("l", "x"), Some(doc! {})),
        (doc! {"l": 1}, Update::pull("l", 1), None),
        (doc! {"a": 1}, Update::default(), Some(doc! {"a": 1})),
        (doc! {}, Update::set("b", 1).and_inc("n", 1).and_unset("c").and_set_on_insert("z", 1), Some(doc! {"b": 1, "n": 1})),
        (doc! {}, Update::set("a", 1).and_set("a", 2), None),
        (doc! {}, Update::set("a", 1).and_inc("a.b", 1), None),
        (doc! {}, Update::set("_id", 7), None),
        (doc! {"v": {"$odd": 1}}, Update::set("w", doc! {"dotted.key": 1}), Some(doc! {"v": {"$odd": 1}, "w": {"dotted.key": 1}})),
    ]
}

#[tokio::test]
async fn each_update_does_what_mongodb_does() {
    for store in backends().await {
        for (before, update, wanted) in cases() {
            let case = format!("{}: {before} and {update:?}", store.name);
            let mut before = before;
            before.insert("_id", 1);
            store.backend.delete(&THINGS, &Filter::All).await.unwrap();
            store.backend.insert(&THINGS, before.clone()).await.unwrap();
            let done = store.backend.update_one(&THINGS, &Filter::id(1), &update, false).await;
            match wanted {
                Some(mut wanted) => {
                    wanted.insert("_id", 1);
                    // Types count here: an int32 and an int64 are equal numbers, but not the same.
                    assert_eq!(done.unwrap_or_else(|e| panic!("{case}: {e}")).map(sorted), Some(sorted(wanted)), "{case}");
                }
                None => {
                    assert!(matches!(done, Err(StoreError::Fault(_))), "{case}: {done:?}");
                    assert_eq!(store.backend.dump("things").await.unwrap().pop().map(sorted), Some(sorted(before)), "{case}");
                }
            }
        }
        store.remove().await;
    }
}

#[tokio::test]
async fn an_upsert_makes_one_from_filter_and_update() {
    for store in backends().await {
        let filter = Filter::eq("name", "x").and(Filter::eq("q.limit", 3)).and(Filter::gt("n", 9));
        let update = Update::inc("q.inuse", 1).and_set("kind", "k").and_set_on_insert("first", true);
        let made = store.backend.update_one(&THINGS, &filter, &update, true).await.unwrap().unwrap();
        assert!(made.get_object_id("_id").is_ok(), "{}", store.name);
        let mut rest = made.clone();
        rest.remove("_id");
        assert_eq!(sorted(rest), doc! {"first": true, "kind": "k", "name": "x", "q": {"limit": 3, "inuse": 1}}, "{}", store.name);
        let again = store.backend.update_one(&THINGS, &Filter::eq("name", "x"), &update, true).await.unwrap().unwrap();
        assert_eq!(again.get("_id"), made.get("_id"), "{}", store.name);
        assert_eq!(again.get_document("q").unwrap().get("inuse"), Some(&bson!(2)), "{}", store.name);
        let by_id = store.backend.update_one(&THINGS, &Filter::id("me"), &Update::push("l", 1), true).await.unwrap().unwrap();
        assert_eq!(by_id, doc! {"_id": "me", "l": [1]}, "{}", store.name);
        let nothing = store.backend.update_one(&THINGS, &Filter::id("you"), &Update::push("l", 1), false).await.unwrap();
        assert_eq!(nothing, None, "{}", store.name);
        let empty = store.backend.update_one(&THINGS, &Filter::id("empty"), &Update::default(), true).await.unwrap();
        assert_eq!(empty, Some(doc! {"_id": "empty"}), "{}", store.name);
        store.remove().await;
    }
}

#[tokio::test]
async fn many_are_changed_counted_and_deleted() {
    for store in backends().await {
        for id in 0..9 {
            let kind = ["a", "b", "c"][id as usize % 3];
            store.backend.insert(&THINGS, doc! {"_id": id, "kind": kind}).await.unwrap();
        }
        let changed = store.backend.update_many(&THINGS, &Filter::any_of("kind", ["a", "b"]), &Update::set("at", 1)).await.unwrap();
        assert_eq!(changed, 6, "{}", store.name);
        assert_eq!(store.backend.count(&THINGS, &Filter::eq("at", 1)).await.unwrap(), 6, "{}", store.name);
        assert_eq!(store.backend.delete(&THINGS, &Filter::eq("kind", "b")).await.unwrap(), 3, "{}", store.name);
        assert_eq!(store.backend.delete(&THINGS, &Filter::eq("kind", "b")).await.unwrap(), 0, "{}", store.name);
        assert_eq!(store.backend.count(&THINGS, &Filter::All).await.unwrap(), 6, "{}", store.name);
        store.remove().await;
    }
}

#[tokio::test]
async fn strange_ids_and_names_are_kept() {
    for store in backends().await {
        let ids = [bson!("app-router-addr\0app\0router"), bson!({"app": "a", "mountpoint": "/m", "volume": "v"}), Bson::Null, bson!(1_i64)];
        for id in &ids {
            let given = store.backend.insert(&THINGS, doc! {"x": {"$a": 1, "b.c": 2}, "_id": id}).await;
            given.unwrap_or_else(|e| panic!("{}: {id}: {e}", store.name));
        }
        let found = store.backend.dump("things").await.unwrap();
        assert_eq!(found.len(), 4, "{}", store.name);
        for doc in found {
            assert_eq!(doc.keys().next().unwrap(), "_id", "{}", store.name);
            let id = doc.get("_id").unwrap();
            assert_ne!(*id, Bson::Null, "{}", store.name);
            assert_eq!(store.backend.count(&THINGS, &Filter::id(id)).await.unwrap(), 1, "{}: {id}", store.name);
        }
        store.remove().await;
    }
}
