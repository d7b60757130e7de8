//! Whose database it is.

use bson::doc;
use impaas::store::{Key, Sealer, Store, shared::is_shared, transfer};

use super::{THINGS, backends, sqlite};

#[tokio::test]
async fn a_database_that_was_empty_is_ours_for_good() {
    for store in backends().await {
        assert!(!is_shared(store.backend.as_ref()).await.unwrap(), "{}", store.name);
        store.backend.insert(&THINGS, doc! {"_id": 1}).await.unwrap();
        assert!(!is_shared(store.backend.as_ref()).await.unwrap(), "{}", store.name);
        store.remove().await;
    }
}

#[tokio::test]
async fn a_database_that_holds_tsurus_documents_is_shared() {
    for store in backends().await {
        store.backend.insert(&THINGS, doc! {"_id": 1}).await.unwrap();
        assert!(is_shared(store.backend.as_ref()).await.unwrap(), "{}", store.name);
        assert_eq!(store.backend.collections().await.unwrap(), ["things"], "{}: nothing of ours in it", store.name);
        store.remove().await;
    }
}

#[tokio::test]
async fn the_mark_is_no_hindrance_for_an_import() {
    let (dir, from, to) = (tempfile::tempdir().unwrap(), sqlite(), sqlite());
    for store in [&from, &to] {
        is_shared(store.backend.as_ref()).await.unwrap();
    }
    from.backend.insert(&THINGS, doc! {"_id": 1}).await.unwrap();
    let store = |of: &super::Empty| Store::new(of.backend.clone(), Sealer::new(Key::new([7; 32])));
    transfer::export(&store(&from), &dir.path().join("export")).await.unwrap();
    transfer::import(&store(&to), &dir.path().join("export")).await.unwrap();
    assert_eq!(to.backend.dump("things").await.unwrap(), [doc! {"_id": 1}]);
}
