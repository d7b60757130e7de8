//! Native login: e-mail and password for a session's token.

use crate::{
    auth::{password, session, throttle::Throttle},
    error::{Error, Result},
    secret::Secret,
    store::{Filter, Store, Update},
    user::User,
};

/// Checks the password and opens a session that lives `days`. Unknown users, wrong passwords and disabled users are told apart neither
/// by answer nor by time.
pub async fn native(store: &Store, throttle: &Throttle, attempt: Attempt, days: i64) -> Result<Secret> {
    let Attempt { email: Some(email), password, address } = attempt else {
        return Err(Error::invalid("you must provide a email to login"));
    };
    if password.is_empty() {
        return Err(Error::invalid("you must provide a password to login"));
    }
    throttle.begin(&email, &address)?;
    let user = store.of::<User>().get(Filter::eq("email", &email)).await?;
    let hash = user.as_ref().filter(|user| !user.disabled && !user.password.is_empty()).map(|user| user.password.clone());
    let known = hash.is_some();
    let hash = hash.unwrap_or_else(|| password::of_nobody(store));
    let matches = password::verify(password.clone(), hash.clone()).await?;
    if !(known && matches) {
        return Err(Error::BadCredentials("Authentication failed, wrong password.".into()));
    }
    throttle.succeeded(&email, &address);
    if password::is_outdated(store, &hash) {
        let unchanged = Filter::eq("email", &email).and(Filter::eq("password", &hash));
        store.of::<User>().update(unchanged, Update::set("password", password::hash(store, password).await?)).await?;
    }
    session::open(store, &email, days).await
}

/// One try to log in.
#[derive(Debug)]
pub struct Attempt {
    /// Who.
    pub email: Option<String>,
    /// With what.
    pub password: Secret,
    /// From where.
    pub address: String,
}
