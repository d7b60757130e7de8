//! Logs that are followed while units come, go and are started again.

use futures_util::StreamExt;
use impaas::provisioner::{LogLine, LogQuery};
use serde_json::json;
use tokio::time::timeout;

use super::{PATIENCE, World, running};

fn query(world: &World) -> LogQuery {
    LogQuery { app: world.name.clone(), lines: 50, follow: true, ..LogQuery::default() }
}

/// Reads on until a line is so.
async fn until(
    lines: &mut (impl futures_util::Stream<Item = LogLine> + Unpin),
    what: &str,
    is_it: impl Fn(&LogLine) -> bool,
) -> Vec<LogLine> {
    let mut all = Vec::new();
    loop {
        let line = timeout(PATIENCE, lines.next()).await.unwrap_or_else(|_| panic!("no {what} in {all:?}"));
        all.push(line.unwrap_or_else(|| panic!("it ended before {what}: {all:?}")));
        if is_it(&all[all.len() - 1]) {
            return all;
        }
    }
}

#[actix_web::test]
async fn a_container_that_is_started_again_is_followed_and_no_line_is_lost_or_told_twice() {
    let Some(world) = World::with_app().await else { return };
    let mut app = running::deployment(&world.name, 1);
    let count = "n=$(cat /data/n 2>/dev/null || echo 0); echo $((n+1)) > /data/n; for i in 1 2 3; do echo life $n line $i; done; \
                 until [ -e /data/end$n ]; do sleep 0.2; done; exit 1";
    let container = &mut app["spec"]["template"]["spec"]["containers"][0];
    container["command"] = json!(["/bin/sh", "-c", count]);
    container["readinessProbe"] = json!(null);
    container["volumeMounts"] = json!([{"name": "data", "mountPath": "/data"}]);
    app["spec"]["template"]["spec"]["volumes"] = json!([{"name": "data", "emptyDir": {}}]);
    world.apply(&[app]);
    world.until("it runs", |info| info["units"][0]["Status"] == "started").await;
    let mut lines = world.provisioner().await.logs(query(&world)).await.unwrap();
    let mut all = until(&mut lines, "first life", |line| line.message == "life 0 line 3").await;
    world.real.kubectl(&["exec", "-n", &world.name, &format!("deployment/{}-web", world.name), "--", "touch", "/data/end0"]);
    all.extend(until(&mut lines, "second life", |line| line.message == "life 1 line 3").await);
    let own: Vec<&str> = all.iter().filter(|line| line.source == "web").map(|line| line.message.as_str()).collect();
    let expected: Vec<String> = [0, 1].iter().flat_map(|life| (1..=3).map(move |i| format!("life {life} line {i}"))).collect();
    assert_eq!(own, expected);
}

#[actix_web::test]
async fn units_that_come_while_the_log_is_followed_are_announced_and_told_whole() {
    let Some(world) = running::serving(1).await else { return };
    let mut lines = world.provisioner().await.logs(query(&world)).await.unwrap();
    let first = until(&mut lines, "the first unit", |line| line.message == "ready to serve").await;
    world.real.kubectl(&["scale", "-n", &world.name, &format!("deployment/{}-web", world.name), "--replicas=2"]);
    let known = first[first.len() - 1].unit.clone();
    let all = until(&mut lines, "the second unit", |line| line.message == "ready to serve" && line.unit != known).await;
    let unit = &all[all.len() - 1].unit;
    let announced = format!("Starting to watch new unit: {unit}");
    assert!(all.iter().any(|line| line.message == announced && line.source == "kubernetes" && line.unit == "apiserver"), "{all:?}");
}

#[actix_web::test]
async fn the_past_of_all_units_is_merged_by_time_and_a_source_selects() {
    let Some(world) = running::serving(2).await else { return };
    let past = async |source: Option<&str>| {
        let query = LogQuery { follow: false, source: source.map(str::to_owned), ..query(&world) };
        world.provisioner().await.logs(query).await.unwrap().collect::<Vec<LogLine>>().await
    };
    let all = past(None).await;
    let mut units: Vec<&str> = all.iter().filter(|line| line.message == "ready to serve").map(|line| line.unit.as_str()).collect();
    units.sort_unstable();
    units.dedup();
    assert_eq!(units.len(), 2, "{all:?}");
    assert!(all.is_sorted_by_key(|line| line.date), "{all:?}");
    assert!(past(Some("worker")).await.is_empty());
}
