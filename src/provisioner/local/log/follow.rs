//! Past lines, then live ones.

use std::{path::PathBuf, time::Duration};

use futures_util::stream::{BoxStream, StreamExt};
use tokio::{sync::mpsc, task::spawn_blocking};
use tokio_stream::wrappers::ReceiverStream;
use tokio_util::sync::CancellationToken;

use super::read::{self, Place};
use crate::provisioner::{LogLine, LogQuery};

/// How often a follower looks for new lines. Nobody looks while nobody follows.
const LOOK: Duration = Duration::from_millis(120);
/// Lines on their way to a slow reader; it finds the others in the files later.
const AHEAD: usize = 256;

/// The lines of a query; with `follow` until dropped, or until the server or the app ends.
pub async fn stream(folder: PathBuf, query: LogQuery, end: CancellationToken) -> BoxStream<'static, LogLine> {
    let (lines, place, query) = past(folder.clone(), query).await;
    let past = futures_util::stream::iter(lines);
    if !query.follow {
        return past.boxed();
    }
    let (to, from) = mpsc::channel(AHEAD);
    tokio::spawn(async move {
        tokio::select! {
            () = end.cancelled() => {}
            () = to.closed() => {}
            () = feed(folder, query, place, &to) => {}
        }
    });
    past.chain(ReceiverStream::new(from)).boxed()
}

async fn past(folder: PathBuf, query: LogQuery) -> (Vec<LogLine>, Place, LogQuery) {
    let asked = query.clone();
    let read = spawn_blocking(move || read::last(&folder, &asked)).await;
    let (lines, place) = read.unwrap_or_default();
    (lines, place, query)
}

async fn feed(folder: PathBuf, query: LogQuery, mut place: Place, to: &mpsc::Sender<LogLine>) {
    loop {
        tokio::time::sleep(LOOK).await;
        let look = folder.clone();
        let Ok((lines, next)) = spawn_blocking(move || read::since(&look, place)).await else { return };
        place = next;
        for line in lines {
            if read::wanted(&query, &line) && to.send(line).await.is_err() {
                return;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::provisioner::local::log::{Entry, append::append};

    fn entry(n: usize, source: &str) -> Entry {
        Entry { millis: n as i64, source: source.into(), unit: format!("u{}", n % 2), text: format!("line {n}") }
    }

    fn query(lines: usize) -> LogQuery {
        LogQuery { lines, ..LogQuery::default() }
    }

    async fn texts(folder: &Path, query: LogQuery) -> Vec<String> {
        stream(folder.into(), query, CancellationToken::new()).await.map(|line| line.message).collect().await
    }

    #[tokio::test]
    async fn filters_and_counts_past_lines() {
        let dir = tempfile::tempdir().unwrap();
        let entries: Vec<_> = (0..6).map(|n| entry(n, if n < 4 { "web" } else { "worker" })).collect();
        append(dir.path(), &entries).unwrap();
        assert_eq!(texts(dir.path(), query(2)).await, ["line 4", "line 5"]);
        assert_eq!(texts(dir.path(), LogQuery { source: Some("web".into()), ..query(2) }).await, ["line 2", "line 3"]);
        let not_web = LogQuery { source: Some("web".into()), invert_source: true, ..query(9) };
        assert_eq!(texts(dir.path(), not_web).await, ["line 4", "line 5"]);
        assert_eq!(texts(dir.path(), LogQuery { units: vec!["u1".into()], ..query(9) }).await, ["line 1", "line 3", "line 5"]);
    }

    #[tokio::test]
    async fn follows_over_a_new_file_without_loss_or_doubles() {
        let dir = tempfile::tempdir().unwrap();
        append(dir.path(), &[entry(0, "web")]).unwrap();
        let follow = LogQuery { follow: true, ..query(10) };
        let mut lines = stream(dir.path().into(), follow, CancellationToken::new()).await;
        let long = "x".repeat(8 << 10);
        for n in 1..600 {
            append(dir.path(), &[Entry { text: format!("{n} {long}"), ..entry(n, "web") }]).unwrap();
        }
        for n in 0..600 {
            let line = tokio::time::timeout(Duration::from_secs(60), lines.next()).await.unwrap().unwrap();
            assert_eq!(line.date.millis(), n);
        }
        assert!(dir.path().join("previous").exists());
    }

    #[tokio::test]
    async fn the_log_stays_bounded() {
        let dir = tempfile::tempdir().unwrap();
        let long = "x".repeat(16 << 10);
        for n in 0..900 {
            append(dir.path(), &[Entry { text: long.clone(), ..entry(n, "web") }]).unwrap();
        }
        let size: u64 = std::fs::read_dir(dir.path()).unwrap().map(|file| file.unwrap().metadata().unwrap().len()).sum();
        assert!(size < 9 << 20, "{size}");
        assert_eq!(texts(dir.path(), query(1)).await.len(), 1);
    }

    #[tokio::test]
    async fn a_log_that_is_not_there_is_empty_and_can_be_followed() {
        let dir = tempfile::tempdir().unwrap();
        assert!(texts(dir.path(), query(5)).await.is_empty());
        let mut lines = stream(dir.path().into(), LogQuery { follow: true, ..query(5) }, CancellationToken::new()).await;
        append(dir.path(), &[entry(3, "web")]).unwrap();
        assert_eq!(tokio::time::timeout(Duration::from_secs(60), lines.next()).await.unwrap().unwrap().message, "line 3");
    }
}
