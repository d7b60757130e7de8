//! Removes users.

use crate::{
    auth::session,
    error::Result,
    event::Locked,
    permission::{ContextType, holder},
    store::{Filter, Store},
    user::User,
};

/// Removes the user and all that is theirs: sessions, the API key, what others may do with them. A crash in between leaves a user
/// without sessions, who can be removed again; what a login at the same time makes is worth nothing without the user, and is gone
/// before the e-mail is used again.
pub async fn remove(store: &Store, user: &Locked<User>) -> Result<()> {
    session::close_all(store, &user.email).await?;
    holder::forget_context(store, ContextType::User, &user.email).await?;
    store.of::<User>().delete(Filter::id(user.id)).await?;
    session::close_all(store, &user.email).await
}
