//! The team of something that is made without naming one.

use crate::{
    auth::Caller,
    error::{Error, Result},
    permission::ContextType,
    store::{Filter, Find, Store},
    team::Team,
};

/// The one team in which the caller holds `permission`; when it is held in several or everywhere, the only team that there is. 403 when
/// it is held in none, 400 when there is a choice.
pub async fn choose(store: &Store, caller: &Caller, permission: &str) -> Result<String> {
    let held = caller.grants.names(permission, ContextType::Team);
    match held.as_deref() {
        Some([]) => return Err(Error::forbidden()),
        Some([one]) => return Ok(one.clone()),
        _ => {}
    }
    let two = Find { limit: 2, ..Find::default() };
    let teams = store.of::<Team>().find_with(Filter::All, two).await?;
    match <[Team; 1]>::try_from(teams) {
        Ok([only]) => Ok(only.name),
        Err(_) => Err(Error::invalid("You must provide a team to execute this action.")),
    }
}
