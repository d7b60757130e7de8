//! A server after another.

use std::sync::Arc;

use super::{Lab, PAGE, SOON, scaled, state};
use crate::server::eventually;
use impaas::provisioner::{Apps, UnitStatus, hold::Firm};

#[tokio::test]
async fn units_go_on_through_a_crash_and_are_taken_over() {
    let mut lab = Lab::new().await;
    let one = lab.python("keep", 1, &[("app.py", PAGE)]).await;
    lab.apply(scaled(&one, 2)).await;
    let pids = lab.shims();
    let units: Vec<_> = lab.local().units("keep").into_iter().map(|unit| unit.id).collect();
    lab.crash();
    lab.start().await;
    lab.wait_for("keep", "/", "version 1").await;
    let mut found: Vec<_> = lab.local().units("keep").into_iter().map(|unit| unit.id).collect();
    found.sort();
    let mut units = units;
    units.sort();
    assert_eq!(found, units);
    assert_eq!(lab.shims(), pids);
    lab.apply(scaled(&one, 0)).await;
    eventually("adopted units end too", SOON, || async { lab.shims().is_empty() }).await;
}

#[tokio::test]
async fn an_adopted_unit_that_dies_comes_back() {
    let mut lab = Lab::new().await;
    lab.python("keep", 1, &[("app.py", PAGE)]).await;
    lab.crash();
    lab.start().await;
    lab.wait_for("keep", "/", "version 1").await;
    let _ = lab.get("keep", "/exit/9").send().await;
    eventually("its death is seen", SOON, || async { lab.local().units("keep")[0].status == UnitStatus::Error }).await;
    assert_eq!(lab.local().units("keep")[0].reason, "exitCode: 9");
    lab.wait_for("keep", "/", "version 1").await;
    assert_eq!(lab.shims().len(), 1);
}

#[tokio::test]
async fn a_graceful_end_stops_units_and_the_next_start_brings_them_back() {
    let mut lab = Lab::new().await;
    lab.python("keep", 1, &[("app.py", PAGE)]).await;
    lab.local().stop().await;
    assert!(lab.shims().is_empty());
    lab.crash();
    lab.start().await;
    lab.wait_for("keep", "/", "version 1").await;
    assert_eq!(lab.shims().len(), 1);
}

#[tokio::test]
async fn a_cut_rollout_is_undone_by_the_next_start() {
    let mut lab = Lab::new().await;
    lab.python("cut", 1, &[("app.py", PAGE), ("Procfile", "web: python3 app.py\n")]).await;
    let before = lab.shims();
    let files = [("app.py", "import time\nprint('stuck', flush=True)\ntime.sleep(600)"), ("Procfile", "web: python3 app.py\n")];
    let built = lab.build("cut", "python", 2, &files).await;
    let (local, out) = (lab.local.clone().unwrap(), lab.out());
    let rollout = tokio::spawn(async move { local.apply(state("cut", "python", 2, &built), Arc::new(Firm), &out).await });
    eventually("the new unit runs", SOON, || async { lab.shims().len() == 2 }).await;
    // As a crash: nothing is cleaned up.
    lab.local().forget_everything();
    rollout.abort();
    let _ = rollout.await;
    lab.crash();
    lab.start().await;
    lab.wait_for("cut", "/", "version 1").await;
    assert_eq!(lab.shims(), before);
}

#[tokio::test]
async fn a_cut_build_leaves_nothing_to_the_next_start() {
    let mut lab = Lab::new().await;
    let yaml = "hooks:\n  build:\n    - echo at the gate; sleep 60031\n";
    let (local, out) = (lab.local.clone().unwrap(), lab.out());
    let upload = lab.data.path().join("upload");
    std::fs::write(&upload, crate::server::archive::of_files(&[("app.py", PAGE), ("tsuru.yaml", yaml)])).unwrap();
    let request = impaas::provisioner::BuildRequest {
        app: "cut".into(),
        version: 1,
        platform: "python".into(),
        source: impaas::provisioner::Source::Archive(upload),
        env: Default::default(),
        place: Default::default(),
    };
    let build = tokio::spawn(async move { impaas::provisioner::Builder::build(&*local, request, &out).await });
    eventually("the hook runs", SOON, || async { !crate::server::processes::with_words("sleep 60031").is_empty() }).await;
    build.abort();
    let _ = build.await;
    lab.crash();
    lab.start().await;
    eventually("its processes are gone", SOON, || async { lab.shims().is_empty() }).await;
    assert!(!lab.folder("apps/cut/versions/v1").exists());
}
