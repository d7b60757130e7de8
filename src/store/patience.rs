//! Work that has begun is seen through: while the store is away it waits, where a request would be refused.

use std::time::Duration;

use tokio::time::Instant;

use super::{Result, StoreError};

tokio::task_local! {
    static PATIENT: Duration;
}

/// How long the store may be away.
const LONG: Duration = Duration::from_secs(15 * 60);
/// Before it is tried again.
const PAUSE: Duration = Duration::from_millis(500);

/// Work that waits for a store that is away instead of failing.
pub fn patient<F: Future>(work: F) -> impl Future<Output = F::Output> {
    PATIENT.scope(LONG, work)
}

/// What became of a command, and whether it was given more than once: then it may have been done before it failed.
pub(super) struct Tried<T> {
    pub outcome: Result<T>,
    pub again: bool,
}

/// Gives a command, and again while a store that `may_return` is away and the work is patient.
pub(super) async fn tried<T, F: Future<Output = Result<T>>>(may_return: bool, command: impl Fn() -> F) -> Tried<T> {
    let (begun, patience) = (Instant::now(), PATIENT.try_with(|long| *long).ok().filter(|_| may_return).unwrap_or_default());
    let mut outcome = command().await;
    let mut again = false;
    while matches!(outcome, Err(StoreError::Away(_))) && begun.elapsed() < patience {
        again = true;
        tokio::time::sleep(PAUSE).await;
        outcome = command().await;
    }
    Tried { outcome, again }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;

    /// Away twice, then there.
    async fn command(given: &AtomicU32) -> Result<u32> {
        match given.fetch_add(1, Ordering::Relaxed) {
            0 | 1 => Err(StoreError::Away("away".into())),
            n => Ok(n),
        }
    }

    #[tokio::test(start_paused = true)]
    async fn patient_work_waits_until_the_store_is_back() {
        let given = AtomicU32::new(0);
        let done = patient(tried(true, || command(&given))).await;
        assert!(done.again && matches!(done.outcome, Ok(2)));
    }

    #[tokio::test]
    async fn other_work_is_refused_at_once() {
        let given = AtomicU32::new(0);
        let done = tried(true, || command(&given)).await;
        assert!(!done.again && matches!(done.outcome, Err(StoreError::Away(_))));
    }

    #[tokio::test]
    async fn a_store_of_this_server_alone_does_not_come_back_by_waiting() {
        let given = AtomicU32::new(0);
        assert!(matches!(patient(tried(false, || command(&given))).await.outcome, Err(StoreError::Away(_))));
    }

    #[tokio::test(start_paused = true)]
    async fn patience_ends() {
        let away = || async { Err::<(), _>(StoreError::Away("away".into())) };
        assert!(matches!(patient(tried(true, away)).await.outcome, Err(StoreError::Away(_))));
    }
}
