//! The measurements, in order.

use std::{
    fs::{create_dir_all, remove_dir_all},
    path::Path,
    time::Duration,
};

use crate::{
    Result,
    client::{Connection, millis},
    compare::compared,
    crowd,
    fill::{create, set_variables},
    scale,
    server::{free_port, log_in, resident, start},
};

/// First answer after a start, at most.
const START_LIMIT: Duration = Duration::from_millis(300);

/// Memory when idle, at most, in MiB.
const MEMORY_LIMIT: f64 = 40.0;

/// So many apps are there for the small, the usual and the large measurement.
const APPS: [usize; 3] = [100, 1000, 10_000];
/// What the apps of this machine are besides.
const HERE: &str = "platform=static";

/// The routes that are asked.
const ROUTES: [&str; 7] =
    ["/healthcheck/", "/1.0/users/info", "/1.0/teams", "/1.0/plans", "/1.1/events?limit=20", "/1.0/apps/app-500", "/1.0/apps"];

/// What tests hold: how often each route asks the store.
const BUDGETS: &str = include_str!("../../tests/budget/budgets.txt");

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
