//! Export and import keep everything, between both kinds of store.

use std::fs;

use bson::{Binary, Bson, Document, doc, oid::ObjectId, spec::BinarySubtype};
use impaas::store::{Key, Sealer, Store, transfer};

use super::{Empty, THINGS, backends, sorted, sqlite};

fn store(empty: &Empty) -> Store {
    Store::new(empty.backend.clone(), Sealer::new(Key::new([7; 32])))
}

/// Values of every type, and names that look like operators.
fn documents() -> Vec<Document> {
    vec![
        doc! {"_id": ObjectId::from_bytes([1; 12]), "i": 1, "l": 1_i64, "d": 1.0, "n": null, "b": true, "at": bson::DateTime::from_millis(-1)},
        doc! {"_id": "x\0y", "doc": {"$date": "no date", "a.b": {"$oid": 1}}, "list": [1, [2, "3"], {}], "empty": []},
        doc! {"_id": {"app": "a", "volume": "v"}, "bin": Binary { subtype: BinarySubtype::Generic, bytes: vec![0, 255] }, "big": i64::MAX},
        doc! {"_id": 4, "u": Bson::Timestamp(bson::Timestamp { time: 1, increment: 2 })},
    ]
}

#[tokio::test]
async fn everything_travels_between_stores_of_all_kinds() {
    let dir = tempfile::tempdir().unwrap();
    for (from, to) in backends().await.into_iter().zip(backends().await.into_iter().rev()) {
        from.backend.load("unknown things", documents()).await.unwrap();
        from.backend.insert(&THINGS, doc! {"_id": 1, "name": "a", "n": 5_i64}).await.unwrap();
        let out = dir.path().join(from.name);
        let exported = transfer::export(&store(&from), &out).await.unwrap();
        assert_eq!(exported.documents(), 5);
        assert_eq!(transfer::import(&store(&to), &out).await.unwrap(), exported, "{} to {}", from.name, to.name);
        assert_eq!(to.backend.collections().await.unwrap(), ["things", "unknown things"]);
        for name in ["things", "unknown things"] {
            let (sent, arrived) = (from.backend.dump(name).await.unwrap(), to.backend.dump(name).await.unwrap());
            let texts = |docs: Vec<Document>| docs.into_iter().map(|doc| sorted(doc).to_string()).collect::<Vec<_>>();
            assert_eq!(texts(sent), texts(arrived), "{} to {}", from.name, to.name);
        }
        assert!(to.backend.insert(&THINGS, doc! {"_id": 2, "name": "a"}).await.is_err(), "unique keys hold after an import");
        from.remove().await;
        to.remove().await;
    }
}

#[tokio::test]
async fn a_store_that_holds_something_is_not_overwritten() {
    let (dir, from, to) = (tempfile::tempdir().unwrap(), sqlite(), sqlite());
    let out = dir.path().join("export");
    from.backend.load("a", documents()).await.unwrap();
    transfer::export(&store(&from), &out).await.unwrap();
    to.backend.load("b", vec![doc! {"_id": 1}]).await.unwrap();
    let refused = transfer::import(&store(&to), &out).await.unwrap_err().to_string();
    assert_eq!(refused, "the store is not empty, it holds b");
    assert_eq!(to.backend.collections().await.unwrap(), ["b"]);
    assert!(transfer::export(&store(&from), &out).await.unwrap_err().to_string().ends_with("export is not empty"));
}

#[tokio::test]
async fn a_broken_file_is_named_and_nothing_is_imported() {
    let (dir, from, to) = (tempfile::tempdir().unwrap(), sqlite(), sqlite());
    let out = dir.path().join("export");
    from.backend.load("apps", documents()).await.unwrap();
    from.backend.load("users", documents()).await.unwrap();
    transfer::export(&store(&from), &out).await.unwrap();
    let whole = fs::read(out.join("users.bson")).unwrap();
    for broken in [&whole[..whole.len() - 1], &[], b"text"] {
        fs::write(out.join("users.bson"), broken).unwrap();
        let refused = transfer::import(&store(&to), &out).await.unwrap_err().to_string();
        assert!(refused.contains("users.bson: it is broken"), "{refused}");
        assert!(to.backend.collections().await.unwrap().is_empty());
    }
    fs::remove_file(out.join("users.bson")).unwrap();
    assert!(transfer::import(&store(&to), &out).await.unwrap_err().to_string().contains("users.bson"));
    fs::write(out.join("users.bson"), whole).unwrap();
    assert_eq!(transfer::import(&store(&to), &out).await.unwrap().documents(), 8);
}

#[tokio::test]
async fn the_manifest_names_the_key_that_is_not_in_the_export() {
    use std::os::unix::fs::PermissionsExt;
    let (dir, from) = (tempfile::tempdir().unwrap(), sqlite());
    let (key, out) = (Key::new([7; 32]), dir.path().join("export"));
    from.backend.load("apps", vec![doc! {"_id": 1, "env": {"A": {"value": format!("sealed:v1:{}:AAAA", key.id())}}}]).await.unwrap();
    let manifest = transfer::export(&store(&from), &out).await.unwrap();
    assert_eq!(manifest.sealed_with, [key.id()]);
    assert!(fs::read_to_string(out.join("manifest.json")).unwrap().contains("The key is not in this folder"));
    for entry in fs::read_dir(&out).unwrap() {
        assert_eq!(entry.unwrap().metadata().unwrap().permissions().mode() & 0o077, 0);
    }
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1, "nothing is left beside it");
}
