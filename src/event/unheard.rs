//! Which events ended and have not been looked at for webhooks. Our own database says so in the event; in one that is tsuru's too, a
//! collection beside it does, and the note is there before the event ends.

use bson::oid::ObjectId;
use serde::{Deserialize, Serialize};

use super::Event;
use crate::{
    error::Result,
    store::{Document, Filter, Find, Spec, Store, StoreError, Update},
};

const FIELD: &str = "unheard";

/// A note about an event that ends.
#[derive(Debug, Serialize, Deserialize)]
pub struct Note {
    #[serde(rename = "_id")]
    id: ObjectId,
}

impl Document for Note {
    const SPEC: &'static Spec = &Spec { name: "impaas_unheard", indexes: &[], sealed: &[] };
}

/// Before an event ends: notes it where the event itself cannot say so.
pub(super) async fn note(store: &Store, id: ObjectId) -> Result<()> {
    if store.is_shared() {
        match store.of::<Note>().insert(&Note { id }).await {
            Err(StoreError::Duplicate(_)) => {}
            done => done?,
        }
    }
    Ok(())
}

/// Events that ended unheard, the oldest.
pub async fn filter(store: &Store, limit: i64) -> Result<Filter> {
    if !store.is_shared() {
        return Ok(Filter::eq(FIELD, true));
    }
    let notes = store.of::<Note>().find_with(Filter::All, Find { sort: Some(("_id", false)), skip: 0, limit }).await?;
    Ok(Filter::any_of("_id", notes.iter().map(|note| note.id)).and(Filter::eq("running", false)))
}

/// These have been heard.
pub async fn heard(store: &Store, ids: Vec<ObjectId>) -> Result<()> {
    let these = Filter::any_of("_id", ids);
    if store.is_shared() {
        store.of::<Note>().delete(these).await?;
    } else {
        store.of::<Event>().update_many(these, Update::unset(FIELD)).await?;
    }
    Ok(())
}
