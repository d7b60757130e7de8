//! Quotas: how many apps a team or a user may have, how many units an app.

use serde::{Deserialize, Serialize};

use crate::{
    error::{Error, Result},
    store::{Document, Filter, Store, StoreError, Update},
};

/// A limit and what is used of it; -1 is no limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Quota {
    /// At most so many; -1: no limit.
    #[serde(deserialize_with = "crate::store::lenient::int")]
    pub limit: i64,
    /// So many are there.
    #[serde(default, rename = "inuse", deserialize_with = "crate::store::lenient::int")]
    pub in_use: i64,
}

impl Default for Quota {
    fn default() -> Self {
        Self::unlimited()
    }
}

impl Quota {
    /// No limit, nothing used.
    pub const fn unlimited() -> Self {
        Self { limit: -1, in_use: 0 }
    }

    /// This limit, nothing used; negative is no limit.
    pub fn limited(limit: i64) -> Self {
        Self { limit: limit.max(-1), in_use: 0 }
    }

    /// What is left; `None` without limit.
    pub fn available(&self) -> Option<i64> {
        (self.limit >= 0).then(|| self.limit - self.in_use)
    }

    /// The refusal when `requested` more do not fit.
    pub fn check(&self, requested: i64) -> Result<()> {
        match self.available() {
            Some(available) if requested > available => {
                Err(Error::refused(format!("Quota exceeded. Available: {available}, Requested: {requested}.")))
            }
            _ => Ok(()),
        }
    }
}

/// Takes one from the quota of the document that `owner` finds, in one atomic step: of many at once, exactly as many as fit get through.
/// False when it is used up.
pub async fn reserve<T: Document>(store: &Store, owner: Filter) -> Result<bool, StoreError> {
    let free = Filter::Or(vec![Filter::lt("quota.limit", 0), Filter::below("quota.inuse", "quota.limit")]);
    if store.of::<Owner<T>>().update(owner.clone().and(free), Update::inc("quota.inuse", 1)).await?.is_some() {
        return Ok(true);
    }
    // Who has no quota has no limit.
    let first = Update::set("quota", Quota { limit: -1, in_use: 1 });
    Ok(store.of::<Owner<T>>().update(owner.and(Filter::missing("quota")), first).await?.is_some())
}

/// Gives one back.
pub async fn release<T: Document>(store: &Store, owner: Filter) -> Result<(), StoreError> {
    let used = owner.and(Filter::gt("quota.inuse", 0));
    store.of::<Owner<T>>().update(used, Update::inc("quota.inuse", -1)).await?;
    Ok(())
}

/// Sets the limit (negative: none) unless more is in use already.
pub async fn set_limit<T: Document>(store: &Store, owner: Filter, limit: i64) -> Result<()> {
    let limit = limit.max(-1);
    let fits = if limit < 0 { Filter::All } else { Filter::lte("quota.inuse", limit) };
    let changed = store.of::<Owner<T>>().update(owner.and(fits), Update::set("quota.limit", limit)).await?;
    match changed {
        Some(_) => Ok(()),
        None => Err(Error::Forbidden("New limit is less than the current allocated value".into())),
    }
}

/// The quota field of any document that has one.
#[derive(Serialize, Deserialize)]
#[serde(bound = "")]
struct Owner<T> {
    #[serde(default)]
    quota: Quota,
    #[serde(skip)]
    of: std::marker::PhantomData<fn() -> T>,
}

impl<T: Document> Document for Owner<T> {
    const SPEC: &'static crate::store::Spec = T::SPEC;
}
