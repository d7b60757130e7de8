//! Deploys, scaling, failures.

use impaas::provisioner::{Apps, UnitStatus};

use super::{Lab, PAGE, SOON, restarted, scaled, state};
use crate::server::eventually;

const PROCFILE: &str = "web: python3 app.py\n";

#[tokio::test]
async fn a_python_app_is_built_started_and_answers() {
    let lab = Lab::new().await;
    let built = lab.build("hello", "python", 1, &[("app.py", PAGE), ("Procfile", PROCFILE)]).await;
    let said = lab.said.take();
    assert!(said.starts_with("---- Starting container image build for app \"hello\" ----\n"), "{said}");
    assert!(said.contains(" ---> Process \"web\" found with commands: [\"python3 app.py\"] (defined in: \"Procfile\")\n"), "{said}");
    assert_eq!(built.image, "tsuru/app-hello:v1");
    lab.apply(state("hello", "python", 1, &built)).await;
    let lines: Vec<String> = lab.said.take().lines().map(str::to_owned).collect();
    let expected = [
        "---- Updating units [web] [version 1] ----",
        "",
        " ---> Waiting for units to be ready [web] [version 1]",
        " ---> 1 of 1 new units created",
        " ---> 0 of 1 new units ready",
        " ---> waiting healthcheck on 1 created units",
        " ---> 1 of 1 new units ready",
        " ---> All units ready",
        "",
        "---- Cleaning up resources ----",
        "",
        "---- Updating router [local] ----",
    ];
    assert_eq!(lines, expected);
    assert_eq!(lab.ask("hello", "/").await, (200, "version 1".into()));
    assert_eq!(lab.ask("hello", "/env/TSURU_PROCESSNAME").await.1, "web");
    let units = lab.local().units("hello");
    assert_eq!((units.len(), units[0].status, units[0].ready, units[0].routable), (1, UnitStatus::Started, true, true));
    assert!(units[0].id.starts_with("hello-web-"), "{}", units[0].id);
}

#[tokio::test]
async fn a_version_that_crashes_at_start_leaves_the_old_one_serving() {
    let lab = Lab::new().await;
    lab.python("crash", 1, &[("app.py", PAGE), ("Procfile", PROCFILE)]).await;
    let files = [("app.py", "import sys\nprint('cannot find the moon')\nsys.exit(3)\n"), ("Procfile", PROCFILE)];
    let built = lab.build("crash", "python", 2, &files).await;
    let error = lab.try_apply(state("crash", "python", 2, &built)).await.unwrap_err().to_string();
    assert!(error.contains("exitCode: 3") && error.contains("cannot find the moon"), "{error}");
    assert_eq!(lab.ask("crash", "/").await, (200, "version 1".into()));
    let units = lab.local().units("crash");
    assert_eq!((units.len(), units[0].version), (1, 1));
    assert_eq!(lab.local().state("crash").await.unwrap().unwrap().processes[0].version, 1);
    eventually("one unit is left", SOON, || async { lab.shims().len() == 1 }).await;
}

#[tokio::test]
async fn a_version_that_never_listens_fails_with_a_hint() {
    let lab = Lab::new().await;
    let yaml = "healthcheck:\n  path: /\n  deploy_timeout_seconds: 1\n";
    let files = [("app.py", "import time\ntime.sleep(600)\n"), ("Procfile", PROCFILE), ("tsuru.yaml", yaml)];
    let built = lab.build("deaf", "python", 1, &files).await;
    let error = lab.try_apply(state("deaf", "python", 1, &built)).await.unwrap_err().to_string();
    assert!(error.contains("was not ready after 1s") && error.contains("$PORT"), "{error}");
    eventually("nothing is left", SOON, || async { lab.shims().is_empty() }).await;
    assert!(lab.local().units("deaf").is_empty());
}

#[tokio::test]
async fn a_failing_health_check_fails_the_deploy() {
    let lab = Lab::new().await;
    let yaml = "healthcheck:\n  path: /read/nowhere\n  deploy_timeout_seconds: 2\n";
    let files = [("app.py", PAGE), ("Procfile", PROCFILE), ("tsuru.yaml", yaml)];
    let built = lab.build("sick", "python", 1, &files).await;
    let error = lab.try_apply(state("sick", "python", 1, &built)).await.unwrap_err().to_string();
    assert!(error.contains("GET /read/nowhere answered 403"), "{error}");
}

#[tokio::test]
async fn units_are_added_removed_stopped_and_started() {
    let lab = Lab::new().await;
    let one = lab.python("scale", 1, &[("app.py", PAGE), ("Procfile", PROCFILE)]).await;
    let first = lab.local().units("scale")[0].id.clone();
    lab.said.take();
    lab.apply(scaled(&one, 3)).await;
    assert!(lab.said.take().starts_with("\n ---> Waiting for units to be ready [web] [version 1]\n ---> 3 of 3 new units created\n"));
    let units = lab.local().units("scale");
    assert!(units.len() == 3 && units.iter().any(|unit| unit.id == first));
    lab.apply(scaled(&one, 1)).await;
    assert_eq!(lab.local().units("scale").len(), 1);
    lab.said.take();
    lab.apply(scaled(&one, 0)).await;
    assert!(lab.said.take().contains("---- Updating units [web] [version 1] ----\n"));
    assert_eq!(lab.ask("scale", "/").await, (503, "app \"scale\" is stopped".into()));
    eventually("every process has ended", SOON, || async { lab.shims().is_empty() }).await;
    lab.apply(one).await;
    assert_eq!(lab.ask("scale", "/").await, (200, "version 1".into()));
}

