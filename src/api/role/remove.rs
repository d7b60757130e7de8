//! `DELETE /roles/{name}`.

use crate::{
    api::{Answer, Call, answer},
    permission::{Role, role},
};

/// Removes a role that no user holds.
pub async fn remove(mut call: Call) -> Answer {
    call.permit("role.delete", &[])?;
    let role = Role::load(&call.ctx.store, call.var("name")).await?;
    let role = call.record("role.delete", role).await?;
    let removed = role::remove::remove(&call.ctx.store, &role).await;
    role.end(removed).await?;
    answer::ok()
}
