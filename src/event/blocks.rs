//! Remembers for a second which blocks hold, so that beginning an event costs no look at them. A block of this server counts at once,
//! one of another server within the second.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use super::block::{self, Block};
use crate::{
    error::Result,
    store::{Document, Store},
};

const FRESH: Duration = Duration::from_secs(1);

struct Known {
    blocks: Arc<Vec<Block>>,
    since: Instant,
    changes: u64,
}

/// The blocks that hold.
pub(super) struct Blocks {
    known: Mutex<Option<Known>>,
    changes: Arc<AtomicU64>,
}

impl Blocks {
    /// Nothing known yet.
    pub(super) fn new(store: &Store) -> Self {
        Self { known: Mutex::default(), changes: store.changes().of(Block::SPEC.name) }
    }

    /// Those that hold now.
    pub(super) async fn holding(&self, store: &Store) -> Result<Arc<Vec<Block>>> {
        let changes = self.changes.load(Ordering::SeqCst);
        if let Some(blocks) = self.remembered(changes) {
            return Ok(blocks);
        }
        let since = Instant::now();
        let blocks = Arc::new(block::list(store, Some(true)).await?);
        *self.lock() = Some(Known { blocks: blocks.clone(), since, changes });
        Ok(blocks)
    }

    fn remembered(&self, changes: u64) -> Option<Arc<Vec<Block>>> {
        let known = self.lock();
        let fresh = known.as_ref().filter(|known| known.changes == changes && known.since.elapsed() < FRESH);
        fresh.map(|known| known.blocks.clone())
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Option<Known>> {
        self.known.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}
