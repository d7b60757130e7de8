//! Remembers for a second what was found, so that a list that everybody asks for is read and decoded once. A write of this server to
//! the collection ends it at once; one of another server within the second.

use std::{
    any::{Any, type_name},
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError, atomic::Ordering},
    time::{Duration, Instant},
};

use super::{Collection, Document, Filter, Find, Result};

const FRESH: Duration = Duration::from_secs(1);
/// Findings remembered at most.
const MOST: usize = 200;

/// What was found of late, by what was asked.
#[derive(Debug, Default)]
pub(super) struct Remembered(Mutex<HashMap<(&'static str, String), Found>>);

#[derive(Debug)]
struct Found {
    documents: Arc<dyn Any + Send + Sync>,
    since: Instant,
    changes: u64,
}

impl Remembered {
    fn lock(&self) -> MutexGuard<'_, HashMap<(&'static str, String), Found>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn keep(&self, asked: (&'static str, String), found: Found) {
        let mut all = self.lock();
        if all.len() >= MOST {
            all.retain(|_, found| found.since.elapsed() < FRESH);
        }
        if all.len() < MOST {
            all.insert(asked, found);
        }
    }
}

impl<T: Document + 'static> Collection<'_, T> {
    /// All documents, as they were at most a second ago; with every write of this server.
    pub async fn all(&self) -> Result<Arc<Vec<T>>> {
        self.recent(Filter::All, Find::default()).await
    }

    /// Matches in this order and window, as they are now; remembered where no other server can change them.
    pub async fn current(&self, filter: Filter, find: Find) -> Result<Arc<Vec<T>>> {
        match self.store.backend.alone() {
            true => self.recent(filter, find).await,
            false => self.find_with(filter, find).await.map(Arc::new),
        }
    }

    /// Matches in this order and window, as they were at most a second ago; with every write of this server.
    pub async fn recent(&self, filter: Filter, find: Find) -> Result<Arc<Vec<T>>> {
        let asked = (type_name::<T>(), format!("{filter:?} {find:?}"));
        // Counted before reading: who writes meanwhile makes this reading stale.
        let changes = self.store.changes.of(T::SPEC.name).load(Ordering::SeqCst);
        let known = self
            .store
            .remembered
            .lock()
            .get(&asked)
            .filter(|f| f.changes == changes && f.since.elapsed() < FRESH)
            .map(|f| f.documents.clone());
        if let Some(documents) = known.and_then(|documents| documents.downcast().ok()) {
            return Ok(documents);
        }
        let documents = Arc::new(self.find_with(filter, find).await?);
        self.store.remembered.keep(asked, Found { documents: documents.clone(), since: Instant::now(), changes });
        Ok(documents)
    }
}

#[cfg(test)]
mod tests {
    use serde::{Deserialize, Serialize};

    use super::*;
    use crate::store::{Sealer, Spec, Store, Update, sqlite::Sqlite};

    #[derive(Debug, Deserialize, PartialEq, Serialize)]
    struct Thing {
        #[serde(rename = "_id")]
        name: String,
        n: i64,
    }

    impl Document for Thing {
        const SPEC: &'static Spec = &Spec { name: "things", indexes: &[], sealed: &[] };
    }

    async fn store() -> Store {
        let store = Store::new(Arc::new(Sqlite::in_memory().unwrap()), Sealer::clear());
        store.of::<Thing>().insert(&Thing { name: "a".into(), n: 1 }).await.unwrap();
        store
    }

    #[tokio::test]
    async fn what_was_read_is_not_read_again() {
        let store = store().await;
        let first = store.of::<Thing>().all().await.unwrap();
        let again = store.of::<Thing>().all().await.unwrap();
        assert!(Arc::ptr_eq(&first, &again));
        let none = store.of::<Thing>().recent(Filter::eq("n", 2), Find::default()).await.unwrap();
        assert_eq!((first.len(), none.len()), (1, 0));
    }

    #[tokio::test]
    async fn a_write_of_this_server_is_seen_at_once() {
        let store = store().await;
        store.of::<Thing>().all().await.unwrap();
        store.of::<Thing>().update(Filter::id("a"), Update::set("n", 2)).await.unwrap();
        assert_eq!(store.of::<Thing>().all().await.unwrap()[0].n, 2);
        store.of::<Thing>().delete(Filter::id("a")).await.unwrap();
        assert!(store.of::<Thing>().all().await.unwrap().is_empty());
    }
}
