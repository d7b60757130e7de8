//! A steady load on an app while its versions and units change.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use reqwest::{Method, RequestBuilder};
use tokio::{task::JoinSet, time::interval};

use crate::server::{Server, archive, read};

/// Requests a second.
const RATE: u64 = 200;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_request_is_lost_while_versions_and_units_change() {
    let server = Server::start().await;
    server.create_app("healthy", "python").await;
    server.deploy("healthy", &archive::of_example("healthy")).await;
    let load = Load::start(server.at_app("healthy", "/"));
    for _ in 0..3 {
        server.deploy("healthy", &archive::of_example("healthy")).await;
    }
    server.form(Method::POST, "/1.0/apps/healthy/deploy/rollback", &[("image", "v2"), ("origin", "rollback")]).await;
    server.form(Method::POST, "/1.0/apps/healthy/restart", &[]).await;
    server.form(Method::PUT, "/1.0/apps/healthy/units", &[("units", "1"), ("process", "web")]).await;
    server.form(Method::DELETE, "/1.0/apps/healthy/units", &[("units", "1"), ("process", "web")]).await;
    let seen = load.stop().await;
    assert!(seen.lost.is_empty(), "{} of {} requests lost: {:#?}", seen.lost_count(), seen.sent, seen.lost);
    assert!(seen.per_second() > 0.9 * RATE as f64, "the load was not steady: {:.0} a second", seen.per_second());
    let answers: BTreeSet<String> = (1..=4).map(|version| format!("ready, version {version}\n")).collect();
    assert_eq!(seen.answers, answers, "each version answered, and nothing else did");
}

/// Requests sent at a fixed rate, whatever becomes of the earlier ones.
struct Load {
    stop: Arc<AtomicBool>,
    seen: Arc<Mutex<Seen>>,
    sender: tokio::task::JoinHandle<()>,
}

#[derive(Clone, Debug, Default)]
struct Seen {
    sent: u64,
    answers: BTreeSet<String>,
    lost: BTreeMap<String, u64>,
    elapsed: Duration,
}

impl Seen {
    fn lost_count(&self) -> u64 {
        self.lost.values().sum()
    }

    fn per_second(&self) -> f64 {
        self.sent as f64 / self.elapsed.as_secs_f64()
    }
}

impl Load {
    fn start(request: RequestBuilder) -> Self {
        let (stop, seen) = (Arc::new(AtomicBool::new(false)), Arc::new(Mutex::new(Seen::default())));
        let sender = tokio::spawn(send_all(request, Arc::clone(&stop), Arc::clone(&seen)));
        Self { stop, seen, sender }
    }

    async fn stop(self) -> Seen {
        self.stop.store(true, Ordering::Relaxed);
        self.sender.await.expect("the load ran to its end");
        self.seen.lock().expect("no poison").clone()
    }
}

async fn send_all(request: RequestBuilder, stop: Arc<AtomicBool>, seen: Arc<Mutex<Seen>>) {
    let begun = Instant::now();
    let mut ticks = interval(Duration::from_micros(1_000_000 / RATE));
    let mut requests = JoinSet::new();
    loop {
        let due = ticks.tick().await;
        // What was not sent while this stood still is sent first.
        if stop.load(Ordering::Relaxed) && due.elapsed() < Duration::from_millis(50) {
            break;
        }
        let request = request.try_clone().expect("a request without a body");
        requests.spawn(send_one(request, Arc::clone(&seen)));
        while requests.try_join_next().is_some() {}
    }
    seen.lock().expect("no poison").elapsed = begun.elapsed();
    while requests.join_next().await.is_some() {}
}

async fn send_one(request: RequestBuilder, seen: Arc<Mutex<Seen>>) {
    let result = match request.send().await {
        Ok(answer) => read(answer).await,
        Err(error) => (0, format!("{error:?}")),
    };
    let mut seen = seen.lock().expect("no poison");
    seen.sent += 1;
    match result {
        (200, text) => {
            seen.answers.insert(text);
        }
        (status, text) => *seen.lost.entry(format!("{status} {text}")).or_default() += 1,
    }
}
