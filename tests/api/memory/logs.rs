//! Logs of apps.

use async_trait::async_trait;
use futures_util::{StreamExt, stream, stream::BoxStream};
use impaas::{
    error::Result,
    provisioner::{LogLine, LogQuery, Logs},
};

use super::Memory;

#[async_trait]
impl Logs for Memory {
    async fn logs(&self, query: LogQuery) -> Result<BoxStream<'static, LogLine>> {
        let receiver = self.live.subscribe();
        let fits = {
            let query = query.clone();
            move |app: &str, line: &LogLine| {
                let source = query.source.as_ref().is_none_or(|source| (*source == line.source) != query.invert_source);
                app == query.app && source && (query.units.is_empty() || query.units.contains(&line.unit))
            }
        };
        let past: Vec<LogLine> = self.lock().logs.iter().filter(|(app, line)| fits(app, line)).map(|(_, line)| line.clone()).collect();
        let past = past[past.len().saturating_sub(query.lines)..].to_vec();
        let live = stream::unfold((receiver, fits), |(mut receiver, fits)| async move {
            loop {
                let (app, line) = receiver.recv().await.ok()?;
                if fits(&app, &line) {
                    return Some((line, (receiver, fits)));
                }
            }
        });
        Ok(if query.follow { stream::iter(past).chain(live).boxed() } else { stream::iter(past).boxed() })
    }

    async fn log(&self, app: &str, line: LogLine) -> Result<()> {
        self.lock().logs.push((app.into(), line.clone()));
        self.live.send((app.into(), line)).ok();
        Ok(())
    }
}
