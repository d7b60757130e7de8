//! The pool of a new app.

use super::{
    Constraint, Pool,
    constraint::{Field, Rules, check_team},
};
use crate::{
    error::{Error, Result},
    store::Store,
};

const NO_POOL: &str = "Pool does not exist.";

/// The pool of a new app or job of this team: the one asked for, else the only one given to the team by name, else the default one.
pub async fn choose(store: &Store, team: &str, asked: Option<&str>) -> Result<Pool> {
    let pool = match asked.filter(|name| !name.is_empty()) {
        Some(name) => store.of::<Pool>().all().await?.iter().find(|pool| pool.name == name).cloned(),
        None => own(store, team).await?,
    };
    let pool = pool.ok_or_else(|| Error::refused(NO_POOL))?;
    check_team(store, &pool, team).await?;
    Ok(pool)
}

async fn own(store: &Store, team: &str) -> Result<Option<Pool>> {
    let (pools, constraints) = (store.of::<Pool>().all().await?, store.of::<Constraint>().all().await?);
    let given = |value: &str| -> Vec<&Pool> { pools.iter().filter(|pool| is_given(pool, &constraints, value)).collect() };
    match given(team).as_slice() {
        [] => Ok(pools.iter().find(|pool| pool.default).cloned()),
        [one] => Ok(Some((*one).clone())),
        several => {
            let mut names: Vec<String> = several.iter().copied().chain(given("*")).map(|pool| format!("{:?}", pool.name)).collect();
            names.dedup();
            Err(Error::refused(format!("you have access to {} pools. Please choose one in app creation", names.join(","))))
        }
    }
}

/// True when a team constraint of the pool names this very value.
fn is_given(pool: &Pool, constraints: &[Constraint], value: &str) -> bool {
    Rules::of(&pool.name, constraints).on(Field::Team).is_some_and(|constraint| constraint.allows_by_name(value))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use bson::oid::ObjectId;

    use super::*;
    use crate::{
        config::{Config, File, Overrides},
        context::Context,
        plan::{self, StoredPlan},
        pool::info::Known,
        provisioner::absent::Absent,
        quota::Quota,
        router,
        store::{Sealer, sqlite::Sqlite},
        team::Team,
    };

    /// Pools: `open` (public, default), `ours` and `theirs` (constrained by name); teams: `us`, `them`, `all` (in both).
    async fn filled() -> Store {
        let store = Store::new(Arc::new(Sqlite::in_memory().unwrap()), Sealer::clear());
        for (name, teams) in [("open", &["*"][..]), ("ours", &["us", "all"]), ("theirs", &["them", "all"])] {
            let pool = Pool { name: name.into(), default: name == "open", provisioner: "local".into(), labels: Default::default() };
            store.of::<Pool>().insert(&pool).await.unwrap();
            limit(&store, name, "team", teams).await;
        }
        for name in ["us", "them", "all", "none"] {
            let team =
                Team { name: name.into(), creating_user: String::new(), tags: vec![], quota: Quota::unlimited(), renamed_from: None };
            store.of::<Team>().insert(&team).await.unwrap();
        }
        for (name, default) in [("big", false), ("small", true)] {
            let plan = StoredPlan { name: name.into(), memory: 0, cpu_milli: 0, cpu_burst: None, runtime_class: String::new(), default };
            store.of::<StoredPlan>().insert(&plan).await.unwrap();
        }
        store
    }

    async fn limit(store: &Store, pool: &str, field: &str, values: &[&str]) {
        let values = values.iter().map(ToString::to_string).collect();
        let constraint = Constraint { id: ObjectId::new(), pool_expr: pool.into(), field: field.into(), values, blacklist: false };
        store.of::<Constraint>().insert(&constraint).await.unwrap();
    }

    async fn chosen(store: &Store, team: &str, asked: Option<&str>) -> Result<String, String> {
        choose(store, team, asked).await.map(|pool| pool.name).map_err(|e| e.to_string())
    }

    #[tokio::test]
    async fn without_a_wish_a_team_gets_its_only_pool_or_the_default_one() {
        let store = filled().await;
        assert_eq!(chosen(&store, "us", None).await, Ok("ours".into()));
        assert_eq!(chosen(&store, "none", Some("")).await, Ok("open".into()));
        let text = r#"you have access to "ours","theirs","open" pools. Please choose one in app creation"#;
        assert_eq!(chosen(&store, "all", None).await, Err(text.into()));
    }

    #[tokio::test]
    async fn a_pool_is_given_only_to_teams_that_may_use_it() {
        let store = filled().await;
        assert_eq!(chosen(&store, "us", Some("open")).await, Ok("open".into()));
        assert_eq!(chosen(&store, "us", Some("theirs")).await, Err(r#"App team owner "us" has no access to pool "theirs""#.into()));
        assert_eq!(chosen(&store, "ghosts", Some("open")).await, Err("team not found".into()));
        assert_eq!(chosen(&store, "us", Some("moon")).await, Err("Pool does not exist.".into()));
    }

    #[tokio::test]
    async fn the_plan_is_the_asked_one_or_the_pools_first_or_the_default_one() {
        let store = filled().await;
        let pool = Pool::load(&store, "open").await.unwrap();
        assert_eq!(plan::choose(&store, &pool, Some("big")).await.unwrap().name, "big");
        assert_eq!(plan::choose(&store, &pool, None).await.unwrap().name, "small");
        assert_eq!(plan::choose(&store, &pool, Some("huge")).await.unwrap_err().to_string(), "plan not found");
        limit(&store, "o*", "plan", &["big"]).await;
        assert_eq!(plan::choose(&store, &pool, None).await.unwrap().name, "big");
        let refused = plan::choose(&store, &pool, Some("small")).await.unwrap_err();
        assert_eq!(refused.to_string(), r#"App plan "small" is not allowed on pool "open""#);
    }

    #[tokio::test]
    async fn the_router_is_checked_against_the_pool() {
        let store = filled().await;
        let pool = Pool::load(&store, "open").await.unwrap();
        let config = Config::load(&File::default(), Overrides::default()).unwrap();
        let ctx = Context::new(config, store.clone(), Arc::new(Absent), tokio::runtime::Handle::current());
        assert_eq!(router::choose(&ctx, &pool, None).await.unwrap().as_deref(), Some("local"));
        assert_eq!(router::choose(&ctx, &pool, Some("none")).await.unwrap(), None);
        assert_eq!(router::choose(&ctx, &pool, Some("x")).await.unwrap_err().to_string(), r#"router "x" not found"#);
        limit(&store, "open", "router", &["other"]).await;
        assert_eq!(router::choose(&ctx, &pool, Some("local")).await.unwrap_err().to_string(), "no router found for pool");
    }

    #[tokio::test]
    async fn a_pool_of_a_cluster_has_no_router_that_leads_to_this_machine_only() {
        let ctx = Context::new(
            Config::load(&File::default(), Overrides::default()).unwrap(),
            filled().await,
            Arc::new(Absent),
            tokio::runtime::Handle::current(),
        );
        let mut pool = Pool::load(&ctx.store, "open").await.unwrap();
        let known = Known::load(&ctx, Vec::new()).await.unwrap();
        assert_eq!(known.info(pool.clone()).routers, ["local"]);
        pool.provisioner = "kubernetes".into();
        assert_eq!(known.info(pool).routers, [""; 0]);
    }
}
