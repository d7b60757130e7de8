//! Whose database it is.

use bson::doc;
use impaas::store::{
    Key, Sealer, Store,
    shared::{self, Owner},
    transfer,
};

use super::{THINGS, backends, sqlite};

#[tokio::test]
async fn a_database_that_was_empty_is_ours_for_good() {
    for store in backends().await {
        let backend = store.backend.as_ref();
        assert_eq!(shared::owner(backend).await.unwrap(), Owner::Nobody, "{}", store.name);
        shared::claim(backend, "first").await.unwrap();
        shared::claim(backend, "second").await.unwrap();
        backend.insert(&THINGS, doc! {"_id": 1}).await.unwrap();
        assert_eq!(shared::owner(backend).await.unwrap(), Owner::Us(Some("first".into())), "{}", store.name);
        store.remove().await;
    }
}

#[tokio::test]
async fn a_database_that_holds_tsurus_documents_is_tsurus() {
    for store in backends().await {
        store.backend.insert(&THINGS, doc! {"_id": 1}).await.unwrap();
        assert_eq!(shared::owner(store.backend.as_ref()).await.unwrap(), Owner::Tsuru, "{}", store.name);
        assert_eq!(store.backend.collections().await.unwrap(), ["things"], "{}: nothing of ours in it", store.name);
        store.remove().await;
    }
}

#[tokio::test]
async fn a_database_that_is_being_sealed_is_nobodys_until_that_is_done() {
    for store in backends().await {
        let backend = store.backend.as_ref();
        backend.insert(&THINGS, doc! {"_id": 1}).await.unwrap();
        shared::begin_leaving(backend).await.unwrap();
        assert_eq!(shared::owner(backend).await.unwrap(), Owner::Leaving, "{}", store.name);
        shared::end_leaving(backend, "key").await.unwrap();
        assert_eq!(shared::owner(backend).await.unwrap(), Owner::Us(Some("key".into())), "{}", store.name);
        store.remove().await;
    }
}

#[tokio::test]
async fn the_mark_is_no_hindrance_for_an_import() {
    let (dir, from, to) = (tempfile::tempdir().unwrap(), sqlite(), sqlite());
    for store in [&from, &to] {
        shared::claim(store.backend.as_ref(), "key").await.unwrap();
    }
    from.backend.insert(&THINGS, doc! {"_id": 1}).await.unwrap();
    let store = |of: &super::Empty| Store::new(of.backend.clone(), Sealer::new(Key::new([7; 32])));
    transfer::export(&store(&from), &dir.path().join("export")).await.unwrap();
    transfer::import(&store(&to), &dir.path().join("export")).await.unwrap();
    assert_eq!(to.backend.dump("things").await.unwrap(), [doc! {"_id": 1}]);
    let owner = shared::owner(to.backend.as_ref()).await.unwrap();
    assert_eq!(owner, Owner::Us(None), "what came in may be sealed with another key");
}
