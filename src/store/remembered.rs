//! Remembers what was found of late, so that a list that everybody asks for is read once, by one of them, and decoded once. A write of
//! this server to the collection ends it at once; one of another server within the second, or, where it must be seen at once, because the
//! documents are read again and compared.

use std::{
    any::{Any, type_name},
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError, atomic::Ordering},
    time::{Duration, Instant},
};

use bson::RawDocumentBuf;
use tokio::sync::Mutex as Turn;

use super::{Collection, Document, Filter, Find, Result};

/// What another server may have changed is remembered so long; and nobody waits longer for who reads already.
const FRESH: Duration = Duration::from_secs(1);
/// What nobody else can have changed, so long: it takes memory.
const LASTING: Duration = Duration::from_secs(10);
/// Findings remembered at most.
const MOST: usize = 200;

/// What was found of late, by what was asked.
#[derive(Debug, Default)]
pub(super) struct Remembered(Mutex<HashMap<(&'static str, String), Arc<Slot>>>);

/// What is known of one question.
#[derive(Debug, Default)]
struct Slot {
    known: Mutex<Option<Known>>,
    /// Held by who reads.
    turn: Turn<()>,
}

#[derive(Debug)]
struct Known {
    documents: Arc<dyn Any + Send + Sync>,
    since: Instant,
    proof: Proof,
}

/// By what an answer is known to be still right.
#[derive(Debug, PartialEq)]
enum Proof {
    /// The writes of this server until then.
    Changes(u64),
    /// The documents as they were stored.
    Stored(Vec<RawDocumentBuf>),
}

impl Remembered {
    /// The place of an answer. When there are too many, one that is not kept.
    fn slot(&self, asked: (&'static str, String)) -> Arc<Slot> {
        let mut all = lock(&self.0);
        if let Some(slot) = all.get(&asked) {
            return slot.clone();
        }
        all.retain(|_, slot| Arc::strong_count(slot) > 1 || slot.is_younger_than(LASTING));
        let slot = Arc::new(Slot::default());
        if all.len() < MOST {
            all.insert(asked, slot.clone());
        }
        slot
    }
}

impl Slot {
    fn is_younger_than(&self, age: Duration) -> bool {
        lock(&self.known).as_ref().is_some_and(|known| known.since.elapsed() < age)
    }

    fn known<T: 'static + Send + Sync>(&self, fits: impl Fn(&Known) -> bool) -> Option<Arc<Vec<T>>> {
        let documents = lock(&self.known).as_ref().filter(|known| fits(known))?.documents.clone();
        documents.downcast().ok()
    }

    fn keep(&self, known: Known) {
        *lock(&self.known) = Some(known);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl<T: Document + 'static> Collection<'_, T> {
    /// All documents, as they were at most a second ago; with every write of this server.
    pub async fn all(&self) -> Result<Arc<Vec<T>>> {
        self.recent(Filter::All, Find::default()).await
    }

    /// Matches in this order and window, as they are now. Where other servers write too they are read each time; while they are the same
    /// bytes they are the same answer.
    pub async fn current(&self, filter: Filter, find: Find) -> Result<Arc<Vec<T>>> {
        if self.store.backend.alone() {
            return self.younger_than(LASTING, filter, find).await;
        }
        let slot = self.slot(&filter, &find);
        let stored = self.stored(&filter, &find).await?;
        if let Some(documents) = slot.known(|known| matches!(&known.proof, Proof::Stored(then) if *then == stored)) {
            return Ok(documents);
        }
        let documents = Arc::new(stored.iter().map(|raw| self.read_raw(raw)).collect::<Result<Vec<T>>>()?);
        slot.keep(Known { documents: documents.clone(), since: Instant::now(), proof: Proof::Stored(stored) });
        Ok(documents)
    }

    /// Matches in this order and window, as they were at most a second ago; with every write of this server.
    pub async fn recent(&self, filter: Filter, find: Find) -> Result<Arc<Vec<T>>> {
        self.younger_than(FRESH, filter, find).await
    }

    async fn younger_than(&self, age: Duration, filter: Filter, find: Find) -> Result<Arc<Vec<T>>> {
        let slot = self.slot(&filter, &find);
        let changes = self.store.changes.of(T::SPEC.name);
        let known = |now: u64| slot.known(|known| known.proof == Proof::Changes(now) && known.since.elapsed() < age);
        if let Some(documents) = known(changes.load(Ordering::SeqCst)) {
            return Ok(documents);
        }
        let _turn = tokio::time::timeout(FRESH, slot.turn.lock()).await;
        // Counted before reading: who writes meanwhile makes this reading stale.
        let now = changes.load(Ordering::SeqCst);
        if let Some(documents) = known(now) {
            return Ok(documents);
        }
        let documents = Arc::new(self.find_with(filter, find).await?);
        slot.keep(Known { documents: documents.clone(), since: Instant::now(), proof: Proof::Changes(now) });
        Ok(documents)
    }

    fn slot(&self, filter: &Filter, find: &Find) -> Arc<Slot> {
        self.store.remembered.slot((type_name::<T>(), format!("{filter:?} {find:?}")))
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
        loop {
            let (store, began) = (store().await, Instant::now());
            let first = store.of::<Thing>().all().await.unwrap();
            let again = store.of::<Thing>().all().await.unwrap();
            if Arc::ptr_eq(&first, &again) {
                let none = store.of::<Thing>().recent(Filter::eq("n", 2), Find::default()).await.unwrap();
                return assert_eq!((first.len(), none.len()), (1, 0));
            }
            assert!(began.elapsed() >= FRESH, "what is not too old was read again");
        }
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

    #[tokio::test]
    async fn who_asks_while_another_reads_waits_for_that_answer() {
        loop {
            let (store, began) = (store().await, Instant::now());
            let reads = store.commands().reads();
            let things = || async { store.of::<Thing>().all().await.unwrap().len() };
            let answers = futures_util::future::join_all((0..20).map(|_| things())).await;
            assert_eq!(answers, vec![1; 20]);
            let read = store.commands().reads() - reads;
            if read == 1 {
                return;
            }
            assert!(began.elapsed() >= FRESH, "{read} reads though nobody waited too long");
        }
    }
}
