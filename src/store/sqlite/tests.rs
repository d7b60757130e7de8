use bson::{Bson, bson, doc};

use super::*;
use crate::store::{Index, IndexKey};

static PEOPLE: Spec = Spec {
    name: "people",
    indexes: &[
        Index { keys: &[IndexKey("email", false)], unique: true, sparse: false },
        Index { keys: &[IndexKey("lock", false)], unique: true, sparse: true },
        Index { keys: &[IndexKey("team", false), IndexKey("at", true)], unique: false, sparse: false },
        Index { keys: &[IndexKey("tags", false)], unique: false, sparse: false },
    ],
    sealed: &[],
};

async fn ids(store: &Sqlite, filter: Filter, find: Find) -> Vec<Bson> {
    let docs = store.find(&PEOPLE, &filter, &find).await.unwrap();
    docs.into_iter().map(|mut doc| doc.remove("_id").unwrap()).collect()
}

async fn filled() -> Sqlite {
    let store = Sqlite::in_memory().unwrap();
    for i in 0..10 {
        let doc = doc! {"_id": i, "email": format!("p{i}"), "team": if i % 2 == 0 { "even" } else { "odd" }, "at": 100 - i, "tags": [i, 7]};
        store.insert(&PEOPLE, doc).await.unwrap();
    }
    store
}

#[tokio::test]
async fn finds_the_same_by_index_as_by_scan() {
    let store = filled().await;
    let filters = [
        Filter::All,
        Filter::id(3),
        Filter::any_of("_id", [1, 3, 99]),
        Filter::eq("email", "p4"),
        Filter::eq("team", "odd"),
        Filter::eq("team", "odd").and(Filter::gt("at", 95)),
        Filter::eq("tags", 7),
        Filter::eq("tags", [3, 7]),
        Filter::gt("tags", 7).and(Filter::lt("tags", 9)),
        Filter::eq("lock", Bson::Null),
        Filter::Or(vec![Filter::eq("email", "p1"), Filter::eq("team", "even")]),
        Filter::Or(vec![]),
        Filter::gte("_id", 8),
    ];
    for filter in filters {
        for sort in [None, Some(("at", false)), Some(("at", true)), Some(("tags", true)), Some(("_id", true))] {
            let find = Find { sort, ..Find::default() };
            let slow = !!filter.clone();
            assert_eq!(ids(&store, filter.clone(), find.clone()).await, ids(&store, slow, find).await, "{filter:?} by {sort:?}");
        }
    }
}

#[tokio::test]
async fn skips_and_limits_after_sorting() {
    let store = filled().await;
    let find = |sort| Find { sort, skip: 1, limit: 2 };
    assert_eq!(ids(&store, Filter::eq("team", "odd"), find(Some(("at", false)))).await, [bson!(7), bson!(5)]);
    assert_eq!(ids(&store, Filter::All, find(Some(("email", true)))).await, [bson!(8), bson!(7)]);
    assert_eq!(ids(&store, Filter::All, find(None)).await, [bson!(1), bson!(2)]);
}

#[tokio::test]
async fn the_newest_of_many_are_the_same_by_either_way() {
    let store = Sqlite::in_memory().unwrap();
    let doc = |i: i32| doc! {"_id": i, "email": i, "team": [format!("a{}", i % 2), "b"]};
    store.load("people", (0..3000).map(doc).collect()).await.unwrap();
    let window = |limit| Find { sort: Some(("email", true)), skip: 2, limit };
    let (few, all) = (ids(&store, Filter::eq("team", "a1"), window(5)).await, ids(&store, Filter::eq("team", "a1"), window(0)).await);
    assert_eq!(few, [bson!(2995), bson!(2993), bson!(2991), bson!(2989), bson!(2987)]);
    assert_eq!((all.len(), &all[..5]), (1498, few.as_slice()));
}

#[tokio::test]
async fn a_taken_unique_key_is_refused_and_changes_nothing() {
    let store = filled().await;
    let duplicate = store.insert(&PEOPLE, doc! {"_id": 99, "email": "p1"}).await;
    assert!(matches!(duplicate, Err(StoreError::Duplicate(name)) if name == "email_1"));
    let duplicate = store.insert(&PEOPLE, doc! {"_id": 3.0, "email": "new"}).await;
    assert!(matches!(duplicate, Err(StoreError::Duplicate(name)) if name == "_id_"));
    let duplicate = store.update_many(&PEOPLE, &Filter::All, &Update::set("email", "same")).await;
    assert!(matches!(duplicate, Err(StoreError::Duplicate(_))));
    assert_eq!(store.count(&PEOPLE, &Filter::All).await.unwrap(), 10);
    assert_eq!(ids(&store, Filter::eq("email", "p0"), Find::default()).await, [bson!(0)]);
    store.update_one(&PEOPLE, &Filter::id(1), &Update::set("email", "other"), false).await.unwrap();
    store.insert(&PEOPLE, doc! {"_id": 99, "email": "p1"}).await.unwrap();
}

#[tokio::test]
async fn absent_keys_do_not_collide_in_a_sparse_index_but_values_do() {
    let store = filled().await;
    let lock = Update::set("lock", bson!({"type": "app", "value": "a"}));
    assert!(store.update_one(&PEOPLE, &Filter::id(1), &lock, false).await.unwrap().is_some());
    let second = store.insert(&PEOPLE, doc! {"email": "x", "lock": {"type": "app", "value": "a"}}).await;
    assert!(matches!(second, Err(StoreError::Duplicate(name)) if name == "lock_1"));
    store.insert(&PEOPLE, doc! {"email": "x", "lock": {"value": "a", "type": "app"}}).await.unwrap();
}

