//! Where long work says what it does: lines go to the event's log and, while somebody listens, to the client.

use std::sync::Arc;

/// Receives text as it is written. Writing never fails and never waits: a client that hangs up stops nothing.
pub trait Sink: Send + Sync {
    /// Takes a piece of text, newlines included.
    fn write(&self, text: &str);
}

/// A cheap handle on one or more sinks.
#[derive(Clone, Default)]
pub struct Output(Vec<Arc<dyn Sink>>);

impl Output {
    /// To this sink.
    pub fn to(sink: Arc<dyn Sink>) -> Self {
        Self(vec![sink])
    }

    /// Also to this sink.
    #[must_use]
    pub fn and(mut self, sink: Arc<dyn Sink>) -> Self {
        self.0.push(sink);
        self
    }

    /// Writes as is.
    pub fn write(&self, text: &str) {
        self.0.iter().for_each(|sink| sink.write(text));
    }

    /// Writes a line.
    pub fn line(&self, text: &str) {
        self.write(&format!("{text}\n"));
    }

    /// `---- text ----`, tsuru's heading of a stage.
    pub fn section(&self, text: &str) {
        self.write(&format!("---- {text} ----\n"));
    }

    /// ` ---> text`, tsuru's heading of a step.
    pub fn action(&self, text: &str) {
        self.write(&format!(" ---> {text}\n"));
    }
}
