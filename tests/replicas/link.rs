//! The way to a database, which can be closed for a while.

use std::sync::Arc;

use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpStream},
    sync::watch,
};

/// Passes on what comes while it is open; ends with the runtime of its test.
pub struct Link {
    open: Arc<watch::Sender<bool>>,
    port: u16,
}

impl Link {
    /// An open one to the server of this URL, which names one host and port.
    pub async fn to(url: &str) -> Self {
        let host = url.trim_start_matches("mongodb://").split(['/', '?']).next().unwrap().to_owned();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let link = Self { open: Arc::new(watch::Sender::new(true)), port: listener.local_addr().unwrap().port() };
        tokio::spawn(listen(link.open.clone(), listener, host));
        link
    }

    /// How the server is reached by it.
    pub fn url(&self) -> String {
        format!("mongodb://127.0.0.1:{}", self.port)
    }

    /// From now on nobody gets through, and who was through is cut off.
    pub fn close(&self) {
        self.open.send_replace(false);
    }

    /// From now on everybody gets through.
    pub fn open(&self) {
        self.open.send_replace(true);
    }
}

async fn listen(open: Arc<watch::Sender<bool>>, listener: TcpListener, host: String) {
    while let Ok((stream, _)) = listener.accept().await {
        let mut open = open.subscribe();
        if !*open.borrow_and_update() {
            continue;
        }
        let host = host.clone();
        tokio::spawn(async move {
            tokio::select! {
                () = pass_on(stream, &host) => {}
                _ = open.changed() => {}
            }
        });
    }
}

async fn pass_on(mut from: TcpStream, host: &str) {
    if let Ok(mut to) = TcpStream::connect(host).await {
        // An end is an end, whichever side it comes from.
        copy_bidirectional(&mut from, &mut to).await.ok();
    }
}
