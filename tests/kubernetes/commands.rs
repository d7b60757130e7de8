//! Commands in units and beside them.

use std::time::{Duration, Instant};

use serde_json::Value;

use super::{World, running};
use crate::api::harness::Reply;

async fn run(world: &World, command: &str, isolated: bool) -> Reply {
    let isolated = if isolated { "true" } else { "false" };
    let admin = world.server.admin().await;
    admin.post(&format!("/1.0/apps/{}/run", world.name)).form(&[("command", command), ("isolated", isolated)]).send().await
}

/// What a command printed, and how it failed.
fn said(reply: &Reply) -> (String, String) {
    // What fails before it says anything is a plain answer.
    if reply.status != 200 {
        return (String::new(), reply.text.clone());
    }
    let lines: Vec<Value> = reply.text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let all = |key: &str| lines.iter().filter_map(|line| line[key].as_str()).collect();
    (all("Message"), all("Error"))
}

/// Pods of commands that are still there.
fn left(world: &World) -> String {
    world.real.kubectl(&["get", "pods", "-n", &world.name, "-l", "tsuru.io/is-isolated-run=true", "-o", "name"])
}

#[actix_web::test]
async fn a_command_beside_the_units_says_all_it_says_and_its_exit_code_and_leaves_nothing() {
    let Some(world) = World::with_app().await else { return };
    world.deployed(&running::deployed_image()).await;
    let command = "echo begun; echo wrong >&2; sleep 1; seq 1000; echo app $TSURU_APPNAME; exit 3";
    let (first, second) = futures_util::future::join(run(&world, command, true), run(&world, "echo another", true)).await;
    let (text, error) = said(&first);
    let numbers = (1..=1000).map(|n| n.to_string());
    let expected: Vec<String> = ["begun".to_owned()].into_iter().chain(numbers).chain([format!("app {}", world.name)]).collect();
    assert!(text.contains("wrong\n"), "{text}");
    assert_eq!(text.lines().filter(|line| *line != "wrong").collect::<Vec<_>>(), expected);
    assert_eq!(error.trim(), "command terminated with exit code 3");
    assert_eq!(said(&second), ("another\n".into(), String::new()));
    assert_eq!(left(&world), "");
}

#[actix_web::test]
async fn an_image_that_is_missing_is_told_at_once() {
    let Some(world) = World::with_app().await else { return };
    world.deployed("127.0.0.1:5000/nobody/has:v1").await;
    let begun = Instant::now();
    let error = said(&run(&world, "true", true).await).1;
    assert!(error.contains("the pod cannot be started: ImagePullBackOff: ") && error.contains("nobody/has:v1"), "{error}");
    assert!(begun.elapsed() < Duration::from_secs(60));
    assert_eq!(left(&world), "");
}

#[actix_web::test]
async fn a_command_in_units_needs_units_and_runs_in_each_or_once() {
    let Some(world) = running::serving(2).await else { return };
    let (text, error) = said(&run(&world, "hostname", false).await);
    let mut hosts: Vec<&str> = text.lines().collect();
    hosts.dedup();
    assert_eq!((hosts.len(), error.as_str()), (2, ""), "{text}");
    let failed = run(&world, "exit 4", false).await;
    assert!(said(&failed).1.contains("exit code 4"), "{}", failed.text);
}
