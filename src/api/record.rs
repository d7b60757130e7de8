//! The fourth beat of a handler: the event takes the lock, then the thing is loaded again and permitted again.

use std::borrow::Cow;

use bson::{Bson, doc};

use super::Call;
use crate::{
    error::Result,
    event::{
        Allowed, Begin, Locked, Subject, Target,
        document::{ExtraTarget, Named},
    },
    permission,
};

/// Names of fields whose values never reach an event.
const SECRET_FIELDS: [&str; 8] = ["password", "old", "new", "confirm", "token", "key", "certificate", "confirmpassword"];

/// How an event is recorded: its permission (and kind), and what is special about it.
#[derive(Clone, Debug)]
pub struct Recording {
    permission: &'static str,
    kind: Cow<'static, str>,
    cancelable: bool,
    cancelled_with: Option<&'static str>,
    locks: bool,
    extra: Vec<ExtraTarget>,
    secret: Vec<String>,
    data: Option<Bson>,
    owner: Option<Named>,
}

impl From<&'static str> for Recording {
    fn from(permission: &'static str) -> Self {
        Self {
            permission,
            kind: permission.into(),
            cancelable: false,
            cancelled_with: None,
            locks: true,
            extra: Vec::new(),
            secret: Vec::new(),
            data: None,
            owner: None,
        }
    }
}

impl Recording {
    /// An event of this kind, checked with the permission of the same name.
    pub fn of(permission: &'static str) -> Self {
        permission.into()
    }

    /// Recorded as another kind than the permission that is checked.
    #[must_use]
    pub fn as_kind(mut self, kind: impl Into<Cow<'static, str>>) -> Self {
        self.kind = kind.into();
        self
    }

    /// It can be cancelled.
    #[must_use]
    pub fn cancelable(mut self) -> Self {
        self.cancelable = true;
        self
    }

    /// It can be cancelled by those who hold this permission.
    #[must_use]
    pub fn cancelable_by(mut self, permission: &'static str) -> Self {
        self.cancelled_with = Some(permission);
        self.cancelable()
    }

    /// It takes no lock.
    #[must_use]
    pub fn without_lock(mut self) -> Self {
        self.locks = false;
        self
    }

    /// It is also about this, locked as well.
    #[must_use]
    pub fn and_lock(mut self, target: Target) -> Self {
        self.extra.push(ExtraTarget { target, lock: true });
        self
    }

    /// The value of this field is kept as `*****`.
    #[must_use]
    pub fn hiding(mut self, field: impl Into<String>) -> Self {
        self.secret.push(field.into());
        self
    }

    /// The event is this user's, also when nobody is signed on.
    #[must_use]
    pub fn owned_by_user(mut self, email: &str) -> Self {
        self.owner = Some(Named { kind: "user".into(), name: email.into() });
        self
    }

    /// Keeps this instead of the request's fields.
    #[must_use]
    pub fn with_data(mut self, data: Bson) -> Self {
        self.data = Some(data);
        self
    }
}

impl Call {
    /// Takes the lock of `thing`, loads it again and permits again: what comes back is what may be changed.
    pub async fn record<T: Subject>(&mut self, recording: impl Into<Recording>, thing: T) -> Result<Locked<T>> {
        let recording = recording.into();
        let begin = self.begin(&recording, thing.target(), thing.events_permission(), thing.contexts()).await?;
        let running = self.ctx.events.begin(begin).await?;
        // What is written will want the number: nobody waits for one and then for the other.
        let (reloaded, fence) = tokio::join!(thing.reload(&self.ctx.store), running.fence());
        let reloaded = fence.and(reloaded).and_then(|thing| self.permit(recording.permission, &thing.contexts()).map(|()| thing));
        match reloaded {
            Ok(thing) => Ok(Locked::new(thing, running)),
            Err(e) => {
                running.abort().await?;
                Err(e)
            }
        }
    }

    /// Takes the lock of something that is not there yet.
    pub async fn record_new(&mut self, recording: impl Into<Recording>, new: New) -> Result<Locked<()>> {
        let begin = self.begin(&recording.into(), new.target, new.events_permission, new.contexts).await?;
        Ok(Locked::new((), self.ctx.events.begin(begin).await?))
    }

    async fn begin(
        &mut self,
        recording: &Recording,
        target: Target,
        events: &'static str,
        contexts: Vec<permission::Context>,
    ) -> Result<Begin> {
        let data = match &recording.data {
            Some(data) => data.clone(),
            None => form_data(self.asked().await?, &recording.secret),
        };
        let owner = match &recording.owner {
            Some(owner) => owner.clone(),
            None => self.caller().map(|caller| Named { kind: caller.owner_type().into(), name: caller.name.clone() })?,
        };
        let source_ip = self.address();
        let cancelled_with = recording.cancelled_with.map_or_else(|| cancel_permission(events), str::to_owned);
        let allowed = Allowed { scheme: events.into(), contexts };
        Ok(Begin {
            target,
            extra: recording.extra.clone(),
            kind: recording.kind.clone().into_owned(),
            owner,
            source_ip,
            data: Some(data),
            allowed_cancel: recording.cancelable.then(|| Allowed { scheme: cancelled_with, contexts: allowed.contexts.clone() }),
            allowed,
            locks: recording.locks,
        })
    }
}

/// What an event about something new is begun with.
pub struct New {
    /// The thing.
    pub target: Target,
    /// Who may see the event: the permission.
    pub events_permission: &'static str,
    /// Where that permission is looked for.
    pub contexts: Vec<permission::Context>,
}

/// `app.read.events` is seen, `app.update.events` cancels.
fn cancel_permission(events: &str) -> String {
    events.replace(".read.", ".update.")
}

/// `[{name, value}]`, secrets masked.
pub(super) fn form_data(fields: Vec<(String, Vec<String>)>, secret: &[String]) -> Bson {
    let entries = fields.into_iter().map(|(name, values)| {
        let hidden = SECRET_FIELDS.contains(&name.to_ascii_lowercase().as_str()) || secret.contains(&name);
        let value = match (hidden, <[String; 1]>::try_from(values)) {
            (true, _) => Bson::String("*****".into()),
            (false, Ok([one])) => Bson::String(one),
            (false, Err(many)) => Bson::Array(many.into_iter().map(Bson::String).collect()),
        };
        Bson::Document(doc! { "name": name, "value": value })
    });
    Bson::Array(entries.collect())
}
