//! An `impaasd` of the build that was just made, in a folder of its own.

use std::{
    fs::{File, create_dir_all, read_to_string, remove_dir_all, write},
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{self, Child, Command, Stdio},
    sync::atomic::{AtomicU16, Ordering},
    time::{Duration, Instant},
};

use crate::Result;

/// A running server; dropping it stops it and removes its folder.
pub struct Server {
    child: Child,
    folder: PathBuf,
    /// Port of the API.
    pub api: u16,
    /// Port where apps answer.
    pub apps: u16,
}

impl Server {
    /// Starts `binary serve`, with its documents in this MongoDB or embedded, and waits for its first answer.
    pub fn start(binary: &Path, database: Option<&str>) -> Result<Self> {
        let (api, apps) = (free_port()?, free_port()?);
        let folder = std::env::temp_dir().join(format!("impaas-xtask-{}-{api}", std::process::id()));
        create_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
        let child = spawn(binary, &folder, api, apps, database)?;
        let mut server = Self { child, folder, api, apps };
        server.wait_for_answer()?;
        Ok(server)
    }

    /// Arguments by which the CLI tests find it.
    pub fn addresses(&self) -> [String; 6] {
        let login = self.folder.join("data/first-login.txt").to_string_lossy().into_owned();
        let (target, apps) = (format!("http://127.0.0.1:{}", self.api), format!("127.0.0.1:{}", self.apps));
        ["--target".to_owned(), target, "--apps".to_owned(), apps, "--login-file".to_owned(), login]
    }

    /// The end of what it printed.
    pub fn log_tail(&self) -> String {
        let log = read_to_string(self.folder.join("log")).unwrap_or_default();
        let lines: Vec<&str> = log.lines().collect();
        lines[lines.len().saturating_sub(40)..].join("\n")
    }

    fn wait_for_answer(&mut self) -> Result<()> {
        let begun = Instant::now();
        while !answers(self.api) {
            if let Ok(Some(status)) = self.child.try_wait() {
                return Err(format!("impaasd ended at start with {status}\n{}", self.log_tail()));
            }
            if begun.elapsed() > Duration::from_secs(120) {
                return Err(format!("impaasd does not answer\n{}", self.log_tail()));
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        Ok(())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Asked first, so that it ends what it runs; then made to.
        drop(Command::new("kill").arg(self.child.id().to_string()).status());
        let begun = Instant::now();
        while matches!(self.child.try_wait(), Ok(None)) && begun.elapsed() < Duration::from_secs(20) {
            std::thread::sleep(Duration::from_millis(20));
        }
        drop((self.child.kill(), self.child.wait(), remove_dir_all(&self.folder)));
    }
}

/// What the embedded server has by itself: a volume plan, and brokers and routers of this machine.
const SETTINGS: &str = "volume-plans:\n  local:\n    local: {}\n  azurefile:\n    local: {}\noutgoing:\n  allow: 127.0.0.1/32\n";

fn spawn(binary: &Path, folder: &Path, api: u16, apps: u16, database: Option<&str>) -> Result<Child> {
    let log = File::create(folder.join("log")).map_err(|error| format!("{}: {error}", folder.display()))?;
    let errors = log.try_clone().map_err(|error| error.to_string())?;
    let mut command = Command::new(binary);
    command.arg("serve").arg("--data-dir").arg(folder.join("data")).args(["--listen", &format!("127.0.0.1:{api}")]);
    command.args(["--apps-listen", &format!("127.0.0.1:{apps}")]).current_dir(folder);
    if let Some(url) = database {
        let (file, name) = (folder.join("tsuru.conf"), format!("impaas_day_{}", std::process::id()));
        write(&file, format!("database:\n  url: {url}\n  name: {name}\n{SETTINGS}")).map_err(|error| error.to_string())?;
        command.arg("--config").arg(file);
    }
    let child = command.stdin(Stdio::null()).stdout(log).stderr(errors).spawn();
    child.map_err(|error| format!("{}: {error}", binary.display()))
}

/// Whether the API answers at all.
fn answers(port: u16) -> bool {
    let ask = || -> std::io::Result<bool> {
        let mut stream = TcpStream::connect(("127.0.0.1", port))?;
        stream.set_read_timeout(Some(Duration::from_secs(5)))?;
        stream.write_all(b"GET /healthcheck/ HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")?;
        let mut text = String::new();
        stream.read_to_string(&mut text)?;
        Ok(text.starts_with("HTTP/1.1 200"))
    };
    ask().unwrap_or(false)
}

/// A free port of the loopback address, below those that the system gives to everybody: nobody takes it meanwhile.
pub fn free_port() -> Result<u16> {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let first = (process::id() % 1_500) as u16;
    let mut ports = (0..1_500).map(|_| 17_000 + (first + NEXT.fetch_add(1, Ordering::Relaxed)) % 1_500);
    ports.find(|port| TcpListener::bind(("127.0.0.1", *port)).is_ok()).ok_or_else(|| "no free port between 17000 and 18500".to_owned())
}
