//! No request is lost while an app changes.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst},
    },
    time::Duration,
};

use impaas::provisioner::Apps;

use super::{Lab, PAGE, restarted, scaled, state};

const PROCFILE: &str = "web: python3 app.py\n";

/// Asks 200 times a second until told to end; gives how many were asked and what failed.
async fn load(url: String, host: &'static str, end: Arc<AtomicBool>) -> (usize, Vec<String>) {
    let client = reqwest::Client::new();
    let mut tick = tokio::time::interval(Duration::from_millis(5));
    let mut asked = Vec::new();
    while !end.load(SeqCst) {
        tick.tick().await;
        let request = client.get(&url).header("host", host).timeout(Duration::from_secs(20));
        asked.push(tokio::spawn(async move {
            match request.send().await {
                Ok(answer) if answer.status() == 200 => answer.text().await.map_err(|e| format!("body: {e:?}")),
                Ok(answer) => Err(format!("{}: {}", answer.status(), answer.text().await.unwrap_or_default())),
                Err(e) => Err(format!("{e:?}")),
            }
        }));
    }
    let count = asked.len();
    let mut failed = Vec::new();
    for one in asked {
        failed.extend(one.await.unwrap().err());
    }
    (count, failed)
}

#[tokio::test(flavor = "multi_thread")]
async fn no_request_is_lost_over_deploys_rollback_restart_and_scaling() {
    let lab = Lab::new().await;
    let one = lab.python("busy", 1, &[("app.py", PAGE), ("Procfile", PROCFILE)]).await;
    let end = Arc::new(AtomicBool::new(false));
    let load = tokio::spawn(load(lab.url("/"), "busy.localhost", end.clone()));
    for version in 2..=4 {
        let built = lab.build("busy", "python", version, &[("app.py", PAGE), ("Procfile", PROCFILE)]).await;
        lab.apply(state("busy", "python", version, &built)).await;
    }
    lab.apply(one.clone()).await;
    lab.apply(restarted(&one, 1)).await;
    lab.apply(scaled(&restarted(&one, 1), 3)).await;
    lab.apply(scaled(&restarted(&one, 1), 1)).await;
    let unit = lab.local().units("busy")[0].id.clone();
    lab.local().kill_unit("busy", &unit, false).await.unwrap();
    lab.local().set_cnames("busy", &["busy.example.com".into()]).await.unwrap();
    end.store(true, SeqCst);
    let (count, failed) = load.await.unwrap();
    assert!(failed.is_empty(), "{} of {count} failed: {:?}", failed.len(), &failed[..failed.len().min(5)]);
    assert!(count > 200, "{count}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_under_way_ends_before_its_unit() {
    let lab = Lab::new().await;
    let slow = PAGE.replace("def do_GET(self):", "def do_GET(self):\n        import time; time.sleep(1.5 if 'slow' in self.path else 0)");
    let state = lab.python("slow", 1, &[("app.py", &slow), ("Procfile", PROCFILE)]).await;
    let begun = Arc::new(AtomicUsize::new(0));
    let asked: Vec<_> = (0..5)
        .map(|_| {
            let (request, begun) = (lab.get("slow", "/slow"), begun.clone());
            tokio::spawn(async move {
                begun.fetch_add(1, SeqCst);
                request.send().await.map(|answer| answer.status().as_u16())
            })
        })
        .collect();
    crate::server::eventually("all are asked", super::SOON, || async { begun.load(SeqCst) == 5 }).await;
    lab.apply(restarted(&state, 1)).await;
    for one in asked {
        assert_eq!(one.await.unwrap().unwrap(), 200);
    }
}
