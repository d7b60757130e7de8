//! `POST /services`

use actix_web::HttpResponse;

use super::{only_team, wish};
use crate::{
    api::{Answer, Call, record::New},
    event::{Target, TargetType},
    permission::Context,
    service,
};

const AMBIGUOUS: &str = "You must provide a team responsible for this service in the manifest file.";

/// Makes a service.
pub async fn create(mut call: Call) -> Answer {
    let mut wish = wish::read(&mut call).await?;
    let team = match wish.owner_teams.first() {
        Some(team) => team.clone(),
        None => only_team(&call, "service.create", AMBIGUOUS)?,
    };
    call.permit("service.create", &[Context::team(&team)])?;
    wish.owner_teams = vec![team];
    let contexts = service::owner_contexts(&wish.owner_teams, &wish.name);
    let new = New { target: Target::new(TargetType::Service, &wish.name), events_permission: "service.read.events", contexts };
    let lock = call.record_new("service.create", new).await?;
    let done = service::create(&call.ctx, &lock, wish).await;
    lock.end(done).await?;
    Ok(HttpResponse::Created().content_type("text/plain; charset=utf-8").body("success"))
}
