//! `GET /routers`, `GET /plans/routers`.

use std::collections::{BTreeMap, HashSet};

use serde::Serialize;
use serde_json::Value;

use crate::{
    api::{Answer, Call, answer},
    error::Result,
    permission::ContextType,
    pool::{
        Constraint,
        constraint::{Field, Rules},
        info::usable,
        names,
    },
    router::{self, Router},
    store::Store,
};

#[derive(Serialize)]
struct View {
    name: String,
    #[serde(rename = "type")]
    kind: String,
    info: BTreeMap<String, String>,
    config: Option<Value>,
    #[serde(rename = "readinessGates")]
    readiness_gates: Option<Vec<String>>,
    dynamic: bool,
    default: bool,
}

impl View {
    /// `address` is how the router names an app called APP.
    fn of(router: Router, address: &str) -> Self {
        let info = BTreeMap::from([("address".to_owned(), format!("http://{address}"))]);
        Self { name: router.name, kind: router.kind, info, config: None, readiness_gates: None, dynamic: false, default: router.default }
    }
}

/// The routers that a caller's new apps may use.
pub async fn list(call: Call) -> Answer {
    let teams = call.caller()?.grants.names("app.create", ContextType::Team);
    let mut routers = router::all();
    if let Some(teams) = teams {
        let allowed = allowed(&call.ctx.store, &teams).await?;
        routers.retain(|router| allowed.contains(&router.name));
    }
    let address = call.ctx.provisioner.address("APP");
    let views: Vec<View> = routers.into_iter().map(|router| View::of(router, &address)).collect();
    answer::json_list(&views)
}

/// What the pools of these teams may use.
async fn allowed(store: &Store, teams: &[String]) -> Result<HashSet<String>> {
    let constraints = store.of::<Constraint>().all().await?;
    let pools = usable(store, teams).await?;
    Ok(pools.iter().flat_map(|pool| Rules::of(&pool.name, &constraints).allowed(Field::Router, names::routers())).collect())
}
