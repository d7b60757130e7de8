//! From a token to a caller.

use crate::{
    auth::{Caller, CallerKind, session::Session, team_token::TeamToken},
    clock::Time,
    error::Result,
    permission::{Context, Grant, Grants, Role, role::RoleInstance},
    store::{Filter, Store, Update},
    user::User,
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

/// The caller whose token has this digest: session, then API key, then team token. `None`: nobody.
pub async fn identify(store: &Store, digest: &str) -> Result<Option<Caller>> {
    if let Some(session) = store.of::<Session>().get(Filter::eq("token", digest)).await? {
        if session.expired(Time::now()) {
            return Ok(None);
        }
        let user = store.of::<User>().get(Filter::eq("email", &session.email)).await?;
        return user_caller(store, user).await;
    }
    if let Some(user) = store.of::<User>().get(Filter::eq("apikeyhash", digest)).await? {
        let used = Update::set("apikey_last_access", Time::now()).and_inc("apikey_usage_counter", 1);
        store.of::<User>().note(Filter::id(user.id), used).await?;
        return user_caller(store, Some(user)).await;
    }
    match store.of::<TeamToken>().get(Filter::eq("tokenhash", digest)).await? {
        Some(found) if !found.expired(Time::now()) => {
            store.of::<TeamToken>().note(Filter::id(found.id), Update::set("last_access", Time::now())).await?;
            token_caller(store, found).await.map(Some)
        }
        _ => Ok(None),
    }
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
    grants.0.push(Grant { permission: "user".into(), context: Context::user(&user.email), group: String::new() });
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
