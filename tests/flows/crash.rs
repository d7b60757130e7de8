//! The server is killed with -9 and started again.

use std::time::{Duration, Instant};

use reqwest::Method;
use serde_json::Value;

use super::{
    gate::{Gate, WAIT},
    page::page,
};
use crate::server::{PATIENCE, Server, archive, eventually, processes};

const VERSION: &str = "'version ' + os.environ['TSURU_APPVERSION']";

#[tokio::test]
async fn a_build_cut_by_a_crash_is_recorded_as_failed_with_its_log() {
    let hooks = |port| format!("hooks:\n  build:\n    - python3 gate.py {port}\n");
    let mut cut = Cut::new(hooks).await;
    cut.crash_and_recover("at the gate").await;
}

#[tokio::test]
async fn a_start_cut_by_a_crash_is_recorded_as_failed_and_undone() {
    let hooks = |port| format!("hooks:\n  restart:\n    before:\n      - python3 gate.py {port}\n");
    let mut cut = Cut::new(hooks).await;
    cut.crash_and_recover("Updating units").await;
}

/// An app at version 1 whose second deploy stands at a gate.
struct Cut {
    server: Server,
    gate: Gate,
    marker: String,
    hooks: String,
}

impl Cut {
    async fn new(hooks: impl Fn(u16) -> String) -> Self {
        let (server, gate) = (Server::start().await, Gate::new().await);
        let hooks = hooks(gate.port());
        let cut = Self { server, gate, marker: marker(), hooks };
        cut.server.create_app("cut", "python").await;
        cut.server.deploy("cut", &archive::of_files(&[("app.py", page(VERSION).as_str()), ("Procfile", &cut.procfile())])).await;
        cut.server.wait_for("cut", "/", "version 1").await;
        cut
    }

    fn procfile(&self) -> String {
        format!("web: exec python3 app.py {}\n", self.marker)
    }

    /// Kills the server in the middle of the second deploy, when the stored log of it holds these last words.
    async fn crash_and_recover(&mut self, last_words: &str) {
        let (page, procfile) = (page(VERSION), self.procfile());
        let files = [("app.py", page.as_str()), ("Procfile", &procfile), ("tsuru.yaml", &self.hooks), ("gate.py", WAIT)];
        let (deploy, waiting) = self.gate.deploy(&self.server, "cut", &archive::of_files(&files)).await;
        let event = self.running_deploy().await;
        eventually("the log is stored as it grows", PATIENCE, || async {
            let event = self.server.json(&format!("/1.1/events/{event}")).await;
            event["Log"].as_str().is_some_and(|log| log.contains(last_words))
        })
        .await;
        self.server.kill();
        deploy.abort();
        self.server.start_again().await;
        let started = Instant::now();
        self.server.wait_for("cut", "/", "version 1").await;
        self.lock_is_free_within(Duration::from_secs(15).saturating_sub(started.elapsed())).await;
        assert!(waiting.vanished(PATIENCE).await, "what the interrupted deploy ran is gone");
        self.one_process_answers().await;
        let deploy = self.server.json(&format!("/1.0/deploys/{event}")).await;
        assert_ne!(deploy["Error"], Value::from(""), "recorded as failed: {deploy}");
        assert!(deploy["Log"].as_str().is_some_and(|log| log.contains(last_words)), "its log so far is kept: {deploy}");
    }

    async fn running_deploy(&self) -> String {
        let events = self.server.json("/1.1/events?running=true&kindname=app.deploy").await;
        events[0]["UniqueID"].as_str().unwrap_or_else(|| panic!("the deploy is a running event: {events}")).to_owned()
    }

    async fn lock_is_free_within(&self, time: Duration) {
        let form = [("Envs.0.Name", "AFTER"), ("Envs.0.Value", "crash"), ("NoRestart", "true")];
        eventually("the app's lock is free again", time, || async {
            let (status, text) = self.server.send(self.server.request(Method::POST, "/1.0/apps/cut/env").form(&form)).await;
            assert!(status == 200 || text.contains("event locked"), "{status} {text}");
            status == 200 && !text.contains("\"Error\":\"")
        })
        .await;
    }

    async fn one_process_answers(&self) {
        eventually("one process of the app is left", PATIENCE, || async { running(&self.marker).len() == 1 }).await;
        self.server.wait_for("cut", "/", "version 1").await;
    }
}

