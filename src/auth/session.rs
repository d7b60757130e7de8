//! Sessions: what a login gives.

use bson::oid::ObjectId;
use serde::{Deserialize, Serialize};

use crate::{
    auth::token,
    clock::Time,
    error::Result,
    secret::Secret,
    store::{Document, Filter, Index, IndexKey, Spec, Store},
};

/// A session as stored: the token itself is nowhere, unless tsuru's server uses the database too.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Session {
    /// Identity.
    #[serde(rename = "_id")]
    pub id: ObjectId,
    /// What is kept of the token.
    pub token: String,
    /// Login.
    pub creation: Time,
    /// Nanoseconds it lives; 0 or less: for ever.
    #[serde(deserialize_with = "crate::store::lenient::int")]
    pub expires: i64,
    /// Whose.
    #[serde(rename = "useremail")]
    pub email: String,
}

impl Document for Session {
    const SPEC: &'static Spec =
        &Spec { name: "tokens", indexes: &[Index { keys: &[IndexKey("token", false)], unique: false, sparse: false }], sealed: &[] };
}

impl Session {
    /// True when its time is over.
    pub fn expired(&self, now: Time) -> bool {
        self.expires > 0 && now.nanos_since(self.creation) > self.expires
    }
}

/// Opens a session that lives `days` and gives its token.
pub async fn open(store: &Store, email: &str, days: i64) -> Result<Secret> {
    open_for(store, email, days * 24 * 3_600_000_000_000).await
}

/// Opens a session that lives so many nanoseconds and gives its token.
pub async fn open_for(store: &Store, email: &str, lifetime: i64) -> Result<Secret> {
    let clear = token::generate();
    keep(store, email, &clear, lifetime).await?;
    Ok(clear)
}

/// Opens a session of this token, which lives so many nanoseconds.
pub async fn keep(store: &Store, email: &str, clear: &Secret, lifetime: i64) -> Result<()> {
    let session = Session {
        id: ObjectId::new(),
        token: token::kept(store, clear.expose()),
        creation: Time::now(),
        expires: lifetime,
        email: email.into(),
    };
    Ok(store.of::<Session>().insert(&session).await?)
}

/// Ends the session of this token, if there is one.
pub async fn close(store: &Store, clear: &str) -> Result<()> {
    store.of::<Session>().delete(Filter::eq("token", token::kept(store, clear))).await?;
    Ok(())
}

/// The session of this token.
pub async fn find(store: &Store, clear: &str) -> Result<Option<Session>> {
    Ok(store.of::<Session>().get(Filter::eq("token", token::kept(store, clear))).await?)
}

/// Ends all sessions of a user.
pub async fn close_all(store: &Store, email: &str) -> Result<()> {
    store.of::<Session>().delete(Filter::eq("useremail", email)).await?;
    Ok(())
}

/// Ends all sessions of a user but that of this token.
pub async fn close_others(store: &Store, email: &str, kept: &str) -> Result<()> {
    let others = Filter::eq("useremail", email).and(Filter::ne("token", token::kept(store, kept)));
    store.of::<Session>().delete(others).await?;
    Ok(())
}

/// Removes sessions that are over.
pub async fn sweep(store: &Store) -> Result<()> {
    let now = Time::now();
    for session in store.of::<Session>().find(Filter::gt("expires", 0)).await? {
        if session.expired(now) {
            store.of::<Session>().delete(Filter::id(session.id)).await?;
        }
    }
    Ok(())
}
