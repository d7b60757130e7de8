//! A server with a cluster: what lists, infos and deploys beside many apps with their units take, in time and in memory.

use std::{
    fs::create_dir_all,
    path::Path,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use actix_web::{
    App, HttpServer, rt,
    web::{Data, to},
};

use crate::{
    Result, builds,
    client::{Connection, load},
    cluster::{self, Cluster},
    compare::{CONNECTIONS, compared},
    deploy::{self, asked},
    fill::create,
    server::{Running, free_port, log_in, resident, start, wait_for},
};

/// Each has two units.
const APPS: usize = 1000;
/// Memory after a minute of reads, at most, in MiB.
const MEMORY_LIMIT: f64 = 100.0;
const MINUTE: Duration = Duration::from_secs(60);

/// The routes that are asked.
const ROUTES: [&str; 3] = ["/1.0/apps", "/1.0/apps?simplified=true", "/1.0/apps/app-500"];

/// Stands in for the cluster and its build service.
pub fn stand_in(numbers: [&str; 3]) -> Result<()> {
    let number = |text: &str| text.parse::<u16>().map_err(|error| format!("{text}: {error}"));
    let [port, builds, apps] = numbers.map(number);
    let (port, builds, cluster) = (port?, builds?, Data::new(Cluster::of(apps?.into())));
    let app = move || App::new().app_data(cluster.clone()).default_service(to(cluster::answer));
    let run = async {
        rt::spawn(builds::serve(builds));
        HttpServer::new(app).workers(1).bind(("127.0.0.1", port))?.run().await
    };
    rt::System::new().block_on(run).map_err(|error| error.to_string())
}

/// Measures it; says when the limit is passed.
pub fn measure(impaasd: &Path, folder: &Path) -> Result<()> {
    let (folder, port, builds, api) = (folder.join("crowd"), free_port()?, free_port()?, free_port()?);
    create_dir_all(&folder).map_err(|error| error.to_string())?;
    let this = std::env::current_exe().map_err(|error| error.to_string())?;
    let numbers = [port, builds].map(|port| port.to_string());
    let child = Command::new(this).arg("stand-in").args(numbers).arg(APPS.to_string()).stdin(Stdio::null()).spawn();
    let _cluster = Running(child.map_err(|error| error.to_string())?);
    wait_for(port, "/asked")?;
    let (server, _) = start(impaasd, &folder, api, free_port()?)?;
    let token = enter(&folder, (port, builds), api)?;
    println!("\n{APPS} apps, {} units in a cluster", APPS * 2);
    println!("memory once they are known   {:6.1} MiB", resident(server.0.id())?);
    let before = asked(port)?.len();
    compared(&folder, api, &token, &ROUTES)?;
    println!("memory after that            {:6.1} MiB", resident(server.0.id())?);
    for path in ROUTES {
        load(api, path, &token, CONNECTIONS, MINUTE / u32::try_from(ROUTES.len()).unwrap_or(1))?;
    }
    let memory = resident(server.0.id())?;
    println!("after a minute of reads more {memory:6.1} MiB (limit {MEMORY_LIMIT} MiB)");
    println!("asked of the cluster by that {:6} times", asked(port)?.len() - before);
    deploy::measure(api, port, &token)?;
    if memory > MEMORY_LIMIT { Err(format!("memory is {memory:.1} MiB, more than {MEMORY_LIMIT} MiB")) } else { Ok(()) }
}

/// Enters the cluster and makes the apps; waits until their units are known.
fn enter(folder: &Path, (port, builds): (u16, u16), api: u16) -> Result<String> {
    let mut connection = Connection::open(api)?;
    let token = log_in(&mut connection, &folder.join("data/first-login.txt"))?;
    let build = format!(r#""custom_data":{{"build-service-address":"127.0.0.1:{builds}"}}"#);
    let cluster = format!(r#"{{"name":"k","provisioner":"kubernetes","pools":["kube"],"addresses":["http://127.0.0.1:{port}"],{build}}}"#);
    let made = [
        ("/1.0/pools", r#"{"name":"kube","provisioner":"kubernetes","public":true}"#, 201),
        ("/1.8/routers", r#"{"name":"edge","type":"ingress","config":{"domain":"apps.test"}}"#, 201),
        ("/1.3/provisioner/clusters", &cluster, 200),
    ];
    for (path, body, expected) in made {
        let (status, answer) = connection.ask("POST", path, &token, body)?;
        if status != expected {
            return Err(format!("POST {path}: {status} {}", String::from_utf8_lossy(&answer)));
        }
    }
    create(&mut connection, &token, 0..APPS, "pool=kube")?;
    let begun = Instant::now();
    while begun.elapsed() < MINUTE {
        let (_, list) = connection.ask("GET", ROUTES[0], &token, "")?;
        if String::from_utf8_lossy(&list).matches(r#""Status":"started""#).count() == APPS * 2 {
            return Ok(token);
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    Err("the units are not seen".to_owned())
}
