//! `GET /deploys` and one of them.

use bson::oid::ObjectId;

use super::view::DeployData;
use crate::{
    api::{Answer, Call, answer, extract::go::parse_int},
    app::deploy::list::{self, Window},
    error::Error,
    event::log,
};

/// Deploys that the caller may see, newest first.
pub async fn list(call: Call) -> Answer {
    let number = |name: &str| call.query.get(name).and_then(parse_int).unwrap_or_default();
    let window = Window {
        app: call.query.get("app").unwrap_or_default().into(),
        skip: u64::try_from(number("skip")).unwrap_or_default(),
        limit: number("limit"),
    };
    let deploys = list::list(&call.ctx.store, call.caller()?, &window).await?;
    answer::json_list(&deploys.iter().map(DeployData::of).collect::<Vec<_>>())
}

/// One deploy, with its log; also while it runs.
pub async fn info(call: Call) -> Answer {
    let id = call.var("deploy");
    let id = ObjectId::parse_str(id).map_err(|_e| Error::refused(format!("id parameter is not ObjectId: {id}")))?;
    let mut event = list::get(&call.ctx.store, call.caller()?, id).await?;
    if event.running {
        event.log = log::lines(&call.ctx.store, id).await?;
    }
    answer::json(&DeployData::with_log(&event, &event.log))
}
