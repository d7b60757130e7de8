//! Native login: e-mail and password for a session's token.

use crate::{
    auth::{password, session, throttle::Throttle},
    error::{Error, Result},
    secret::Secret,
    store::{Filter, Store},
    user::User,
};

/// An argon2id hash of nobody's password: unknown users take as long as known ones.
const NOBODY: &str = "$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHRzb21lc2FsdA$2bDWmbDsWTZ0X8ACS2B1y0zVjF1pLgRkvXHyhYMVYGs";

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
    let matches = password::verify(password, hash.unwrap_or_else(|| NOBODY.into())).await?;
    if !(known && matches) {
        return Err(Error::BadCredentials("Authentication failed, wrong password.".into()));
    }
    throttle.succeeded(&email, &address);
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

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn nobodys_hash_costs_as_much_as_a_real_one() {
        let real = password::hash("some-password".into()).await.unwrap();
        let cost = |hash: &str| hash.split('$').nth(3).map(str::to_owned);
        assert_eq!(cost(NOBODY), cost(&real));
        assert!(argon2::password_hash::phc::PasswordHash::new(NOBODY).is_ok());
    }
}
