//! Every operator of a filter, on documents that tell its corners apart.

use bson::{Bson, Document, bson, doc};
use impaas::store::{Filter, Find};

use super::{THINGS, backends, ids};

fn documents() -> Vec<Document> {
    let day = |n: i64| bson::DateTime::from_millis(n * 86_400_000);
    vec![
        doc! {"_id": 0},
        doc! {"_id": 1, "v": null, "kind": "a", "at": day(1)},
        doc! {"_id": 2, "v": 1, "kind": "a", "at": day(3), "tags": ["x", "y"]},
        doc! {"_id": 3, "v": 1_i64, "kind": "a", "at": day(2), "tags": []},
        doc! {"_id": 4, "v": 1.0, "kind": "b", "at": day(4), "tags": ["y"]},
        doc! {"_id": 5, "v": 2.5, "kind": "b", "tags": "x"},
        doc! {"_id": 6, "v": "1", "tags": ["z", 1]},
        doc! {"_id": 7, "v": "abc", "lock": {"type": "app", "value": "x"}},
        doc! {"_id": 8, "v": [1, 5], "lock": {"value": "x", "type": "app"}},
        doc! {"_id": 9, "v": [], "targets": [{"value": "t1", "n": 1}, {"value": "t2", "n": 2}], "at": day(5)},
        doc! {"_id": 10, "v": {"a": 1, "b": 2}, "targets": [{"value": "t1", "n": 2}], "at": day(6)},
        doc! {"_id": 11, "v": {"b": 2, "a": 1}, "targets": [{"n": 1}]},
        doc! {"_id": 12, "v": true},
        doc! {"_id": 13, "v": day(1)},
        doc! {"_id": 14, "v": (1_i64 << 53) + 1},
        doc! {"_id": 15, "v": [{"a": 1}, {"b": 1}]},
    ]
}

/// What each filter finds.
fn cases() -> Vec<(Filter, Vec<i32>)> {
    let at = |n: i64| bson::DateTime::from_millis(n * 86_400_000);
    let t1 = || Filter::eq("value", "t1");
    vec![
        (Filter::eq("v", 1), vec![2, 3, 4, 8]),
        (Filter::eq("v", 1.0), vec![2, 3, 4, 8]),
        (Filter::eq("v", "1"), vec![6]),
        (Filter::eq("v", (1_i64 << 53) + 1), vec![14]),
        (Filter::Eq("v".into(), Bson::Null), vec![0, 1]),
        // Of arrays without documents, the wire server thinks otherwise than MongoDB: 8 is left out.
        (Filter::Eq("v.a".into(), Bson::Null).and(Filter::ne("_id", 8)), vec![0, 1, 2, 3, 4, 5, 6, 7, 12, 13, 14, 15]),
        (Filter::eq("v.a", 1), vec![10, 11, 15]),
        (Filter::Eq("v".into(), bson!({"a": 1, "b": 2})), vec![10]),
        (Filter::Eq("v".into(), bson!([1, 5])), vec![8]),
        (Filter::Eq("v".into(), bson!([])), vec![9]),
        (Filter::eq("v.1", 5), vec![8]),
        (Filter::Eq("lock".into(), bson!({"type": "app", "value": "x"})), vec![7]),
        (Filter::eq("lock.value", "x"), vec![7, 8]),
        (Filter::eq("tags", "x"), vec![2, 5]),
        (Filter::ne("tags", "x"), vec![0, 1, 3, 4, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15]),
        (Filter::Ne("tags".into(), Bson::Null), vec![2, 3, 4, 5, 6]),
        (Filter::gt("v", 1), vec![5, 8, 14]),
        (Filter::gte("v", 1), vec![2, 3, 4, 5, 8, 14]),
        (Filter::lt("v", 2), vec![2, 3, 4, 8]),
        (Filter::lte("v", 2.5), vec![2, 3, 4, 5, 8]),
        (Filter::gt("v", "1"), vec![7]),
        (Filter::gt("at", at(2)), vec![2, 4, 9, 10]),
        (Filter::gt("at", at(2)).and(Filter::lte("at", at(4))), vec![2, 4]),
        (Filter::eq("kind", "a").and(Filter::gte("at", at(2))), vec![2, 3]),
        (Filter::any_of("v", [1, 7]), vec![2, 3, 4, 8]),
        (Filter::below("v.a", "v.b").and(Filter::ne("_id", 15)), vec![10, 11]),
        (Filter::below("_id", "v").and(Filter::gte("_id", 2)).and(Filter::lte("_id", 7)), vec![6, 7]),
        (Filter::In("v".into(), vec![Bson::Null, "abc".into()]), vec![0, 1, 7]),
        (Filter::In("v".into(), vec![]), vec![]),
        (Filter::any_of("_id", [3, 1, 99]), vec![1, 3]),
        (Filter::has_all("tags", ["x", "y"]), vec![2]),
        (Filter::has_all("tags", ["x"]), vec![2, 5]),
        (Filter::has_all("tags", Vec::<String>::new()), vec![]),
        (Filter::exists("tags"), vec![2, 3, 4, 5, 6]),
        (Filter::missing("v"), vec![0]),
        (Filter::exists("targets.value"), vec![9, 10]),
        (Filter::regex("v", "^a"), vec![7]),
        (Filter::regex("tags", "^(x|z)$"), vec![2, 5, 6]),
        (Filter::elem("targets", t1().and(Filter::eq("n", 2))), vec![10]),
        (Filter::elem("targets", t1()), vec![9, 10]),
        (t1_and_n2(), vec![9, 10]),
        (Filter::elem("targets", Filter::missing("value")), vec![11]),
        (Filter::Or(vec![Filter::eq("kind", "b"), Filter::eq("lock.type", "app")]), vec![4, 5, 7, 8]),
        (Filter::Or(vec![]), vec![]),
        (Filter::And(vec![]), (0..16).collect()),
        (!Filter::gt("v", 1), vec![0, 1, 2, 3, 4, 6, 7, 9, 10, 11, 12, 13, 15]),
        (!Filter::Or(vec![Filter::exists("v"), Filter::id(0)]), vec![]),
        (Filter::All, (0..16).collect()),
    ]
}

