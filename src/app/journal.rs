//! What work says about an app also goes to the app's own log.

use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::mpsc;

use crate::{
    clock::Time,
    context::Context,
    output::{Output, Sink},
    provisioner::{DynProvisioner, LogLine},
    request_id,
};

/// Lines that wait for the log at most; more are left out, so that a slow disk holds up nothing.
const WAITING: usize = 4096;

/// `out`, and the log of this app, as said by `source`.
pub fn with(ctx: &Context, provisioner: &DynProvisioner, app: &str, source: &str, out: &Output) -> Output {
    let (to, mut from) = mpsc::channel::<LogLine>(WAITING);
    let (provisioner, app) = (provisioner.clone(), app.to_owned());
    ctx.runtime.spawn(request_id::carried(async move {
        while let Some(line) = from.recv().await {
            if let Err(e) = provisioner.log(&app, line).await {
                tracing::warn!(app, error = %e, "a line could not be added to the app's log");
            }
        }
    }));
    out.clone().and(Arc::new(Journal { source: source.into(), to, partial: Mutex::default() }))
}

struct Journal {
    source: String,
    to: mpsc::Sender<LogLine>,
    partial: Mutex<String>,
}

impl Journal {
    fn line(&self, text: &str) {
        if text.is_empty() {
            return;
        }
        let line = LogLine { date: Time::now(), message: text.into(), source: self.source.clone(), unit: "api".into() };
        // A full queue means that the disk is slow: see WAITING.
        self.to.try_send(line).ok();
    }
}

impl Sink for Journal {
    fn write(&self, text: &str) {
        let mut partial = self.partial.lock().unwrap_or_else(PoisonError::into_inner);
        partial.push_str(text);
        while let Some(end) = partial.find('\n') {
            let line: String = partial.drain(..=end).collect();
            self.line(line.trim_end_matches(['\n', '\r']));
        }
    }
}

impl Drop for Journal {
    fn drop(&mut self) {
        let rest = std::mem::take(&mut *self.partial.lock().unwrap_or_else(PoisonError::into_inner));
        self.line(&rest);
    }
}
