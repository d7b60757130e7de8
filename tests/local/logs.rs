//! Logs of units.

use futures_util::StreamExt;
use impaas::{
    clock::Time,
    provisioner::{LogLine, LogQuery, Logs},
};

use super::{Lab, SOON};

const COUNTER: &str = "import time\nn = 0\nwhile True:\n    print('line', n, flush=True)\n    n += 1\n    time.sleep(0.01)\n";

fn query(lines: usize) -> LogQuery {
    LogQuery { app: "count".into(), lines, ..LogQuery::default() }
}

async fn texts(lab: &Lab, query: LogQuery) -> Vec<String> {
    lab.local().logs(query).await.unwrap().map(|line| line.message).collect().await
}

#[tokio::test]
async fn lines_are_followed_and_kept_through_a_crash_without_loss_or_doubles() {
    let mut lab = Lab::new().await;
    lab.python("count", 1, &[("main.py", COUNTER), ("Procfile", "worker: python3 main.py\n")]).await;
    let mut follow = lab.local().logs(LogQuery { follow: true, ..query(3) }).await.unwrap();
    let mut last = None;
    for _ in 0..50 {
        let line = tokio::time::timeout(SOON, follow.next()).await.unwrap().unwrap();
        let n: i64 = line.message.trim_start_matches("line ").parse().unwrap();
        assert!(last.is_none_or(|last| last + 1 == n), "{last:?} then {n}");
        last = Some(n);
        assert_eq!(line.source, "worker");
        assert!(line.unit.starts_with("count-worker-"));
    }
    lab.crash();
    lab.start().await;
    let all = texts(&lab, query(10_000)).await;
    let expected: Vec<String> = (0..all.len()).map(|n| format!("line {n}")).collect();
    assert_eq!(all, expected);
}

#[tokio::test]
async fn lines_of_others_are_kept_too() {
    let lab = Lab::new().await;
    let line = LogLine { date: Time::from_millis(5), message: "deployed".into(), source: "tsuru".into(), unit: "api".into() };
    lab.local().log("count", line.clone()).await.unwrap();
    let lines: Vec<LogLine> = lab.local().logs(query(5)).await.unwrap().collect().await;
    assert_eq!(lines, [line]);
}
