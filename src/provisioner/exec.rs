//! Commands and shells in an app's environment.

use async_trait::async_trait;
use tokio::sync::mpsc;

use super::AppState;
use crate::{error::Result, output::Output};

/// Runs commands in an app's environment.
#[async_trait]
pub trait Exec: Send + Sync {
    /// Runs a command and streams what it prints. A non-zero exit is an error that says the code. Dropped, it ends the command.
    async fn run(&self, request: RunRequest, out: &Output) -> Result<()>;
    /// Opens an interactive shell on a real terminal.
    async fn shell(&self, request: ShellRequest) -> Result<Shell>;
}

/// A command to run.
#[derive(Clone, Debug, Default)]
pub struct RunRequest {
    /// The app.
    pub app: String,
    /// Shell line.
    pub command: String,
    /// In one unit only instead of in each.
    pub once: bool,
    /// In a fresh environment of its own, beside the units.
    pub isolated: bool,
    /// What such an environment is made from: the app with a process of the version that was deployed last.
    pub fresh: Option<Box<AppState>>,
}

/// A shell to open.
#[derive(Clone, Debug, Default)]
pub struct ShellRequest {
    /// The app.
    pub app: String,
    /// In this unit; any when absent.
    pub unit: Option<String>,
    /// In a fresh environment of its own.
    pub isolated: bool,
    /// With tools beside the unit's own, where there are such.
    pub debug: bool,
    /// Terminal columns and rows.
    pub size: (u16, u16),
    /// The client's TERM.
    pub term: String,
    /// What a fresh environment is made from.
    pub fresh: Option<Box<AppState>>,
}

/// An open terminal: keystrokes in, bytes out. Dropping it ends the shell.
#[derive(Debug)]
pub struct Shell {
    /// To the terminal.
    pub input: mpsc::Sender<Vec<u8>>,
    /// From the terminal; ends with the shell.
    pub output: mpsc::Receiver<Vec<u8>>,
}
