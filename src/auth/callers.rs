//! Remembers for a second who a token belongs to. A write of this server to users, roles, groups or tokens ends it at once; one of
//! another server within the second.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use super::{Caller, identify::Group, session::Session, team_token::TeamToken, token};
use crate::{
    context::Context,
    error::Result,
    permission::Role,
    store::{Document, Store},
    user::User,
};

const FRESH: Duration = Duration::from_secs(1);
/// Tokens remembered at most.
const MOST: usize = 10_000;

struct Known {
    caller: Arc<Caller>,
    since: Instant,
    changes: u64,
}

/// Callers of late, by their token's digest.
pub struct Callers {
    known: Mutex<HashMap<String, Known>>,
    watched: [Arc<AtomicU64>; 5],
}

impl Callers {
    /// None yet.
    pub fn new(store: &Store) -> Self {
        let names = [User::SPEC.name, Role::SPEC.name, Group::SPEC.name, Session::SPEC.name, TeamToken::SPEC.name];
        Self { known: Mutex::default(), watched: names.map(|name| store.changes().of(name)) }
    }

    /// The caller whom this token belongs to.
    pub async fn identify(&self, ctx: &Context, clear: &str) -> Result<Option<Arc<Caller>>> {
        let digest = token::digest(clear);
        let (changes, since) = (self.changes(), Instant::now());
        if let Some(caller) = self.remembered(&digest, changes) {
            return Ok(Some(caller));
        }
        let Some(caller) = super::identify::identify(ctx, clear).await? else { return Ok(None) };
        let caller = Arc::new(caller);
        self.remember(digest, Known { caller: caller.clone(), since, changes });
        Ok(Some(caller))
    }

    fn changes(&self) -> u64 {
        self.watched.iter().map(|counter| counter.load(Ordering::SeqCst)).sum()
    }

    fn remembered(&self, digest: &str, changes: u64) -> Option<Arc<Caller>> {
        let known = self.lock();
        let found = known.get(digest)?;
        (found.changes == changes && found.since.elapsed() < FRESH).then(|| found.caller.clone())
    }

    fn remember(&self, digest: String, caller: Known) {
        let mut known = self.lock();
        if known.len() >= MOST {
            known.retain(|_, known| known.since.elapsed() < FRESH);
        }
        known.insert(digest, caller);
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<String, Known>> {
        self.known.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}
