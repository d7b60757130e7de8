//! Makes users.

use crate::{
    auth::{password, session},
    config::Quotas,
    error::{Error, Result},
    names,
    permission::{ContextType, Role, holder, role::RoleInstance},
    quota::Quota,
    secret::Secret,
    store::{Filter, Store, StoreError},
    user::User,
};

/// A role of this event is held by every new user.
pub const EVENT: &str = "user-create";

/// What a user is made of, checked.
pub struct NewUser {
    email: String,
    password: Secret,
}

impl NewUser {
    /// 400 for an e-mail or a password that will not do.
    pub fn new(email: &str, password: Secret) -> Result<Self> {
        names::check_email(email)?;
        password::check_length(&password)?;
        Ok(Self { email: email.into(), password })
    }

    /// Somebody whom a provider signs on: without password.
    pub fn signed_on(email: &str) -> Result<Self> {
        names::check_email(email)?;
        Ok(Self { email: email.into(), password: Secret::default() })
    }
}

/// Makes the user with the roles that every new user gets. Nothing that an earlier user of this e-mail left comes back with it.
pub async fn create(store: &Store, new: NewUser, quotas: Quotas) -> Result<()> {
    let taken = || Error::conflict("this email is already registered");
    if store.of::<User>().count(Filter::eq("email", &new.email)).await? > 0 {
        return Err(taken());
    }
    session::close_all(store, &new.email).await?;
    holder::forget_context(store, ContextType::User, &new.email).await?;
    let quota = quotas.apps_per_user.map_or_else(Quota::unlimited, Quota::limited);
    let hash = if new.password.is_empty() { String::new() } else { password::hash(store, new.password).await? };
    let mut user = User::new(&new.email, hash, quota);
    user.roles = default_roles(store).await?;
    match store.of::<User>().insert(&user).await {
        Err(StoreError::Duplicate(_)) => Err(taken()),
        other => Ok(other?),
    }
}

async fn default_roles(store: &Store) -> Result<Vec<RoleInstance>> {
    let roles = store.of::<Role>().all().await?;
    let given = roles.iter().filter(|role| role.context_type == ContextType::Global && role.is_given_at(EVENT));
    Ok(given.map(|role| RoleInstance { name: role.name.clone(), context_value: String::new() }).collect())
}
