//! The simplest store there is, to compare with: a list of documents, every filter tried on each.

use std::{collections::BTreeSet, sync::Mutex};

use async_trait::async_trait;
use bson::{Bson, Document};
use impaas::store::{
    Backend, Filter, Find, Index, Result, Spec, StoreError, Update,
    evaluate::{Matcher, Sorting, apply, check, leaves, made, same, with_id},
};

#[derive(Default)]
pub struct Model(Mutex<Vec<Document>>);

impl Model {
    fn places(&self, filter: &Filter) -> Result<Vec<usize>> {
        let matcher = Matcher::new(filter)?;
        Ok(self.0.lock().unwrap().iter().enumerate().filter(|(_, doc)| matcher.holds(doc)).map(|(at, _)| at).collect())
    }

    fn change(&self, spec: &Spec, at: usize, update: &Update) -> Result<Document> {
        let before = self.0.lock().unwrap().remove(at);
        let done = apply(update, &before).and_then(|after| self.free(spec, &after).map(|()| after));
        self.0.lock().unwrap().insert(at, done.clone().unwrap_or(before));
        done
    }

    fn free(&self, spec: &Spec, doc: &Document) -> Result<()> {
        let docs = self.0.lock().unwrap();
        if docs.iter().any(|other| same(&other["_id"], &doc["_id"])) {
            return Err(StoreError::Duplicate("_id_".into()));
        }
        let taken = |index: &&Index| docs.iter().any(|other| collide(index, other, doc));
        match spec.indexes.iter().filter(|index| index.unique).find(taken) {
            Some(index) => Err(StoreError::Duplicate(index.name())),
            None => Ok(()),
        }
    }
}

/// True when a key of one is a key of the other. (All unique indexes of the tests are sparse and have one path.)
fn collide(index: &Index, a: &Document, b: &Document) -> bool {
    let (a, b) = (keys(index.keys[0].0, a), keys(index.keys[0].0, b));
    a.iter().any(|a| b.iter().any(|b| same(a, b)))
}

fn keys(path: &str, doc: &Document) -> Vec<Bson> {
    let mut keys = Vec::new();
    leaves(doc, path, &mut |leaf| match leaf {
        Some(Bson::Array(items)) if items.is_empty() => keys.push(Bson::Undefined),
        Some(Bson::Array(items)) => keys.extend(items.iter().cloned()),
        Some(value) => keys.push(value.clone()),
        None => {}
    });
    keys
}

#[async_trait]
impl Backend for Model {
    async fn ensure(&self, _: &'static Spec) -> Result<()> {
        Ok(())
    }

    async fn find(&self, _: &'static Spec, filter: &Filter, find: &Find) -> Result<Vec<Document>> {
        let places = self.places(filter)?;
        let mut docs: Vec<_> = places.into_iter().map(|at| self.0.lock().unwrap()[at].clone()).collect();
        if let Some(sorting) = Sorting::of(find) {
            let mut keyed: Vec<_> = docs.into_iter().map(|doc| (sorting.key(&doc), doc)).collect();
            sorting.sort(&mut keyed);
            docs = keyed.into_iter().map(|(_, doc)| doc).collect();
        }
        let limit = if find.limit == 0 { usize::MAX } else { find.limit as usize };
        Ok(docs.into_iter().skip(find.skip as usize).take(limit).collect())
    }

    async fn count(&self, _: &'static Spec, filter: &Filter) -> Result<u64> {
        Ok(self.places(filter)?.len() as u64)
    }

    async fn distinct(&self, _: &'static Spec, path: &'static str) -> Result<Vec<String>> {
        let texts: BTreeSet<String> = self.0.lock().unwrap().iter().filter_map(|doc| doc.get_str(path).ok().map(str::to_owned)).collect();
        Ok(texts.into_iter().collect())
    }

    async fn insert(&self, spec: &'static Spec, doc: Document) -> Result<()> {
        let doc = with_id(doc);
        self.free(spec, &doc)?;
        self.0.lock().unwrap().push(doc);
        Ok(())
    }

    async fn update_one(&self, spec: &'static Spec, filter: &Filter, update: &Update, upsert: bool) -> Result<Option<Document>> {
        check(update)?;
        match self.places(filter)?.first() {
            Some(at) => self.change(spec, *at, update).map(Some),
            None if upsert => {
                let doc = made(filter, update)?;
                self.insert(spec, doc.clone()).await.map(|()| Some(doc))
            }
            None => Ok(None),
        }
    }

    async fn update_many(&self, spec: &'static Spec, filter: &Filter, update: &Update) -> Result<u64> {
        check(update)?;
        let places = self.places(filter)?;
        places.iter().try_for_each(|at| self.change(spec, *at, update).map(drop))?;
        Ok(places.len() as u64)
    }

    async fn delete(&self, _: &'static Spec, filter: &Filter) -> Result<u64> {
        let places = self.places(filter)?;
        places.iter().rev().for_each(|at| drop(self.0.lock().unwrap().remove(*at)));
        Ok(places.len() as u64)
    }

    async fn ping(&self) -> Result<()> {
        Ok(())
    }

    async fn collections(&self) -> Result<Vec<String>> {
        Ok(vec![])
    }

    async fn dump(&self, _: &str) -> Result<Vec<Document>> {
        Ok(self.0.lock().unwrap().clone())
    }

    async fn load(&self, _: &str, docs: Vec<Document>) -> Result<()> {
        self.0.lock().unwrap().extend(docs);
        Ok(())
    }
}
