//! A place where an app's own code waits until a test lets it go on: it opens a connection and reads; the test answers when it
//! wants. So a test can act in the middle of a build or a start without guessing how long that takes.

use std::time::Duration;

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
    time::timeout,
};

use crate::server::{PATIENCE, Server, archive, read};

/// Python that waits at the gate whose port is its first argument.
pub const WAIT: &str = r#"
import socket, sys
print("at the gate", flush=True)
with socket.create_connection(("127.0.0.1", int(sys.argv[1]))) as gate:
    gate.sendall(b"knock")
    gate.recv(1)
print("through the gate", flush=True)
"#;

/// Shows the files of its folder.
const FOLDER: &str = "from http.server import *
import os
HTTPServer(('', int(os.environ['PORT'])), SimpleHTTPRequestHandler).serve_forever()
";

/// The gate.
pub struct Gate {
    listener: TcpListener,
}

impl Gate {
    /// A gate on a free port.
    pub async fn new() -> Self {
        Self { listener: TcpListener::bind("127.0.0.1:0").await.expect("a free port") }
    }

    /// Its port.
    pub fn port(&self) -> u16 {
        self.listener.local_addr().expect("an address").port()
    }

    /// An app whose build waits at the gate; it shows the files of its folder, with these among them.
    pub fn app(&self, files: &[(&str, &str)]) -> Vec<u8> {
        let hooks = format!("hooks:\n  build:\n    - python3 gate.py {}\n", self.port());
        let own = [("app.py", FOLDER), ("Procfile", "web: python3 app.py\n"), ("tsuru.yaml", &hooks), ("gate.py", WAIT)];
        archive::of_files(&[&own, files].concat())
    }

    /// Begins a deploy and waits until it stands at the gate. What it answers, and who waits.
    pub async fn deploy(&self, server: &Server, app: &str, archive: &[u8]) -> (JoinHandle<(u16, String)>, Waiting) {
        let request = server.deploy_request(app, archive);
        let deploy = tokio::spawn(async move { read(request.send().await.expect("an answer")).await });
        (deploy, self.reached().await)
    }

    /// Waits until somebody stands at the gate.
    pub async fn reached(&self) -> Waiting {
        let arrival = async {
            let (mut stream, _) = self.listener.accept().await.expect("a connection");
            stream.read_exact(&mut [0; 5]).await.expect("a knock");
            Waiting(stream)
        };
        timeout(PATIENCE, arrival).await.expect("nobody came to the gate")
    }
}

/// Somebody who waits; goes on when this is dropped or let through.
pub struct Waiting(TcpStream);

impl Waiting {
    /// Lets it go on.
    pub async fn let_through(mut self) {
        // Whoever waited may have been killed meanwhile.
        drop(self.0.write_all(b"!").await);
    }

    /// Whether it is gone (killed) within this time.
    pub async fn vanished(mut self, within: Duration) -> bool {
        matches!(timeout(within, self.0.read(&mut [0; 1])).await, Ok(Ok(0) | Err(_)))
    }
}
