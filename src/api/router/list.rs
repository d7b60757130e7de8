//! `GET /routers`, `GET /plans/routers`.

use std::collections::{BTreeMap, HashSet};

use futures_util::future::join_all;
use serde::Serialize;
use serde_json::Value;

use crate::{
    api::{Answer, Call, answer},
    context::Context,
    error::Result,
    permission::ContextType,
    pool::{
        Constraint, Pool,
        constraint::{Field, Rules},
        info::usable,
    },
    router::{self, Router, Way, ingress},
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

/// The routers that a caller's new apps may use; how they are spoken to only for those who may make routers.
pub async fn list(call: Call) -> Answer {
    let teams = call.caller()?.grants.names("app.create", ContextType::Team);
    let mut routers = router::all(&call.ctx).await?;
    if let Some(teams) = teams {
        let allowed = allowed(&call.ctx, &teams).await?;
        routers.retain(|router| allowed.contains(&router.name));
    }
    let creator = call.permit("router.create", &[]).is_ok();
    let views = routers.into_iter().map(|router| view(&call.ctx, router, creator));
    answer::json_list(&join_all(views).await)
}

async fn view(ctx: &Context, router: Router, creator: bool) -> View {
    let info = info(ctx, &router).await.unwrap_or_else(|e| BTreeMap::from([("error".to_owned(), e.to_string())]));
    View {
        name: router.name,
        kind: router.kind,
        info,
        config: router.config.filter(|_| creator).map(Value::Object),
        readiness_gates: Some(router.readiness_gates).filter(|gates| !gates.is_empty()),
        dynamic: router.dynamic,
        default: router.default,
    }
}

async fn info(ctx: &Context, router: &Router) -> Result<BTreeMap<String, String>> {
    match router.way(ctx)? {
        Way::Local => Ok(BTreeMap::from([("address".to_owned(), format!("http://{}", ctx.provisioners.local().address("APP")))])),
        Way::Api(api) => api.info().await,
        Way::Ingress(edge) => Ok(ingress::info(&edge)),
    }
}

/// What the pools of these teams may use.
async fn allowed(ctx: &Context, teams: &[String]) -> Result<HashSet<String>> {
    let (store, known) = (&ctx.store, router::all(ctx).await?);
    let constraints = store.of::<Constraint>().all().await?;
    let pools = usable(store, teams).await?;
    let of = |pool: &Pool| Rules::of(&pool.name, &constraints).allowed(Field::Router, router::names_of(ctx, pool, &known));
    Ok(pools.iter().flat_map(of).collect())
}