/// Other than in one element, the two conditions may hold in two elements.
fn t1_and_n2() -> Filter {
    Filter::eq("targets.value", "t1").and(Filter::eq("targets.n", 2))
}

#[tokio::test]
async fn each_filter_finds_what_mongodb_finds() {
    for store in backends().await {
        for doc in documents() {
            store.backend.insert(&THINGS, doc).await.unwrap();
        }
        for (filter, wanted) in cases() {
            assert_eq!(ids(store.backend.as_ref(), &filter).await, wanted, "{}: {filter:?}", store.name);
            assert_eq!(store.backend.count(&THINGS, &filter).await.unwrap(), wanted.len() as u64, "{}: {filter:?}", store.name);
        }
        store.remove().await;
    }
}

#[tokio::test]
async fn order_skip_and_limit_are_mongodbs() {
    let windows: [(&str, bool, u64, i64, &[i32]); 5] = [
        ("at", false, 6, 0, &[1, 3, 2, 4, 9, 10]),
        ("at", true, 0, 3, &[10, 9, 4]),
        ("at", true, 1, 2, &[9, 4]),
        ("_id", true, 10, 9, &[1, 0]),
        ("_id", false, 99, 1, &[]),
    ];
    for store in backends().await {
        // Equal keys have no order of their own: of those without a date, only six are kept, and left out.
        for doc in documents().into_iter().filter(|doc| ![6, 7, 8, 15].contains(&doc.get_i32("_id").unwrap())) {
            store.backend.insert(&THINGS, doc).await.unwrap();
        }
        for (path, descending, skip, limit, wanted) in windows {
            let find = Find { sort: Some((path, descending)), skip, limit };
            let found = store.backend.find(&THINGS, &Filter::All, &find).await.unwrap();
            let found: Vec<_> = found.iter().map(|doc| doc.get_i32("_id").unwrap()).collect();
            assert_eq!(found, wanted, "{}: {find:?}", store.name);
        }
        store.remove().await;
    }
}

#[tokio::test]
async fn values_of_all_types_are_sorted_in_mongodbs_order() {
    let docs = [
        doc! {"_id": 0},
        doc! {"_id": 1, "v": -1.5},
        doc! {"_id": 2, "v": 3_i64},
        doc! {"_id": 3, "v": ""},
        doc! {"_id": 4, "v": "a"},
        doc! {"_id": 5, "v": {"a": 1}},
        doc! {"_id": 6, "v": bson::oid::ObjectId::from_bytes([1; 12])},
        doc! {"_id": 7, "v": false},
        doc! {"_id": 8, "v": true},
        doc! {"_id": 9, "v": bson::DateTime::from_millis(-62_135_596_800_000)},
    ];
    for store in backends().await {
        for doc in docs.iter().rev() {
            store.backend.insert(&THINGS, doc.clone()).await.unwrap();
        }
        let find = Find { sort: Some(("v", false)), ..Find::default() };
        let found = store.backend.find(&THINGS, &Filter::All, &find).await.unwrap();
        assert_eq!(found, docs, "{}", store.name);
        store.remove().await;
    }
}
