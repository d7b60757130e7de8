//! `GET /permissions`, `POST /roles/{name}/permissions`, `DELETE /roles/{name}/permissions/{permission}`.

use serde::Serialize;

use crate::{
    api::{Answer, Call, answer},
    permission::{ContextType, Role, role::change, scheme},
};

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct PermissionView {
    name: &'static str,
    contexts: &'static [ContextType],
}

/// All permissions by name, the root first.
pub async fn list(call: Call) -> Answer {
    call.permit("role.update", &[])?;
    let all: Vec<_> = scheme::all().iter().map(|(name, contexts)| PermissionView { name, contexts }).collect();
    answer::json(&all)
}

/// Gives a role more permissions.
pub async fn add(mut call: Call) -> Answer {
    call.permit("role.update.permission.add", &[])?;
    let names: Vec<String> = call.inputs().await?.all("permission").map(str::to_owned).collect();
    let role = Role::load(&call.ctx.store, call.var("name")).await?;
    let mut role = call.record("role.update.permission.add", role).await?;
    let added = change::add_permissions(&call.ctx.store, &mut role, &names).await;
    role.end(added).await?;
    answer::ok()
}

/// Takes a permission from a role.
pub async fn remove(mut call: Call) -> Answer {
    call.permit("role.update.permission.remove", &[])?;
    let role = Role::load(&call.ctx.store, call.var("name")).await?;
    let mut role = call.record("role.update.permission.remove", role).await?;
    let removed = change::remove_permission(&call.ctx.store, &mut role, call.var("permission")).await;
    role.end(removed).await?;
    answer::ok()
}