#[tokio::test]
async fn an_upsert_makes_it_once_and_then_changes_it() {
    let store = Sqlite::in_memory().unwrap();
    for n in 1..3 {
        let doc = store.update_one(&PEOPLE, &Filter::eq("email", "me"), &Update::inc("n", 1), true).await.unwrap().unwrap();
        assert_eq!(doc.get("n"), Some(&bson!(n)));
    }
    assert_eq!(store.count(&PEOPLE, &Filter::All).await.unwrap(), 1);
    assert_eq!(store.update_one(&PEOPLE, &Filter::eq("email", "you"), &Update::inc("n", 1), false).await.unwrap(), None);
}

#[tokio::test]
async fn what_was_deleted_is_gone_from_the_indexes_too() {
    let store = filled().await;
    assert_eq!(store.delete(&PEOPLE, &Filter::eq("team", "odd")).await.unwrap(), 5);
    assert_eq!(ids(&store, Filter::eq("tags", 7), Find::default()).await.len(), 5);
    store.insert(&PEOPLE, doc! {"email": "p1"}).await.unwrap();
}

#[tokio::test]
async fn a_closed_file_opens_with_everything_in_it() {
    let dir = tempfile::tempdir().unwrap();
    let store = Sqlite::open(dir.path()).unwrap();
    store.insert(&PEOPLE, doc! {"_id": 1, "email": "a"}).await.unwrap();
    store.load("strange", vec![doc! {"_id": "x\0y"}]).await.unwrap();
    drop(store);
    let store = Sqlite::open(dir.path()).unwrap();
    assert_eq!(store.collections().await.unwrap(), ["people", "strange"]);
    assert_eq!(store.dump("strange").await.unwrap(), [doc! {"_id": "x\0y"}]);
    assert!(matches!(store.insert(&PEOPLE, doc! {"email": "a"}).await, Err(StoreError::Duplicate(_))));
}

#[tokio::test]
async fn a_commit_is_flushed_to_the_disk() {
    let dir = tempfile::tempdir().unwrap();
    let store = Sqlite::open(dir.path()).unwrap();
    let flushed: i64 =
        store.writer.run(|conn| conn.pragma_query_value(None, "synchronous", |row| row.get(0)).map_err(connection::fault)).await.unwrap();
    let mode: String =
        store.writer.run(|conn| conn.pragma_query_value(None, "journal_mode", |row| row.get(0)).map_err(connection::fault)).await.unwrap();
    assert_eq!((flushed, mode.as_str()), (2, "wal"));
}

#[tokio::test]
async fn an_index_declared_later_is_built_from_the_documents() {
    let store = Sqlite::in_memory().unwrap();
    store.load("people", vec![doc! {"_id": 1, "email": "a"}, doc! {"_id": 2, "email": "b"}]).await.unwrap();
    assert_eq!(ids(&store, Filter::eq("email", "b"), Find::default()).await, [bson!(2)]);
    assert!(matches!(store.insert(&PEOPLE, doc! {"email": "a"}).await, Err(StoreError::Duplicate(_))));
}

#[tokio::test]
async fn only_the_owner_can_read_the_file() {
    use std::os::unix::fs::PermissionsExt;
    let dir = tempfile::tempdir().unwrap();
    let store = Sqlite::open(dir.path()).unwrap();
    store.insert(&PEOPLE, doc! {"email": "a"}).await.unwrap();
    for file in std::fs::read_dir(dir.path()).unwrap() {
        assert_eq!(file.unwrap().metadata().unwrap().permissions().mode() & 0o077, 0);
    }
}

#[tokio::test]
async fn a_document_beyond_the_limit_is_refused() {
    let store = Sqlite::in_memory().unwrap();
    let doc = doc! {"email": "big", "text": "x".repeat(17 << 20)};
    assert!(matches!(store.insert(&PEOPLE, doc).await, Err(StoreError::Fault(_))));
    assert_eq!(store.count(&PEOPLE, &Filter::All).await.unwrap(), 0);
}

#[tokio::test]
async fn on_a_full_disk_only_what_was_acknowledged_is_there_and_writing_goes_on_when_there_is_room() {
    let dir = tempfile::tempdir().unwrap();
    let store = Sqlite::open(dir.path()).unwrap();
    store.insert(&PEOPLE, doc! {"_id": "first", "email": "first"}).await.unwrap();
    let limit = |pages: i64| store.writer.run(move |conn| conn.pragma_update(None, "max_page_count", pages).map_err(connection::fault));
    limit(1).await.unwrap();
    let insert = |i: i32| {
        let big = if i % 2 == 0 { 1 << 20 } else { 1 };
        store.insert(&PEOPLE, doc! {"_id": i, "email": format!("p{i}"), "text": "x".repeat(big)})
    };
    let done = futures_util::future::join_all((0..20).map(insert)).await;
    let refused: Vec<_> = done.iter().filter_map(|done| done.as_ref().err()).collect();
    assert!(refused.len() >= 10 && refused.iter().all(|e| matches!(e, StoreError::Away(_))), "{refused:?}");
    let acknowledged = 1 + done.iter().filter(|done| done.is_ok()).count();
    assert_eq!(store.count(&PEOPLE, &Filter::All).await.unwrap(), acknowledged as u64);
    limit(1 << 30).await.unwrap();
    insert(98).await.unwrap();
    drop(store);
    let store = Sqlite::open(dir.path()).unwrap();
    assert_eq!(store.count(&PEOPLE, &Filter::All).await.unwrap(), acknowledged as u64 + 1);
    assert_eq!(ids(&store, Filter::eq("email", "p98"), Find::default()).await, [bson!(98)]);
}
