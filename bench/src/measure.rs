//! The measurements, in order.

use std::{
    fs::{create_dir_all, read_to_string, remove_dir_all, write},
    net::TcpListener,
    ops::Range,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use crate::{
    Result,
    client::{Connection, Figures, load},
    scale,
};

/// First answer after a start, at most.
const START_LIMIT: Duration = Duration::from_millis(300);

/// Memory when idle, at most, in MiB.
const MEMORY_LIMIT: f64 = 40.0;

/// So many apps are there for the small, the usual and the large measurement.
const APPS: [usize; 3] = [100, 1000, 10_000];
const VARIABLES: usize = 200;
const CONNECTIONS: usize = 8;

/// The routes that are asked.
const ROUTES: [&str; 7] =
    ["/healthcheck/", "/1.0/users/info", "/1.0/teams", "/1.0/plans", "/1.1/events?limit=20", "/1.0/apps/app-500", "/1.0/apps"];

/// What tests hold: how often each route asks the store.
const BUDGETS: &str = include_str!("../../tests/budget/budgets.txt");

/// How long each route is asked.
const TIME: Duration = Duration::from_secs(4);

/// A process that ends with this value.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        drop((self.0.kill(), self.0.wait()));
    }
}

/// Measures everything; an error when a limit is passed.
pub fn run(impaasd: &Path) -> Result<()> {
    let folder = std::env::temp_dir().join(format!("impaas-bench-{}", std::process::id()));
    create_dir_all(&folder).map_err(|error| error.to_string())?;
    let outcome = measure(impaasd, &folder);
    drop(remove_dir_all(&folder));
    outcome
}

fn measure(impaasd: &Path, folder: &Path) -> Result<()> {
    let (api, apps) = (free_port()?, free_port()?);
    let (server, first) = start(impaasd, folder, api, apps)?;
    drop(server);
    let (server, again) = start(impaasd, folder, api, apps)?;
    std::thread::sleep(Duration::from_secs(2));
    let memory = resident(server.0.id())?;
    println!("first start to first answer  {:6.0} ms (limit {} ms)", millis(first), START_LIMIT.as_millis());
    println!("later start to first answer  {:6.0} ms (limit {} ms)", millis(again), START_LIMIT.as_millis());
    println!("idle memory                  {memory:6.1} MiB (limit {MEMORY_LIMIT} MiB)");
    grow(folder, api, server.0.id())?;
    println!("\n{BUDGETS}");
    drop(server);
    limits(first.max(again), memory)
}

fn limits(start: Duration, memory: f64) -> Result<()> {
    if start > START_LIMIT {
        return Err(format!("the start took {:.0} ms, more than {} ms", millis(start), START_LIMIT.as_millis()));
    }
    if memory > MEMORY_LIMIT {
        return Err(format!("idle memory is {memory:.1} MiB, more than {MEMORY_LIMIT} MiB"));
    }
    Ok(())
}

/// Starts it and waits for the first answer.
fn start(impaasd: &Path, folder: &Path, api: u16, apps: u16) -> Result<(Running, Duration)> {
    let mut command = Command::new(impaasd);
    command.arg("serve").arg("--data-dir").arg(folder.join("data")).args(["--listen", &format!("127.0.0.1:{api}")]);
    command.args(["--apps-listen", &format!("127.0.0.1:{apps}")]).args(["--log", "warn"]).current_dir(folder);
    let begun = Instant::now();
    let child = command.stdin(Stdio::null()).stdout(Stdio::null()).spawn();
    let running = Running(child.map_err(|error| format!("{}: {error}", impaasd.display()))?);
    wait_for(api, "/healthcheck/")?;
    Ok((running, begun.elapsed()))
}

fn wait_for(port: u16, path: &str) -> Result<()> {
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

/// Everything that is asked of a server as it fills.
fn grow(folder: &Path, api: u16, pid: u32) -> Result<()> {
    let [few, usual, many] = APPS;
    let mut connection = Connection::open(api)?;
    let token = log_in(&mut connection, &folder.join("data/first-login.txt"))?;
    create(&mut connection, &token, 0..few)?;
    let among_few = scale::ask(api, &token)?;
    let mut connection = Connection::open(api)?;
    create(&mut connection, &token, few..usual)?;
    set_variables(&mut connection, &token)?;
    routes(folder, api, &token)?;
    println!("memory after that            {:6.1} MiB", resident(pid)?);
    let mut connection = Connection::open(api)?;
    create(&mut connection, &token, usual..many)?;
    let among_many = scale::ask(api, &token)?;
    scale::compare((few, &among_few), (many, &among_many));
    println!("memory after that            {:6.1} MiB", resident(pid)?);
    Ok(())
}

fn create(connection: &mut Connection, token: &str, numbers: Range<usize>) -> Result<()> {
    let (begun, (first, end)) = (Instant::now(), (numbers.start, numbers.end));
    for number in numbers {
        let form = format!("name=app-{number}&platform=static&teamOwner=demo");
        let (status, body) = connection.ask("POST", "/1.0/apps", token, &form)?;
        if status != 201 {
            return Err(format!("app {number} was not created: {status} {}", String::from_utf8_lossy(&body)));
        }
    }
    println!(
        "app create                   {:6.2} ms each, one after the other, up to {end} of them",
        millis(begun.elapsed()) / (end - first) as f64
    );
    Ok(())
}

fn set_variables(connection: &mut Connection, token: &str) -> Result<()> {
    let begun = Instant::now();
    for number in 0..VARIABLES {
        let form = format!("Envs.0.Name=A&Envs.0.Value={number}&NoRestart=true");
        let (status, body) = connection.ask("POST", "/1.0/apps/app-1/env", token, &form)?;
        if status != 200 {
            return Err(format!("a variable was not set: {status} {}", String::from_utf8_lossy(&body)));
        }
    }
    println!("env set                      {:6.2} ms each, one after the other", millis(begun.elapsed()) / VARIABLES as f64);
    Ok(())
}

fn routes(folder: &Path, api: u16, token: &str) -> Result<()> {
    println!("\n{CONNECTIONS} connections          requests/s   p50 ms   p99 ms      bytes   no-op/s   ratio");
    for path in ROUTES {
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

fn log_in(connection: &mut Connection, file: &Path) -> Result<String> {
    let text = read_to_string(file).map_err(|error| format!("{}: {error}", file.display()))?;
    let mut lines = text.lines();
    let (email, password) = (lines.next().unwrap_or_default(), lines.next().unwrap_or_default());
    let (status, body) = connection.ask("POST", &format!("/1.0/users/{email}/tokens"), "", &format!("password={password}"))?;
    let body = String::from_utf8_lossy(&body);
    let token = body.split("\"token\":\"").nth(1).and_then(|rest| rest.split('"').next());
    token.map(str::to_owned).ok_or(format!("login: {status} {body}"))
}

/// Resident memory in MiB.
fn resident(pid: u32) -> Result<f64> {
    let status = PathBuf::from(format!("/proc/{pid}/status"));
    let text = read_to_string(status).map_err(|error| error.to_string())?;
    let line = text.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap_or_default();
    let kib: f64 = line.trim().trim_end_matches(" kB").parse().map_err(|error| format!("{line}: {error}"))?;
    Ok(kib / 1024.0)
}

fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}

fn free_port() -> Result<u16> {
    let listener = TcpListener::bind("127.0.0.1:0").map_err(|error| error.to_string())?;
    Ok(listener.local_addr().map_err(|error| error.to_string())?.port())
}
