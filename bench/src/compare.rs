//! Routes of the server beside a route that sends the same bytes and does nothing.

use std::{
    fs::write,
    path::Path,
    process::{Command, Stdio},
    time::Duration,
};

use crate::{
    Result,
    client::{Connection, Figures, load, millis},
    server::{Running, free_port, wait_for},
};

/// So many ask at the same time.
pub const CONNECTIONS: usize = 8;

/// How long each route is asked.
const TIME: Duration = Duration::from_secs(4);

/// Asks each route for a while, and the same bytes of a route that does nothing.
pub fn compared(folder: &Path, api: u16, token: &str, paths: &[&str]) -> Result<()> {
    println!("\n{CONNECTIONS} connections          requests/s   p50 ms   p99 ms      bytes   no-op/s   ratio");
    for path in paths {
        // A connection of its own: servers close those that were idle while another one was measured.
        let (status, body) = Connection::open(api)?.ask("GET", path, token, "")?;
        if status != 200 {
            return Err(format!("GET {path}: {status} {}", String::from_utf8_lossy(&body)));
        }
        let ours = load(api, path, token, CONNECTIONS, TIME)?;
        let noop = noop(folder, &body)?;
        row(path, &ours, body.len(), &noop);
    }
    Ok(())
}

fn row(path: &str, ours: &Figures, bytes: usize, noop: &Figures) {
    let (p50, p99) = (millis(ours.p50), millis(ours.p99));
    println!("{path:22} {:10.0} {p50:8.2} {p99:8.2} {bytes:10} {:9.0} {:7.2}", ours.rate, noop.rate, ours.rate / noop.rate);
}

/// The same bytes from a route that does nothing, by a process of its own as the server is.
fn noop(folder: &Path, body: &[u8]) -> Result<Figures> {
    let (file, port) = (folder.join("body"), free_port()?);
    write(&file, body).map_err(|error| error.to_string())?;
    let this = std::env::current_exe().map_err(|error| error.to_string())?;
    let child = Command::new(this).arg("noop").arg(port.to_string()).arg(file).stdin(Stdio::null()).spawn();
    let _running = Running(child.map_err(|error| error.to_string())?);
    wait_for(port, "/")?;
    load(port, "/", "", CONNECTIONS, TIME)
}
