//! Ends sharing a database with tsuru's server, for good: secrets are sealed, tokens are kept as digests, old events lose the secrets
//! that are in them. Every step can be repeated: a run that was cut short is finished by the next. On a database that is sealed already
//! it brings the key of now to what older keys sealed.

use std::{collections::BTreeMap, fmt};

use bson::Bson;

use crate::{
    auth::{
        oauth_token::OauthToken,
        session::{self, Session},
        team_token::TeamToken,
        token,
    },
    clock::Time,
    error::{Error, Result},
    event::{Event, mask},
    store::{
        Document, Filter, Find, Spec, Store, Update,
        shared::{self, Owner},
    },
    user::User,
};

/// tsuru's servers say every 15 s that they are there.
const AWAKE_MILLIS: i64 = 60_000;

static TRACKER: Spec = Spec { name: "tracker", indexes: &[], sealed: &[] };
static PASSWORD_TOKENS: Spec = Spec { name: "password_tokens", indexes: &[], sealed: &[] };

/// What was done.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Done {
    /// Documents whose secrets were sealed, by collection.
    pub sealed: BTreeMap<&'static str, u64>,
    /// Tokens that are found by their digest now.
    pub tokens: u64,
    /// Events that lost secrets.
    pub events: u64,
}

impl fmt::Display for Done {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if *self == Self::default() {
            return f.write_str("Everything was sealed already.");
        }
        for (collection, documents) in &self.sealed {
            writeln!(f, "{collection}: sealed the secrets of {documents} documents")?;
        }
        writeln!(f, "tokens: {} are found by their digest now", self.tokens)?;
        write!(f, "events: hid secrets in {}", self.events)
    }
}

/// Seals everything that this store holds, whose owner is this.
pub async fn seal(store: &Store, owner: &Owner) -> Result<Done> {
    let key = store.sealer().key_id().ok_or_else(|| Error::internal("a store without key cannot be sealed"))?.to_owned();
    let ours = matches!(owner, Owner::Us(_));
    if !ours {
        nobody_else(store).await?;
        shared::begin_leaving(store.backend()).await?;
    }
    let mut done = Done::default();
    for spec in store.specs().into_iter().filter(|spec| !spec.sealed.is_empty()) {
        let documents = store.reseal(spec, !ours).await?;
        if documents > 0 {
            done.sealed.insert(spec.name, documents);
        }
    }
    done.tokens = digests(store).await?;
    done.events = events(store).await?;
    store.backend().delete(&PASSWORD_TOKENS, &Filter::All).await?;
    if !matches!(owner, Owner::Us(None)) {
        shared::end_leaving(store.backend(), &key).await?;
    }
    Ok(done)
}

/// Refuses while a server of tsuru's is awake or something runs: it would write clear text behind our back.
async fn nobody_else(store: &Store) -> Result<()> {
    let now = Time::now().millis();
    for server in store.backend().find(&TRACKER, &Filter::All, &Find::default()).await? {
        let age = now.saturating_sub(server.get_datetime("lastupdate").map_or(i64::MIN, |at| at.timestamp_millis()));
        if age < AWAKE_MILLIS {
            let name = server.get_str("_id").unwrap_or_default();
            return Err(Error::invalid(format!("tsuru's server on {name} was here {} s ago: stop it first", age / 1000)));
        }
    }
    let running = Filter::eq("running", true).and(Filter::gt("lockupdatetime", Time::from_millis(now - AWAKE_MILLIS)));
    match store.of::<Event>().get(running).await? {
        Some(event) => Err(Error::invalid(format!("{} of {} is running: stop every server first", event.kind.name, event.target.value))),
        None => Ok(()),
    }
}

async fn digests(store: &Store) -> Result<u64> {
    let mut changed = 0;
    for user in store.of::<User>().find(Filter::ne("apikey", "")).await? {
        let digest = token::digest(user.api_key.expose());
        if !user.api_key.is_empty() && user.api_key_hash != digest {
            store.of::<User>().update(Filter::id(user.id), Update::set("apikeyhash", digest)).await?;
            changed += 1;
        }
    }
    for team_token in store.of::<TeamToken>().find(Filter::All).await? {
        let digest = token::digest(team_token.token.expose());
        if team_token.token_hash != digest {
            store.of::<TeamToken>().update(Filter::id(team_token.id), Update::set("tokenhash", digest)).await?;
            changed += 1;
        }
    }
    for session in store.of::<Session>().find(Filter::All).await? {
        if !token::is_hidden(&session.token) {
            let unchanged = Filter::id(session.id).and(Filter::eq("token", &session.token));
            store.of::<Session>().update(unchanged, Update::set("token", token::hidden(&session.token))).await?;
            changed += 1;
        }
    }
    changed += provider_sessions(store).await?;
    Ok(changed)
}

/// Sessions of a provider's tokens become ordinary ones.
async fn provider_sessions(store: &Store) -> Result<u64> {
    let mut changed = 0;
    for token in store.of::<OauthToken>().find(Filter::All).await? {
        let clear = &token.token.access;
        if let (Some(left), None) = (token.left(Time::now()), session::find(store, clear.expose()).await?) {
            session::keep(store, &token.email, clear, left).await?;
        }
        store.of::<OauthToken>().delete(Filter::id(token.id)).await?;
        changed += 1;
    }
    Ok(changed)
}

/// Events as they are stored: reading them hides secrets only from the reader.
async fn events(store: &Store) -> Result<u64> {
    let mut changed = 0;
    for event in store.backend().dump(Event::SPEC.name).await? {
        let mut update = Update::default();
        for field in ["startcustomdata", "endcustomdata", "othercustomdata"] {
            let mut value = event.get(field).cloned().unwrap_or(Bson::Null);
            if mask::hide(&mut value) {
                update.set.push((field.into(), value));
            }
        }
        if let (false, Some(id)) = (update.is_empty(), event.get("_id")) {
            store.backend().update_one(Event::SPEC, &Filter::Eq("_id".into(), id.clone()), &update, false).await?;
            changed += 1;
        }
    }
    Ok(changed)
}
