//! A thing under its event's lock: loaded again, permitted again. The only type that changing functions accept.

use std::ops::Deref;

use serde::Serialize;

use super::{Target, begin::Running};
use crate::{
    error::{Error, Result},
    permission::Context,
    store::{Document, Filter, Store, Update},
};

/// A thing that events are about: it can be loaded again and says where permissions on it hold.
pub trait Subject: Sized {
    /// The event's target.
    fn target(&self) -> Target;
    /// Where permissions on it hold.
    fn contexts(&self) -> Vec<Context>;
    /// Who may see its events: the permission; its contexts are the thing's own.
    fn events_permission(&self) -> &'static str;
    /// It as the store has it now; 404 when it is gone.
    fn reload(&self, store: &Store) -> impl Future<Output = Result<Self>> + Send;
}

/// A thing and the event that locks it.
pub struct Locked<T> {
    thing: T,
    event: Running,
}

impl<T> Locked<T> {
    /// Joins a thing that was loaded and permitted under the event's lock with the event.
    pub fn new(thing: T, event: Running) -> Self {
        Self { thing, event }
    }

    /// The event.
    pub fn event(&self) -> &Running {
        &self.event
    }

    /// Keeps what came out with the event.
    pub fn set_end_data(&mut self, data: &impl Serialize) {
        self.event.set_end_data(data);
    }

    /// The thing as it was just written.
    pub fn set(&mut self, thing: T) {
        self.thing = thing;
    }

    /// Another thing that the same event locks, in place of this one.
    pub fn exchange<U>(self, thing: U) -> (T, Locked<U>) {
        (self.thing, Locked { thing, event: self.event })
    }

    /// Changes another document under the same event's lock; what it is afterwards.
    pub async fn change_other<D: Document>(&self, store: &Store, id: impl Serialize, update: Update) -> Result<D> {
        let one = Filter::id(id);
        // tsuru's documents have no fences: there the lock's age alone says whether it holds.
        if store.is_shared() {
            self.event.check().await?;
            return store.of::<D>().update(one, update).await?.ok_or_else(gone);
        }
        if let Some(changed) = self.write(store, one.clone(), update.clone()).await? {
            return Ok(changed);
        }
        // Instances of services are also written under locks of their apps: others may have taken a number later and written earlier.
        self.event.lease().raise().await?;
        self.write(store, one, update).await?.ok_or_else(gone)
    }

    /// Writes what nobody wrote with a higher number.
    async fn write<D: Document>(&self, store: &Store, one: Filter, update: Update) -> Result<Option<D>> {
        let fence = self.event.fence().await?;
        // After the number was taken: who still holds the lock now took it before anybody else could.
        self.event.check().await?;
        let newest = Filter::Or(vec![Filter::missing("fence"), Filter::lte("fence", fence)]);
        Ok(store.of::<D>().update(one.and(newest), update.and_set("fence", fence)).await?)
    }

    /// Ends the event with the outcome, which it gives back.
    pub async fn end<O>(self, outcome: Result<O>) -> Result<O> {
        self.event.end(outcome).await
    }
}

fn gone() -> Error {
    Error::refused("it was changed or removed by somebody else meanwhile, please try again")
}

impl<T: Document> Locked<T> {
    /// Changes the thing's document (found by `id`) if the lock still holds: the write carries the event's fence.
    pub async fn change(&mut self, store: &Store, id: impl Serialize, update: Update) -> Result<()> {
        self.thing = self.change_other(store, id, update).await?;
        Ok(())
    }
}

impl<T> Deref for Locked<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.thing
    }
}
