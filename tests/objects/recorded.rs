//! The recorded moments: each line of the file says what changed since the one before.

use std::{collections::BTreeMap, path::Path};

use serde::de::DeserializeOwned;
use serde_json::Value;

/// A moment.
#[derive(Clone)]
pub struct Moment {
    /// What was done before.
    pub name: String,
    /// The cluster's objects by kind and name.
    pub objects: BTreeMap<String, Value>,
    /// The database's documents by collection.
    documents: BTreeMap<String, Vec<Value>>,
}

impl Moment {
    /// True when the cluster has it.
    pub fn has(&self, key: &str) -> bool {
        self.objects.contains_key(key)
    }

    /// All documents of a collection as they are.
    pub fn raw(&self, collection: &str) -> &[Value] {
        &self.documents[collection]
    }

    /// All documents of a collection, as our own types read them.
    pub fn all<T: DeserializeOwned>(&self, collection: &str) -> Vec<T> {
        let read = |document: &Value| {
            let bson: bson::Bson = serde_json::from_value(document.clone()).unwrap();
            bson::deserialize_from_bson(bson).unwrap_or_else(|e| panic!("{}: {collection}: {e}: {document}", self.name))
        };
        self.documents[collection].iter().map(read).collect()
    }
}

/// All moments in their order.
pub fn moments() -> Vec<Moment> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("compat-tests/recorded/objects.jsonl");
    let text = std::fs::read_to_string(path).unwrap();
    let mut all: Vec<Moment> = Vec::new();
    for line in text.lines() {
        let line: Value = serde_json::from_str(line).unwrap();
        let (mut objects, mut documents) = all.last().map(|last| (last.objects.clone(), last.documents.clone())).unwrap_or_default();
        for gone in line["gone"].as_array().unwrap() {
            objects.remove(gone.as_str().unwrap());
        }
        objects.extend(line["objects"].as_array().unwrap().iter().map(|object| (super::key(object), object.clone())));
        for (collection, changed) in line["documents"].as_object().unwrap() {
            documents.insert(collection.clone(), changed.as_array().unwrap().clone());
        }
        all.push(Moment { name: line["moment"].as_str().unwrap().to_owned(), objects, documents });
    }
    all
}
