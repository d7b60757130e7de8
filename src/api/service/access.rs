//! `PUT` and `DELETE /services/{service}/team/{team}`

use crate::{
    api::{Answer, Call, answer},
    error::{Error, Result},
    event::Subject,
    service::{self, Service},
    store::Filter,
    team::Team,
};

/// Lets a team use a service.
pub async fn grant(mut call: Call) -> Answer {
    let service = permitted(&call, "service.update.grant-access").await?;
    let team = call.var("team").to_owned();
    let mut service = call.record("service.update.grant-access", service).await?;
    let done = service::grant(&call.ctx, &mut service, &team).await;
    service.end(done).await?;
    answer::ok()
}

/// Takes it from a team. The last one stays.
pub async fn revoke(mut call: Call) -> Answer {
    let service = permitted(&call, "service.update.revoke-access").await?;
    if service.teams.len() < 2 {
        let text = "You can not revoke the access from this team, because it is the unique team with access to this service, and a \
                    service can not be orphaned";
        return Err(Error::Forbidden(text.into()));
    }
    let team = call.var("team").to_owned();
    let mut service = call.record("service.update.revoke-access", service).await?;
    let done = service::revoke(&call.ctx, &mut service, &team).await;
    service.end(done).await?;
    answer::ok()
}

async fn permitted(call: &Call, permission: &str) -> Result<Service> {
    let service = Service::load(&call.ctx.store, call.var("service")).await?;
    call.permit(permission, &service.contexts())?;
    match call.ctx.store.of::<Team>().count(Filter::id(call.var("team"))).await? {
        0 => Err(Error::invalid("Team not found")),
        _ => Ok(service),
    }
}
