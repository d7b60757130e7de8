//! `GET /events/webhooks`, `GET /events/webhooks/{name}`.

use super::view::View;
use crate::{
    api::{Answer, Call, answer},
    event::Subject,
    permission::ContextType,
    store::{Filter, Find},
    webhook::Webhook,
};

/// The webhooks of the teams that the caller may read webhooks of.
pub async fn list(call: Call) -> Answer {
    let of_teams = match call.caller()?.grants.names("webhook.read", ContextType::Team) {
        None => Filter::All,
        Some(teams) => Filter::any_of("teamowner", teams),
    };
    let by_name = Find { sort: Some(("name", false)), ..Find::default() };
    let hooks = call.ctx.store.of::<Webhook>().find_with(of_teams, by_name).await?;
    answer::json_list(&hooks.into_iter().map(View::from).collect::<Vec<_>>())
}

/// One webhook.
pub async fn info(call: Call) -> Answer {
    let hook = Webhook::load(&call.ctx.store, call.var("name")).await?;
    call.permit("webhook.read", &hook.contexts())?;
    answer::json(&View::from(hook))
}
