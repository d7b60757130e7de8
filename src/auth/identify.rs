//! From a token to a caller.

use crate::{
    auth::{
        Caller, CallerKind, jwt, oauth_token, oidc, session,
        team_token::{self, TeamToken},
        token,
    },
    clock::Time,
    context::Context,
    error::{Error, Result},
    permission::{self, Grant, Grants, Role, role::RoleInstance},
    secret::Secret,
    store::{Filter, Store, Update},
    user::{User, api_key},
};
use serde::{Deserialize, Serialize};

use crate::store::{Document, Index, IndexKey, Spec};

/// Roles of a sign-on provider's group.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Group {
    /// Its name.
    pub name: String,
    /// Its roles.
    #[serde(default, deserialize_with = "crate::store::lenient::or_default")]
    pub roles: Vec<RoleInstance>,
}

impl Document for Group {
    const SPEC: &'static Spec =
        &Spec { name: "auth_groups", indexes: &[Index { keys: &[IndexKey("name", false)], unique: true, sparse: false }], sealed: &[] };
}

/// The caller who shows this token: session, a provider's token, API key, team token, peer token. `None`: nobody.
pub async fn identify(ctx: &Context, clear: &str) -> Result<Option<Caller>> {
    let store = &ctx.store;
    if clear.is_empty() {
        return Ok(None);
    }
    if let Some(session) = session::find(store, clear).await? {
        if session.expired(Time::now()) {
            return Ok(None);
        }
        let user = store.of::<User>().get(Filter::eq("email", &session.email)).await?;
        return user_caller(store, user).await;
    }
    if let Some(email) = oauth_token::email(store, clear).await? {
        let user = store.of::<User>().get(Filter::eq("email", email)).await?;
        return user_caller(store, user).await;
    }
    if let Some(user) = signed_on(ctx, clear).await? {
        return user_caller(store, Some(user)).await;
    }
    if let Some(user) = store.of::<User>().get(api_key::found_by(store, clear)).await? {
        let used = Update::set("apikey_last_access", Time::now()).and_inc("apikey_usage_counter", 1);
        store.of::<User>().note(Filter::id(user.id), used).await?;
        return user_caller(store, Some(user)).await;
    }
    match store.of::<TeamToken>().get(team_token::found_by(store, clear)).await? {
        Some(found) if !found.expired(Time::now()) => {
            store.of::<TeamToken>().note(Filter::id(found.id), Update::set("last_access", Time::now())).await?;
            token_caller(store, found).await.map(Some)
        }
        Some(_) => Ok(None),
        None => Ok(peer(ctx.config.auth.peer_token.as_ref(), &token::digest(clear))),
    }
}

/// The user whose provider's token this is. Who may not come in is nobody; a provider that is away is no answer.
async fn signed_on(ctx: &Context, clear: &str) -> Result<Option<User>> {
    let Some(settings) = ctx.config.auth.oidc().filter(|_| jwt::looks_like(clear)) else { return Ok(None) };
    match oidc::identify(ctx, settings, clear).await {
        Err(e @ (Error::Forbidden(_) | Error::BadCredentials(_) | Error::NotFound(_) | Error::Invalid(_))) => {
            tracing::info!(error = %e, "somebody with a token of the provider may not come in");
            Ok(None)
        }
        known => known,
    }
}

/// Digests are compared: how long that takes says nothing of the token.
fn peer(token: Option<&Secret>, digest: &str) -> Option<Caller> {
    let known = token.is_some_and(|token| token::digest(token.expose()) == digest);
    let grant = |permission: &str| Grant { permission: permission.into(), context: permission::Context::global(), group: String::new() };
    known.then(|| Caller {
        kind: CallerKind::Peer,
        email: "peer".into(),
        name: "peer".into(),
        roles: Vec::new(),
        groups: Vec::new(),
        grants: Grants(["app.read.log", "job.read.logs"].map(grant).into()),
    })
}

async fn user_caller(store: &Store, user: Option<User>) -> Result<Option<Caller>> {
    match user {
        Some(user) if !user.disabled => of_user(store, user).await.map(Some),
        _ => Ok(None),
    }
}

/// The caller that this user is.
pub async fn of_user(store: &Store, user: User) -> Result<Caller> {
    let roles = store.of::<Role>().find(Filter::All).await?;
    let mut grants = Grants::of_roles(&user.roles, "", &roles);
    for group in groups(store, &user.groups).await? {
        grants.0.extend(Grants::of_roles(&group.roles, &group.name, &roles).0);
    }
    grants.0.push(Grant { permission: "user".into(), context: permission::Context::user(&user.email), group: String::new() });
    Ok(Caller { kind: CallerKind::User, name: user.email.clone(), email: user.email, roles: user.roles, groups: user.groups, grants })
}

async fn groups(store: &Store, names: &[String]) -> Result<Vec<Group>> {
    if names.is_empty() {
        return Ok(Vec::new());
    }
    Ok(store.of::<Group>().find(Filter::any_of("name", names)).await?)
}

async fn token_caller(store: &Store, found: TeamToken) -> Result<Caller> {
    let roles = store.of::<Role>().find(Filter::All).await?;
    Ok(Caller {
        kind: CallerKind::Token,
        email: found.virtual_email(),
        grants: Grants::of_roles(&found.roles, "", &roles),
        name: found.token_id,
        roles: found.roles,
        groups: Vec::new(),
    })
}
