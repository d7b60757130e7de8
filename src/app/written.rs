//! The last lists of apps as they were written: while nothing in one has changed, it is sent again as it is.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use bytes::Bytes;

use super::list::Found;
use crate::error::Result;

/// Lists kept at most.
const MOST: usize = 16;
/// Addresses of routers are not compared: they may be this old.
const FRESH: Duration = Duration::from_secs(1);

/// Lists written of late.
#[derive(Default)]
pub struct Written(Mutex<Vec<List>>);

struct List {
    found: Found,
    query: String,
    body: Bytes,
    since: Instant,
}

impl Written {
    /// The list of these apps for this query, written anew only when something in it may have changed.
    pub fn of(&self, found: Found, query: &str, write: impl FnOnce(&Found) -> Result<Bytes>) -> Result<Bytes> {
        if let Some(list) = self.lock().iter().find(|list| list.fits(&found, query)) {
            return Ok(list.body.clone());
        }
        let body = write(&found)?;
        let list = List { found, query: query.into(), body: body.clone(), since: Instant::now() };
        let mut lists = self.lock();
        lists.retain(|known| known.since.elapsed() < FRESH);
        lists.truncate(MOST - 1);
        lists.push(list);
        Ok(body)
    }

    fn lock(&self) -> MutexGuard<'_, Vec<List>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl List {
    fn fits(&self, found: &Found, query: &str) -> bool {
        self.query == query && self.since.elapsed() < FRESH && self.found == *found
    }
}
