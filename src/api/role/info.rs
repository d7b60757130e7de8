//! `GET /roles`, `GET /roles/{name}`.

use actix_web::HttpResponse;
use serde::Serialize;

use crate::{
    api::{Answer, Call},
    error::{Error, Result},
    permission::{ContextType, Role, scheme},
};

/// A role as clients read it.
#[derive(Serialize)]
pub struct RoleView {
    name: String,
    context: ContextType,
    #[serde(rename = "Description")]
    description: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    scheme_names: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    dynamic_scheme_names: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    events: Vec<String>,
}

impl From<Role> for RoleView {
    fn from(role: Role) -> Self {
        let mut scheme_names = role.scheme_names;
        scheme_names.retain(|name| scheme::find(name).is_some());
        scheme_names.sort();
        Self {
            name: role.name,
            context: role.context_type,
            description: role.description,
            scheme_names,
            dynamic_scheme_names: role.dynamic_scheme_names,
            events: role.events,
        }
    }
}

/// All roles; `null` when there are none.
pub async fn list(call: Call) -> Answer {
    permit(&call)?;
    let roles = call.ctx.store.of::<Role>().all().await?;
    let views: Vec<RoleView> = roles.iter().cloned().map(RoleView::from).collect();
    bare(&(!views.is_empty()).then_some(views))
}

/// One role.
pub async fn info(call: Call) -> Answer {
    permit(&call)?;
    bare(&RoleView::from(Role::load(&call.ctx.store, call.var("name")).await?))
}

/// Whoever may do something with roles may read them.
fn permit(call: &Call) -> Result<()> {
    let caller = call.caller()?;
    let any = ["role.update", "role.update.assign", "role.update.dissociate", "role.create", "role.delete"];
    any.iter().any(|permission| caller.may(permission, &[])).then_some(()).ok_or_else(Error::forbidden)
}

/// JSON without a newline after it, as these routes have it.
fn bare(value: &impl Serialize) -> Answer {
    let body = serde_json::to_vec(value).map_err(Error::internal)?;
    Ok(HttpResponse::Ok().content_type("application/json").body(body))
}
