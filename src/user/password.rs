//! Changes passwords.

use crate::{
    auth::{password, session, throttle::Throttle},
    error::{Error, Result},
    event::Locked,
    secret::Secret,
    store::{Filter, Store, Update},
    user::User,
};

/// A change of password as it was asked for.
pub struct Change {
    /// The password now.
    pub old: Secret,
    /// The one to be.
    pub new: Secret,
    /// The same again.
    pub confirm: Secret,
    /// The token that asks; its session stays open.
    pub token: String,
    /// Where it comes from.
    pub address: String,
}

/// What is said when the old password is wrong.
pub const WRONG: &str = "the given password didn't match the user's current password";

/// Sets the new password and ends the user's other sessions. Guessing the old one is as slow as at login.
pub async fn change(store: &Store, throttle: &Throttle, user: &Locked<User>, wanted: Change) -> Result<()> {
    wanted.check()?;
    throttle.begin(&user.email, &wanted.address)?;
    if user.password.is_empty() || !password::verify(wanted.old, user.password.clone()).await? {
        return Err(Error::Forbidden(WRONG.into()));
    }
    throttle.succeeded(&user.email, &wanted.address);
    password::check_length(&wanted.new)?;
    let hash = password::hash(store, wanted.new).await?;
    let unchanged = Filter::id(user.id).and(Filter::eq("password", &user.password));
    if store.of::<User>().update(unchanged, Update::set("password", hash)).await?.is_none() {
        return Err(Error::Forbidden(WRONG.into()));
    }
    session::close_others(store, &user.email, &wanted.token).await
}

impl Change {
    fn check(&self) -> Result<()> {
        if self.old.is_empty() || self.new.is_empty() {
            return Err(Error::invalid("Both the old and the new passwords are required."));
        }
        if self.new != self.confirm {
            return Err(Error::invalid("New password and password confirmation didn't match."));
        }
        Ok(())
    }
}
