//! What a deploy takes beside its build, its image's way to the nodes and the start of its pods, for all of which the stand-ins take no time.

use std::time::{Duration, Instant};

use crate::{
    Result,
    client::{Connection, millis},
};

/// Changes of the cluster by one deploy, at most.
const WRITES: usize = 15;
/// Deploys after the first one.
const NEXT: usize = 9;
const APP: &str = "deployed";

/// One deploy.
struct Deploy {
    time: Duration,
    reads: usize,
    writes: usize,
}

/// Deploys an app again and again, beside all those that are there; says when the limit is passed.
pub fn measure(api: u16, cluster: u16, token: &str) -> Result<()> {
    let mut connection = Connection::open(api)?;
    let (status, body) = connection.ask("POST", "/1.0/apps", token, &format!("name={APP}&teamOwner=demo&pool=kube"))?;
    if status != 201 {
        return Err(format!("{APP} was not created: {status} {}", String::from_utf8_lossy(&body)));
    }
    let first = deploy(&mut connection, cluster, token)?;
    let mut next = (0..NEXT).map(|_| deploy(&mut connection, cluster, token)).collect::<Result<Vec<_>>>()?;
    next.sort_by_key(|deploy| deploy.time);
    println!("\none deploy, without build and start of pods       ms   reads   writes (limit {WRITES})");
    row("the first of the app", &first);
    let [fastest, .., slowest] = next.as_slice() else { return Err("there was one deploy".to_owned()) };
    let median = next.get(NEXT / 2).unwrap_or(slowest);
    row("a next one: fastest", fastest);
    row("a next one: median", median);
    row("a next one: slowest", slowest);
    let most = next.iter().chain([&first]).map(|deploy| deploy.writes).max().unwrap_or_default();
    if most > WRITES { Err(format!("a deploy changed the cluster {most} times, more than {WRITES}")) } else { Ok(()) }
}

fn deploy(connection: &mut Connection, cluster: u16, token: &str) -> Result<Deploy> {
    let before = asked(cluster)?.len();
    let begun = Instant::now();
    let (status, said) = connection.ask("POST", &format!("/1.0/apps/{APP}/deploy"), token, "image=registry.test/made/web:v1")?;
    let time = begun.elapsed();
    let said = String::from_utf8_lossy(&said);
    if status != 200 || !said.trim_end().ends_with("OK") {
        return Err(format!("the deploy failed: {status} {said}"));
    }
    let asked = asked(cluster)?.split_off(before);
    let reads = asked.iter().filter(|asked| asked.starts_with("GET ")).count();
    Ok(Deploy { time, reads, writes: asked.len() - reads })
}

/// What the cluster was asked so far.
pub fn asked(port: u16) -> Result<Vec<String>> {
    let (_, asked) = Connection::open(port)?.ask("GET", "/asked", "", "")?;
    Ok(String::from_utf8_lossy(&asked).lines().map(str::to_owned).collect())
}

fn row(name: &str, deploy: &Deploy) {
    println!("{name:44} {:7.1} {:7} {:8}", millis(deploy.time), deploy.reads, deploy.writes);
}
