//! A server of its own, in a folder of its own.

use std::{
    fs::read_to_string,
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use crate::{Result, client::Connection};

/// A process that ends with this value.
pub struct Running(pub Child);

impl Drop for Running {
    fn drop(&mut self) {
        drop((self.0.kill(), self.0.wait()));
    }
}

/// Starts it and waits for the first answer.
pub fn start(impaasd: &Path, folder: &Path, api: u16, apps: u16) -> Result<(Running, Duration)> {
    let mut command = Command::new(impaasd);
    command.arg("serve").arg("--data-dir").arg(folder.join("data")).args(["--listen", &format!("127.0.0.1:{api}")]);
    command.args(["--apps-listen", &format!("127.0.0.1:{apps}")]).args(["--log", "warn"]).current_dir(folder);
    let begun = Instant::now();
    let child = command.stdin(Stdio::null()).stdout(Stdio::null()).spawn();
    let running = Running(child.map_err(|error| format!("{}: {error}", impaasd.display()))?);
    wait_for(api, "/healthcheck/")?;
    Ok((running, begun.elapsed()))
}

/// Waits until a path is answered.
pub fn wait_for(port: u16, path: &str) -> Result<()> {
    let begun = Instant::now();
    while begun.elapsed() < Duration::from_secs(30) {
        let asked = Connection::open(port).and_then(|mut connection| connection.ask("GET", path, "", ""));
        if asked.is_ok_and(|(status, _)| status == 200) {
            return Ok(());
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    Err(format!("no answer from {path} on port {port}"))
}

/// A token of the admin, who is in this file.
pub fn log_in(connection: &mut Connection, file: &Path) -> Result<String> {
    let text = read_to_string(file).map_err(|error| format!("{}: {error}", file.display()))?;
    let mut lines = text.lines();
    let (email, password) = (lines.next().unwrap_or_default(), lines.next().unwrap_or_default());
    let (status, body) = connection.ask("POST", &format!("/1.0/users/{email}/tokens"), "", &format!("password={password}"))?;
    let body = String::from_utf8_lossy(&body);
    let token = body.split("\"token\":\"").nth(1).and_then(|rest| rest.split('"').next());
    token.map(str::to_owned).ok_or(format!("login: {status} {body}"))
}

/// Resident memory in MiB.
pub fn resident(pid: u32) -> Result<f64> {
    let status = PathBuf::from(format!("/proc/{pid}/status"));
    let text = read_to_string(status).map_err(|error| error.to_string())?;
    let line = text.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap_or_default();
    let kib: f64 = line.trim().trim_end_matches(" kB").parse().map_err(|error| format!("{line}: {error}"))?;
    Ok(kib / 1024.0)
}

/// A free port of the loopback address.
pub fn free_port() -> Result<u16> {
    let listener = TcpListener::bind("127.0.0.1:0").map_err(|error| error.to_string())?;
    Ok(listener.local_addr().map_err(|error| error.to_string())?.port())
}
