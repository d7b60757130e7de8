//! `GET /apps`.

use serde::Serialize;

use super::view::{self, MetadataView, RouterView, UnitView};
use crate::{
    api::{Answer, Call, answer, extract::go, plan::view::PlanView},
    app::list::{self, Listed, Wanted},
    provisioner::Unit,
};

#[derive(Serialize)]
struct Resume {
    name: String,
    pool: String,
    teamowner: String,
    plan: PlanView,
    units: Vec<UnitView>,
    cname: Vec<String>,
    ip: String,
    routers: Vec<RouterView>,
    tags: Vec<String>,
    #[serde(skip_serializing_if = "String::is_empty")]
    platform: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    description: String,
    metadata: MetadataView,
}

/// Which fields are told.
#[derive(Clone, Copy)]
struct Detail {
    units: bool,
    extended: bool,
}

/// The apps the caller may see.
pub async fn list(call: Call) -> Answer {
    let flag = |name: &str| call.query.get(name).and_then(go::parse_bool).unwrap_or(false);
    let detail = Detail { units: !flag("simplified"), extended: flag("extended") };
    let wanted = wanted(&call);
    let found = list::list(&call.ctx, call.caller()?, &wanted).await?;
    let body = call.ctx.lists.of(found, call.query_text(), |found| {
        let apps = found.iter().filter(|(_, units)| wanted.in_status(units));
        let routers = |app: &Listed| view::brief_routers(&call.ctx, &app.name, app.deploys, &app.routers, &found.addresses);
        answer::list_bytes(&apps.map(|(app, units)| Resume::of(app, units, routers(app), detail)).collect::<Vec<_>>())
    })?;
    answer::json_bytes(body)
}

fn wanted(call: &Call) -> Wanted {
    let text = |name: &str| call.query.get(name).unwrap_or_default().to_owned();
    let all = |name: &str| call.query.all(name).map(str::to_owned).collect();
    Wanted {
        name: text("name"),
        platform: text("platform"),
        team_owner: text("teamOwner"),
        owner: text("owner"),
        pool: text("pool"),
        statuses: all("status"),
        tags: all("tag"),
    }
}

impl Resume {
    fn of(app: &Listed, units: Vec<Unit>, routers: Vec<RouterView>, detail: Detail) -> Self {
        let app = app.clone();
        let units = if detail.units { view::units(&app.platform, units) } else { Vec::new() };
        let (platform, description, metadata) = match detail.extended {
            true => (app.platform, app.description, app.metadata.into()),
            false => Default::default(),
        };
        Self {
            name: app.name,
            pool: app.pool,
            teamowner: app.team_owner,
            plan: app.plan.into(),
            units,
            cname: app.cname,
            ip: routers.first().map(|router| router.address.clone()).unwrap_or_default(),
            routers,
            tags: app.tags,
            platform,
            description,
            metadata,
        }
    }
}
