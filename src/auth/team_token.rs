//! Team tokens: credentials of a team for machines, with roles of their own.

use bson::oid::ObjectId;
use serde::{Deserialize, Serialize};

use crate::{
    app::App,
    auth::token,
    clock::Time,
    error::{Error, OrNotFound, Result},
    event::{Locked, Subject, Target, TargetType},
    names,
    permission::{Context, role::RoleInstance},
    secret::{Secret, stored},
    store::{Document, Filter, Index, IndexKey, Spec, Store, StoreError, Update},
    team::{self, Team},
};

/// A team token as stored: found by its digest, shown again from its sealed form.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct TeamToken {
    /// Identity.
    #[serde(rename = "_id")]
    pub id: ObjectId,
    /// The token, sealed.
    #[serde(serialize_with = "stored")]
    pub token: Secret,
    /// What it is found by.
    #[serde(default, rename = "tokenhash", skip_serializing_if = "String::is_empty")]
    pub token_hash: String,
    /// Its public name.
    pub token_id: String,
    /// Free text.
    #[serde(default)]
    pub description: String,
    /// Creation.
    pub created_at: Time,
    /// End; zero: never.
    #[serde(default, skip_serializing_if = "Time::is_zero")]
    pub expires_at: Time,
    /// Last use.
    #[serde(default, skip_serializing_if = "Time::is_zero")]
    pub last_access: Time,
    /// Who made it.
    #[serde(default)]
    pub creator_email: String,
    /// Whose it is.
    pub team: String,
    /// Its roles.
    #[serde(default, deserialize_with = "crate::store::lenient::or_default")]
    pub roles: Vec<RoleInstance>,
}

impl Document for TeamToken {
    const SPEC: &'static Spec = &Spec {
        name: "team_tokens",
        indexes: &[
            Index { keys: &[IndexKey("token", false)], unique: true, sparse: false },
            Index { keys: &[IndexKey("token_id", false)], unique: true, sparse: false },
            Index { keys: &[IndexKey("tokenhash", false)], unique: true, sparse: true },
        ],
        sealed: &["token"],
    };
    const OURS: &'static [&'static str] = &["tokenhash"];
}

/// Finds the token: by its digest, or by itself where tsuru's server shall find it too.
pub fn found_by(store: &Store, clear: &str) -> Filter {
    if store.is_shared() { Filter::eq("token", clear) } else { Filter::eq("tokenhash", token::digest(clear)) }
}

impl TeamToken {
    /// The e-mail that stands for the token where a user's is wanted.
    pub fn virtual_email(&self) -> String {
        format!("{}@tsuru-team-token", self.token_id)
    }

    /// True when its time is over.
    pub fn expired(&self, now: Time) -> bool {
        !self.expires_at.is_zero() && self.expires_at <= now
    }
}

impl TeamToken {
    /// The token of this id; 404 with tsuru's text.
    pub async fn load(store: &Store, id: &str) -> Result<Self> {
        store.of::<Self>().get(Filter::eq("token_id", id)).await?.or_not_found("team token not found")
    }
}

impl Subject for TeamToken {
    fn target(&self) -> Target {
        Target::new(TargetType::Team, &self.team)
    }

    fn contexts(&self) -> Vec<Context> {
        vec![Context::team(&self.team)]
    }

    fn events_permission(&self) -> &'static str {
        team::EVENTS
    }

    async fn reload(&self, store: &Store) -> Result<Self> {
        Self::load(store, &self.token_id).await
    }
}

/// What a token is made of.
pub struct NewToken {
    /// Its id; empty: made from the team's name and the token.
    pub id: String,
    /// Free text.
    pub description: String,
    /// Seconds until it ends; 0: never.
    pub expires_in: i64,
    /// Whose it is.
    pub team: String,
    /// E-mail of who makes it.
    pub creator: String,
}

/// Makes a token. The refusals are tsuru's, with its status 500.
pub async fn create(store: &Store, new: NewToken) -> Result<TeamToken> {
    if store.of::<Team>().count(Filter::id(&new.team)).await? == 0 {
        return Err(Error::refused("team not found"));
    }
    let made = new.make();
    if !names::is_common(&made.token_id) {
        return Err(Error::refused("invalid token_id"));
    }
    match store.of::<TeamToken>().insert(&made).await {
        Err(StoreError::Duplicate(_)) => Err(Error::refused("team token already exists")),
        other => Ok(other.map(|()| made)?),
    }
}

impl NewToken {
    fn make(self) -> TeamToken {
        let (token, now) = (token::generate(), Time::now());
        let id = if self.id.is_empty() { format!("{}-{}", self.team, token.expose().get(..5).unwrap_or_default()) } else { self.id };
        TeamToken {
            id: ObjectId::new(),
            token_hash: token::digest(token.expose()),
            token,
            token_id: id,
            description: self.description,
            created_at: now,
            expires_at: if self.expires_in == 0 { Time::zero() } else { after(now, self.expires_in) },
            last_access: Time::zero(),
            creator_email: self.creator,
            team: self.team,
            roles: Vec::new(),
        }
    }
}

/// What shall change about a token.
pub struct Change {
    /// A new token; the old one works no longer.
    pub regenerate: bool,
    /// The new text; empty: as it is.
    pub description: String,
    /// Seconds until it ends; 0: as it is; less: never.
    pub expires_in: i64,
}

/// Changes the token.
pub async fn change(store: &Store, token: &Locked<TeamToken>, wanted: Change) -> Result<TeamToken> {
    let mut update = match wanted.expires_in {
        0 => Update::default(),
        1.. => Update::set("expires_at", after(Time::now(), wanted.expires_in)),
        _ => Update::unset("expires_at"),
    };
    if !wanted.description.is_empty() {
        update = update.and_set("description", wanted.description);
    }
    if wanted.regenerate {
        let fresh = token::generate();
        update = update.and_set("token", fresh.expose()).and_set("tokenhash", token::digest(fresh.expose()));
    }
    if update.is_empty() {
        return Ok(TeamToken::clone(token));
    }
    store.of::<TeamToken>().update(Filter::id(token.id), update).await?.or_not_found("team token not found")
}

/// Removes the token, unless apps are its.
pub async fn remove(store: &Store, token: &Locked<TeamToken>) -> Result<()> {
    if store.of::<App>().count(Filter::eq("owner", token.virtual_email())).await? > 0 {
        return Err(Error::refused("cannot remove team token who owns apps"));
    }
    store.of::<TeamToken>().delete(Filter::id(token.id)).await?;
    Ok(())
}

fn after(start: Time, seconds: i64) -> Time {
    // As far as times can be told; nobody waits longer.
    const LAST: i64 = 253_402_300_799_000;
    Time::from_millis(start.millis().saturating_add(seconds.saturating_mul(1000)).clamp(1, LAST))
}
