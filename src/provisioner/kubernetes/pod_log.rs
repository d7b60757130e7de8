//! What one pod prints, read on where the reading broke off.

use futures_util::{AsyncBufRead, AsyncBufReadExt, io::BufReader};
use k8s_openapi::{api::core::v1::Pod, jiff::Timestamp};
use kube::{Api, Client, ResourceExt, api::LogParams};

/// A line longer than this is cut: it could be all of the memory.
const LONGEST: usize = 64 * 1024;

/// The log of a pod's first container.
pub struct PodLog {
    api: Api<Pod>,
    pod: String,
    container: Option<String>,
    from: Option<Box<dyn AsyncBufRead + Send + Unpin>>,
    /// The time of the last line that was read.
    last: Option<Timestamp>,
    /// Where nothing was read yet: only what is printed from then on.
    since: Option<Timestamp>,
}

/// A line.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Printed {
    /// When, if that can be told.
    pub at: Option<Timestamp>,
    /// The line.
    pub text: String,
}

impl PodLog {
    /// All of it.
    pub fn of(client: &Client, pod: &Pod) -> Self {
        let api = Api::namespaced(client.clone(), &pod.namespace().unwrap_or_default());
        let container = pod.spec.as_ref().and_then(|spec| spec.containers.first()).map(|container| container.name.clone());
        Self { api, pod: pod.name_any(), container, from: None, last: None, since: None }
    }

    /// Only what is printed from this time on, unless something was read already.
    #[must_use]
    pub fn since(mut self, time: Timestamp) -> Self {
        self.since = Some(time);
        self
    }

    /// Opens it behind what was read; `tail`: only so many lines. With `follow` it ends with the container.
    pub async fn open(&mut self, tail: Option<usize>, follow: bool) -> Result<(), kube::Error> {
        let tail_lines = tail.map(|lines| i64::try_from(lines).unwrap_or(i64::MAX));
        let (container, since_time) = (self.container.clone(), self.last.or(self.since));
        let asked = LogParams { container, follow, tail_lines, since_time, timestamps: true, ..LogParams::default() };
        self.from = None;
        self.from = Some(Box::new(BufReader::new(self.api.log_stream(&self.pod, &asked).await?)));
        Ok(())
    }

    /// The next line; `None` at the end of what was opened.
    pub async fn next(&mut self) -> std::io::Result<Option<Printed>> {
        let Some(from) = &mut self.from else { return Ok(None) };
        loop {
            let mut line = Vec::new();
            if from.read_until(b'\n', &mut line).await? == 0 {
                return Ok(None);
            }
            line.truncate(LONGEST);
            let printed = parsed(&String::from_utf8_lossy(&line));
            // It is opened by the second: lines of that second that were read already come again.
            if printed.at.is_none() || printed.at > self.last {
                self.last = printed.at.or(self.last);
                return Ok(Some(printed));
            }
        }
    }
}

/// `2026-11-20T23:45:02.4Z text`.
fn parsed(line: &str) -> Printed {
    let line = line.trim_end_matches(['\n', '\r']);
    let (at, text) = match line.split_once(' ') {
        Some((at, text)) => (at.parse().ok(), text),
        None => (line.parse().ok(), if line.parse::<Timestamp>().is_ok() { "" } else { line }),
    };
    Printed { at, text: text.into() }
}

#[cfg(test)]
mod tests {
    use futures_util::io::Cursor;
    use serde_json::json;

    use super::*;

    #[test]
    fn a_line_of_the_cluster_has_its_time_first() {
        let line = parsed("2026-11-20T23:45:02.410000000Z   GET / 200\n");
        assert_eq!((line.at.unwrap().as_millisecond(), line.text.as_str()), (1_795_218_302_410, "  GET / 200"));
        assert_eq!(parsed("2026-11-20T23:45:02.41Z\n").text, "");
        assert_eq!(parsed("alone"), Printed { at: None, text: "alone".into() });
    }

    #[tokio::test]
    async fn a_line_that_comes_again_is_passed_over() {
        let client = Client::try_from(kube::Config::new("http://127.0.0.1:1".parse().unwrap())).unwrap();
        let pod: Pod = serde_json::from_value(json!({"metadata": {"name": "p"}, "spec": {"containers": [{"name": "c"}]}})).unwrap();
        let mut log = PodLog::of(&client, &pod);
        let (one, two, three) = ("2026-11-20T23:45:02.1Z one\n", "2026-11-20T23:45:02.2Z two\n", "2026-11-20T23:45:02.3Z three\n");
        let mut read = Vec::new();
        for text in [format!("{one}{two}"), format!("{one}{two}{three}")] {
            log.from = Some(Box::new(Cursor::new(text.into_bytes())));
            while let Some(line) = log.next().await.unwrap() {
                read.push(line.text);
            }
        }
        assert_eq!(read, ["one", "two", "three"]);
    }
}
