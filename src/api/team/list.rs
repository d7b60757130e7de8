//! `GET /teams`.

use serde::Serialize;

use crate::{
    api::{Answer, Call, answer},
    permission::{Context, ContextType, Grant, Grants, scheme},
    store::{Filter, Find},
    team::Team,
};

/// The order in which clients show permissions of teams; the contract's, not the alphabet's.
const ORDER: [&str; 8] = ["app", "certissuer", "team", "service", "service-instance", "volume", "webhook", "job"];

#[derive(Serialize)]
struct TeamItem {
    name: String,
    permissions: Vec<&'static str>,
    tags: Vec<String>,
}

/// The teams in which the caller may do something, and what.
pub async fn list(call: Call) -> Answer {
    let grants = &call.caller()?.grants;
    let everywhere = permissions(grants, ContextType::Global, "");
    let by_name = Find { sort: Some(("_id", false)), ..Find::default() };
    let teams = call.ctx.store.of::<Team>().current(Filter::All, by_name).await?;
    let items = teams.iter().filter_map(|team| {
        let here = Context::team(&team.name);
        let permissions = match grants.0.iter().any(|grant| grant.context == here) {
            true => permissions(grants, ContextType::Team, &team.name),
            false => everywhere.clone(),
        };
        (!permissions.is_empty()).then(|| TeamItem { name: team.name.clone(), permissions, tags: team.tags.clone() })
    });
    answer::json_list(&items.collect::<Vec<_>>())
}

/// What is held in a team, globally or there; of a permission and its children only the permission.
fn permissions(grants: &Grants, kind: ContextType, team: &str) -> Vec<&'static str> {
    let holds = |grant: &&Grant| grant.context.kind == ContextType::Global || (grant.context.kind == kind && grant.context.value == team);
    let held = Grants(grants.0.iter().filter(holds).cloned().collect());
    let here = [Context::team(team)];
    let mut found: Vec<&'static str> = Vec::new();
    for (name, contexts) in scheme::all() {
        let known = found.iter().any(|parent| scheme::covers(parent, name));
        if contexts.contains(&ContextType::Team) && !known && held.allow(name, &here) {
            found.push(name);
        }
    }
    found.sort_by_key(|name| ORDER.iter().position(|top| scheme::covers(top, name)));
    found
}
