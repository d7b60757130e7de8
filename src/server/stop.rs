//! When the server is told to stop.

use std::time::Duration;

use actix_web::dev::ServerHandle;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_util::sync::CancellationToken;

use crate::error::Result;

/// For so long it goes on with what it is asked, and has its clients connect elsewhere: what is asked on a connection just when it is
/// closed is lost.
const FAREWELL: Duration = Duration::from_secs(1);
/// In so many pieces: while the machine stands still nobody is answered, and only one of them goes by.
const PIECES: u32 = 20;

/// What it is told by.
pub struct Signals {
    terminate: Signal,
    interrupt: Signal,
    quit: Signal,
}

impl Signals {
    /// Listens from now on.
    pub fn listen() -> Result<Self> {
        let (terminate, interrupt, quit) =
            (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?, signal(SignalKind::quit())?);
        Ok(Self { terminate, interrupt, quit })
    }

    /// Stops the server when it is told to: on SIGTERM with every answer given, on SIGINT and SIGQUIT at once.
    pub async fn obey(mut self, server: ServerHandle, leaving: CancellationToken) {
        let gracefully = tokio::select! {
            _ = self.terminate.recv() => true,
            _ = self.interrupt.recv() => false,
            _ = self.quit.recv() => false,
        };
        if gracefully {
            leaving.cancel();
            for _ in 0..PIECES {
                tokio::time::sleep(FAREWELL / PIECES).await;
            }
        }
        server.stop(gracefully).await;
    }
}
