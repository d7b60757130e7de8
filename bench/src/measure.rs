//! The measurements, in order.

use std::{
    fs::{create_dir_all, remove_dir_all, write},
    ops::Range,
    path::Path,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use crate::{
    Result,
    client::{Connection, Figures, load},
    crowd, scale,
    server::{Running, free_port, log_in, resident, start, wait_for},
};

/// First answer after a start, at most.
const START_LIMIT: Duration = Duration::from_millis(300);

/// Memory when idle, at most, in MiB.
const MEMORY_LIMIT: f64 = 40.0;

/// So many apps are there for the small, the usual and the large measurement.
const APPS: [usize; 3] = [100, 1000, 10_000];
const VARIABLES: usize = 200;
/// What the apps of this machine are besides.
const HERE: &str = "platform=static";
/// So many ask at the same time.
pub const CONNECTIONS: usize = 8;

/// The routes that are asked.
const ROUTES: [&str; 7] =
    ["/healthcheck/", "/1.0/users/info", "/1.0/teams", "/1.0/plans", "/1.1/events?limit=20", "/1.0/apps/app-500", "/1.0/apps"];

/// What tests hold: how often each route asks the store.
const BUDGETS: &str = include_str!("../../tests/budget/budgets.txt");

/// How long each route is asked.
const TIME: Duration = Duration::from_secs(4);

/// What is measured.
#[derive(Clone, Copy)]
pub enum What {
    /// The server by itself, and with a cluster.
    All,
    /// With a cluster.
    Cluster,
}

/// Measures; an error when a limit is passed.
pub fn run(impaasd: &Path, what: What) -> Result<()> {
    let impaasd = &impaasd.canonicalize().map_err(|error| format!("{}: {error}", impaasd.display()))?;
    let folder = std::env::temp_dir().join(format!("impaas-bench-{}", std::process::id()));
    create_dir_all(&folder).map_err(|error| error.to_string())?;
    let alone = if matches!(what, What::All) { measure(impaasd, &folder) } else { Ok(()) };
    let outcome = crowd::measure(impaasd, &folder).and(alone);
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

/// Everything that is asked of a server as it fills.
fn grow(folder: &Path, api: u16, pid: u32) -> Result<()> {
    let [few, usual, many] = APPS;
    let mut connection = Connection::open(api)?;
    let token = log_in(&mut connection, &folder.join("data/first-login.txt"))?;
    create(&mut connection, &token, 0..few, HERE)?;
    let among_few = scale::ask(api, &token)?;
    let mut connection = Connection::open(api)?;
    create(&mut connection, &token, few..usual, HERE)?;
    set_variables(&mut connection, &token)?;
    compared(folder, api, &token, &ROUTES)?;
    println!("memory after that            {:6.1} MiB", resident(pid)?);
    let mut connection = Connection::open(api)?;
    create(&mut connection, &token, usual..many, HERE)?;
    let among_many = scale::ask(api, &token)?;
    scale::compare((few, &among_few), (many, &among_many));
    println!("memory after that            {:6.1} MiB", resident(pid)?);
    Ok(())
}

/// Makes apps of these numbers; `more` says what they are besides.
pub fn create(connection: &mut Connection, token: &str, numbers: Range<usize>, more: &str) -> Result<()> {
    let (begun, (first, end)) = (Instant::now(), (numbers.start, numbers.end));
    for number in numbers {
        let form = format!("name=app-{number}&teamOwner=demo&{more}");
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

/// As shown.
pub fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}