#[tokio::test]
async fn units_and_logs_live_through_a_crash_of_the_server() {
    let mut server = Server::start().await;
    let marker = deploy_worker(&server).await;
    logged(&server, "worker did job 1").await;
    let mut stream = server.request(Method::GET, "/1.0/apps/worker/log?lines=5&follow=true").send().await.expect("a stream");
    stream.chunk().await.expect("a line").expect("not the end");
    let before = running(&marker);
    server.kill();
    server.start_again().await;
    server.wait_for("worker", "/", "process web of worker").await;
    assert_eq!(running(&marker), before, "the same processes, none twice");
    let next = last_job(&server).await + 2;
    logged(&server, &format!("worker did job {next}")).await;
    let jobs = jobs(&server).await;
    assert_eq!(jobs, (0..jobs.len() as u64).collect::<Vec<_>>(), "each line once, none lost");
    assert_eq!(running(&marker), before, "still the same processes");
}

#[tokio::test]
async fn units_that_died_while_the_server_was_away_come_back_once() {
    let mut server = Server::start().await;
    let marker = deploy_worker(&server).await;
    let before = running(&marker);
    assert_eq!(before.len(), 2, "web and worker run");
    server.kill();
    for pid in &before {
        processes::terminate(*pid);
    }
    eventually("the units are gone", PATIENCE, || async { running(&marker).is_empty() }).await;
    server.start_again().await;
    server.wait_for("worker", "/", "process web of worker").await;
    eventually("both processes run once", PATIENCE, || async { running(&marker).len() == 2 }).await;
    server.wait_for("worker", "/", "process web of worker").await;
}

#[tokio::test]
async fn removed_apps_leave_no_process() {
    let server = Server::start().await;
    let marker = deploy_worker(&server).await;
    server.form(Method::DELETE, "/1.0/apps/worker", &[]).await;
    assert_eq!(running(&marker), Vec::<u32>::new());
}

#[tokio::test]
async fn apps_answer_again_after_an_orderly_stop() {
    let mut server = Server::start().await;
    let marker = deploy_worker(&server).await;
    server.stop().await;
    server.start_again().await;
    server.wait_for("worker", "/", "process web of worker").await;
    eventually("both processes run once", PATIENCE, || async { running(&marker).len() == 2 }).await;
}

/// Deploys the worker example with a word in its command lines by which its processes are found.
async fn deploy_worker(server: &Server) -> String {
    let marker = marker();
    let procfile = format!("web: exec python3 web.py {marker}\nworker: exec python3 worker.py {marker}\n");
    let web = include_str!("../../examples/worker/web.py");
    let worker = include_str!("../../examples/worker/worker.py");
    server.create_app("worker", "python").await;
    server.deploy("worker", &archive::of_files(&[("web.py", web), ("worker.py", worker), ("Procfile", &procfile)])).await;
    server.wait_for("worker", "/", "process web of worker").await;
    // A worker counts as started while its shell still becomes it.
    eventually("both processes run", PATIENCE, || async { running(&marker).len() == 2 }).await;
    marker
}

fn marker() -> String {
    format!("marker-{:016x}", rand::random::<u64>())
}

/// The app's own processes: what waits for them (a shell, a shim) is not counted.
fn running(marker: &str) -> Vec<u32> {
    let is_app = |pid: &u32| processes::command_line(*pid).split(' ').next().is_some_and(|program| program.contains("python"));
    processes::with_words(marker).into_iter().filter(is_app).collect()
}

async fn logged(server: &Server, line: &str) {
    eventually(&format!("{line:?} is logged"), PATIENCE, || async {
        server.json("/1.0/apps/worker/log?lines=1000").await.to_string().contains(line)
    })
    .await;
}

async fn jobs(server: &Server) -> Vec<u64> {
    let lines = server.json("/1.0/apps/worker/log?lines=1000&source=worker").await;
    let messages = lines.as_array().into_iter().flatten().filter_map(|line| line["Message"].as_str());
    messages.filter_map(|text| text.strip_prefix("worker did job ")?.parse().ok()).collect()
}

async fn last_job(server: &Server) -> u64 {
    jobs(server).await.last().copied().unwrap_or_default()
}