#[tokio::test]
async fn a_restart_replaces_units_and_nothing_to_do_says_nothing() {
    let lab = Lab::new().await;
    let state = lab.python("again", 1, &[("app.py", PAGE), ("Procfile", PROCFILE)]).await;
    let first = lab.local().units("again")[0].id.clone();
    lab.said.take();
    lab.apply(state.clone()).await;
    assert_eq!((lab.said.take().as_str(), &lab.local().units("again")[0].id), ("", &first));
    lab.apply(restarted(&state, 1)).await;
    assert_ne!(lab.local().units("again")[0].id, first);
}

#[tokio::test]
async fn a_worker_needs_no_port_and_a_dying_one_comes_back() {
    let lab = Lab::new().await;
    let worker = "import time\nprint('working', flush=True)\ntime.sleep(600)\n";
    let files = [("app.py", PAGE), ("worker.py", worker), ("Procfile", "web: python3 app.py\nworker: python3 worker.py\n")];
    lab.python("two", 1, &files).await;
    let names: Vec<_> = lab.local().units("two").into_iter().map(|unit| unit.process).collect();
    assert_eq!(names, ["web", "worker"]);
    let web = lab.local().units("two")[0].id.clone();
    let _ = lab.get("two", "/exit/7").send().await;
    eventually("the death is shown", SOON, || async {
        lab.local().units("two").iter().any(|unit| unit.status == UnitStatus::Error && unit.reason == "exitCode: 7")
    })
    .await;
    lab.wait_for("two", "/", "version 1").await;
    let unit = lab.local().units("two").into_iter().find(|unit| unit.process == "web").unwrap();
    assert_eq!((unit.id, unit.restarts), (web, 1));
}

#[tokio::test]
async fn a_killed_unit_is_replaced() {
    let lab = Lab::new().await;
    lab.python("kill", 1, &[("app.py", PAGE), ("Procfile", PROCFILE)]).await;
    for force in [false, true] {
        let unit = lab.local().units("kill")[0].id.clone();
        lab.local().kill_unit("kill", &unit, force).await.unwrap();
        assert!(lab.local().units("kill").iter().all(|other| other.id != unit));
        lab.wait_for("kill", "/", "version 1").await;
    }
    assert!(lab.local().kill_unit("kill", "kill-web-0", false).await.is_err());
}

#[tokio::test]
async fn two_versions_share_requests_and_routes_change_without_units() {
    let lab = Lab::new().await;
    let one = lab.python("both", 1, &[("app.py", PAGE), ("Procfile", PROCFILE)]).await;
    let built = lab.build("both", "python", 2, &[("app.py", PAGE), ("Procfile", PROCFILE)]).await;
    let mut both = one.clone();
    both.processes.extend(state("both", "python", 2, &built).processes);
    lab.apply(both.clone()).await;
    let mut seen = std::collections::BTreeSet::new();
    for _ in 0..6 {
        seen.insert(lab.ask("both", "/").await.1);
    }
    assert_eq!(seen.into_iter().collect::<Vec<_>>(), ["version 1", "version 2"]);
    let units: Vec<_> = lab.local().units("both").into_iter().map(|unit| unit.id).collect();
    both.processes[0].routable = false;
    lab.apply(both).await;
    for _ in 0..4 {
        assert_eq!(lab.ask("both", "/").await.1, "version 2");
    }
    assert_eq!(lab.local().units("both").into_iter().map(|unit| unit.id).collect::<Vec<_>>(), units);
}

#[tokio::test]
async fn hooks_run_around_a_start() {
    let lab = Lab::new().await;
    let yaml = "hooks:\n  build:\n    - echo built $TSURU_APPNAME > built.txt\n  restart:\n    before:\n      - echo before > before.txt\n    after:\n      - echo after > after.txt\n";
    lab.python("hooks", 1, &[("app.py", PAGE), ("Procfile", PROCFILE), ("tsuru.yaml", yaml)]).await;
    for (name, text) in [("built", "built hooks"), ("before", "before"), ("after", "after")] {
        assert_eq!(lab.ask("hooks", &format!("/read/home/application/current/{name}.txt")).await, (200, text.into()));
    }
}

#[tokio::test]
async fn a_removed_app_leaves_nothing() {
    let lab = Lab::new().await;
    lab.python("gone", 1, &[("app.py", PAGE), ("Procfile", PROCFILE)]).await;
    lab.local().remove("gone", &lab.out()).await.unwrap();
    assert!(lab.shims().is_empty());
    assert!(!lab.folder("apps/gone").exists());
    assert_eq!(lab.ask("gone", "/").await.0, 404);
    assert!(lab.local().units("gone").is_empty());
}
