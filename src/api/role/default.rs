//! `GET /role/default`, `POST /role/default`, `DELETE /role/default`.

use super::info::RoleView;
use crate::{
    api::{Answer, Call, answer},
    error::{Error, Result},
    permission::{
        Role,
        role::change::{GRANTING, add_events, check_event, remove_events},
    },
};

/// The roles that events grant; `null` when there are none.
pub async fn list(call: Call) -> Answer {
    let caller = call.caller()?;
    if !caller.may("role.default.create", &[]) && !caller.may("role.default.delete", &[]) {
        return Err(Error::forbidden());
    }
    let roles = call.ctx.store.of::<Role>().all().await?;
    let views: Vec<RoleView> = roles.iter().filter(|role| !role.events.is_empty()).cloned().map(RoleView::from).collect();
    answer::json(&(!views.is_empty()).then_some(views))
}

/// Roles that events grant from now on: all are checked before the first is changed.
pub async fn add(mut call: Call) -> Answer {
    call.permit("role.default.create", &[])?;
    let wanted = wanted(&mut call).await?;
    for (role, events) in &wanted {
        events.iter().try_for_each(|event| check_event(event, role.context_type))?;
    }
    for (role, events) in wanted {
        let mut role = call.record("role.default.create", role).await?;
        let added = add_events(&call.ctx.store, &mut role, &events).await;
        role.end(added).await?;
    }
    answer::ok()
}

/// Roles that events grant no longer.
pub async fn remove(mut call: Call) -> Answer {
    call.permit("role.default.delete", &[])?;
    for (role, events) in wanted(&mut call).await? {
        let mut role = call.record("role.default.delete", role).await?;
        let removed = remove_events(&call.ctx.store, &mut role, &events).await;
        role.end(removed).await?;
    }
    answer::ok()
}

/// Each role that was named, with the events it was named for.
async fn wanted(call: &mut Call) -> Result<Vec<(Role, Vec<&'static str>)>> {
    let inputs = call.inputs().await?;
    let mut found: Vec<(Role, Vec<&'static str>)> = Vec::new();
    for event in GRANTING {
        for name in inputs.all(event) {
            match found.iter_mut().find(|(role, _)| role.name == name) {
                Some((_, events)) => events.push(event),
                None => found.push((load(call, name).await?, vec![event])),
            }
        }
    }
    Ok(found)
}

async fn load(call: &Call, name: &str) -> Result<Role> {
    match Role::load(&call.ctx.store, name).await {
        Err(Error::NotFound(text)) => Err(Error::Invalid(text)),
        loaded => loaded,
    }
}
