//! Whose database it is. What tsuru's server made stays as tsuru wants it, so that both can use it and going back is possible; a
//! database that was empty when we came is ours, and secrets are sealed in it.

use super::{Backend, Filter, Result, Spec, Update};
use crate::clock::Time;

/// The collection that says that a database is ours.
pub(super) const MARK: &str = "impaas_store";

static MARKS: Spec = Spec { name: MARK, indexes: &[], sealed: &[] };

/// True for a database that tsuru's server made: it holds something, but not the mark that we leave in an empty one.
pub async fn is_shared(backend: &dyn Backend) -> Result<bool> {
    let there = backend.collections().await?;
    if there.is_empty() {
        let mark = Update::default().and_set_on_insert("since", Time::now());
        backend.update_one(&MARKS, &Filter::id("sealed"), &mark, true).await?;
        return Ok(false);
    }
    Ok(!there.iter().any(|name| name == MARK))
}
