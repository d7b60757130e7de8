//! A cluster whose API server is not well: nothing is lost, nothing is undone, and who asks is told.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::time::sleep;

use super::{
    World,
    proxy::{Proxy, Weather, looks, writes},
    rollout::{Site, web},
    running::{deployment, serve, started},
};

/// A deploy looks at things in the cluster so often at most, however long its pods take: it watches.
const MOST_LOOKS: usize = 30;

impl Site {
    /// Behind a proxy, in fair weather.
    async fn behind_proxy() -> Option<(Self, Proxy)> {
        let mut world = World::new().await?;
        let proxy = Proxy::start(&world.real).await;
        world.address = proxy.url();
        Some((Self::of(world, &[]).await, proxy))
    }

    /// Deploys two versions, one after the other, each in this weather; `meanwhile` goes on beside it.
    async fn deploys_under<F: Future>(&self, proxy: &Proxy, weather: Weather, meanwhile: impl Fn() -> F) {
        for version in [1, 2] {
            proxy.set(weather);
            let want = self.state(vec![web(version)]);
            let ((done, said), _) = tokio::join!(self.apply(&want), meanwhile());
            done.unwrap_or_else(|e| panic!("version {version}: {e}\n{said}"));
            assert!(!said.contains("ROLLING BACK"), "{said}");
            proxy.set(Weather::Fair);
            let status = &self.get("deployment", &format!("{}-web", self.world.name))["status"];
            assert_eq!((&status["replicas"], &status["readyReplicas"]), (&json!(1), &json!(1)), "{status}");
        }
    }
}

#[actix_web::test]
async fn deploys_end_well_where_every_first_request_is_one_too_many() {
    let Some((site, proxy)) = Site::behind_proxy().await else { return };
    site.deploys_under(&proxy, Weather::FirstRefused(429), async || ()).await;
}

#[actix_web::test]
async fn deploys_end_well_where_every_first_request_fails() {
    let Some((site, proxy)) = Site::behind_proxy().await else { return };
    site.deploys_under(&proxy, Weather::FirstRefused(500), async || ()).await;
}

#[actix_web::test]
async fn deploys_end_well_where_the_answer_to_every_first_change_is_lost() {
    let Some((site, proxy)) = Site::behind_proxy().await else { return };
    site.deploys_under(&proxy, Weather::FirstAnswerLost, async || ()).await;
}

#[actix_web::test]
async fn deploys_end_well_while_watches_are_cut() {
    let Some((site, proxy)) = Site::behind_proxy().await else { return };
    let cut = async || {
        for _ in 0..8 {
            sleep(Duration::from_millis(250)).await;
            proxy.cut();
        }
    };
    site.deploys_under(&proxy, Weather::Fair, cut).await;
}

#[actix_web::test]
async fn deploys_end_well_where_the_cluster_hangs_for_a_while() {
    let Some((site, proxy)) = Site::behind_proxy().await else { return };
    let hang = async || {
        for weather in [Weather::Hangs, Weather::Fair] {
            sleep(Duration::from_millis(700)).await;
            proxy.set(weather);
        }
    };
    site.deploys_under(&proxy, Weather::Fair, hang).await;
}

#[actix_web::test]
async fn deploys_end_well_where_the_cluster_is_away_for_a_while() {
    let Some((site, proxy)) = Site::behind_proxy().await else { return };
    let seconds = std::env::var("IMPAAS_CLUSTER_AWAY").ok().and_then(|text| text.parse().ok()).unwrap_or(3);
    let away = async || {
        sleep(Duration::from_millis(500)).await;
        proxy.set(Weather::Away);
        sleep(Duration::from_secs(seconds)).await;
        proxy.set(Weather::Fair);
    };
    site.deploys_under(&proxy, Weather::Fair, away).await;
}

#[actix_web::test]
async fn a_deploy_makes_at_most_fifteen_writes_and_few_looks() {
    let Some((site, proxy)) = Site::behind_proxy().await else { return };
    for version in [1, 2] {
        drop((proxy.take_asked(), proxy.take_longest_pause()));
        let begun = Instant::now();
        site.applied(&site.state(vec![web(version)])).await;
        // The longest pause is that in which pods start: images are there, and nothing is built.
        let own = begun.elapsed().saturating_sub(proxy.take_longest_pause());
        let asked = proxy.take_asked();
        let (writes, looks) = (writes(&asked), looks(&asked));
        let (counts, millis) = (format!("{} writes, {} reads", writes.len(), looks.len()), own.as_millis());
        crate::store::say(&format!("Kubernetes: deploy {version}: {counts}, {millis} ms besides the start of its pods"));
        assert!(writes.len() <= 15, "deploy {version}: {writes:#?}");
        assert!(looks.len() <= MOST_LOOKS, "deploy {version}: {looks:#?}");
    }
}

#[actix_web::test]
async fn the_same_state_again_writes_nothing() {
    let Some((site, proxy)) = Site::behind_proxy().await else { return };
    site.applied(&site.state(vec![web(1)])).await;
    proxy.take_asked();
    site.applied(&site.state(vec![web(1)])).await;
    let asked = proxy.take_asked();
    assert!(writes(&asked).is_empty(), "{asked:#?}");
}

/// An app that runs, seen through a proxy.
async fn seen_through_proxy() -> Option<(World, Proxy)> {
    let mut world = World::new().await?;
    let proxy = Proxy::start(&world.real).await;
    world.address = proxy.url();
    world.enter("real", world.by_token()).await;
    world.make_app().await;
    serve(&world, 2).await;
    Some((world, proxy))
}

#[actix_web::test]
async fn lists_and_infos_of_apps_ask_the_cluster_nothing() {
    let Some((world, proxy)) = seen_through_proxy().await else { return };
    let admin = world.server.admin().await;
    proxy.take_asked();
    let list = admin.get("/1.0/apps").send().await.ok(200).json();
    assert_eq!((started(&world.info(&admin).await), started(&list[0])), (2, 2), "{list}");
    // Watches that come to their end begin anew.
    let asked = proxy.take_asked();
    assert!(looks(&asked).is_empty() && writes(&asked).is_empty(), "{asked:?}");
}

#[actix_web::test]
async fn units_stay_in_view_while_the_cluster_is_away_and_move_on_when_it_is_back() {
    let Some((world, proxy)) = seen_through_proxy().await else { return };
    proxy.set(Weather::Away);
    let info = world.until("the app says that its cluster is away", |info| !info["error"].is_null()).await;
    assert_eq!(started(&info), 2, "{info}");
    world.apply(&[deployment(&world.name, 3)]);
    proxy.set(Weather::Fair);
    world.until("a third unit is seen", |info| started(info) == 3 && info["error"].is_null()).await;
}

#[actix_web::test]
async fn a_unit_is_killed_once_though_the_first_answer_is_lost() {
    let Some((world, proxy)) = seen_through_proxy().await else { return };
    let admin = world.server.admin().await;
    for weather in [Weather::FirstAnswerLost, Weather::FirstRefused(500), Weather::FirstRefused(429)] {
        let of = |info: &Value| info["units"].as_array().unwrap().iter().map(|unit| unit["ID"].as_str().unwrap().to_owned()).collect();
        let before: Vec<String> = of(&world.info(&admin).await);
        proxy.set(weather);
        admin.delete(&format!("/1.12/apps/{}/units/{}?force=true", world.name, before[0])).send().await.ok(200);
        proxy.set(Weather::Fair);
        let after = world.until("another runs in its place", |info| started(info) == 2 && !of(info).contains(&before[0])).await;
        assert!(of(&after).contains(&before[1]), "{weather:?}: {after}");
    }
}
