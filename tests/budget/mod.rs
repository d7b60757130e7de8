//! How often each route asks the store, the same in a small and in a large installation.

mod crowd;

use std::{
    fmt::Write,
    time::{Duration, Instant},
};

use impaas::api::{route::Router, routes};

use crate::{
    api::{
        broker::Broker,
        harness::{Caller, Reply, Server},
        memory::Memory,
    },
    server::archive::multipart,
};

const BUDGETS: &str = include_str!("budgets.txt");
/// A read asks the store so often at most.
const MOST_OF_A_READ: u64 = 2;

/// How long anything is remembered, and what is read of a caller who is not.
const FRESH: Duration = Duration::from_secs(1);
const ABOUT_A_CALLER: u64 = 3;

/// A line of the table.
struct Line {
    reads: u64,
    writes: u64,
    method: &'static str,
    path: &'static str,
    body: &'static str,
}

fn lines() -> Vec<Line> {
    let words = BUDGETS.lines().filter(|line| !line.starts_with('#')).map(|line| line.splitn(5, ' '));
    words
        .map(|mut words| Line {
            reads: words.next().unwrap().parse().unwrap(),
            writes: words.next().unwrap().parse().unwrap(),
            method: words.next().unwrap(),
            path: words.next().unwrap(),
            body: words.next().unwrap_or_default(),
        })
        .collect()
}

#[actix_web::test]
async fn no_route_asks_the_store_more_often_than_its_budget_among_10_things() {
    hold_budgets(10).await;
}

#[actix_web::test]
async fn no_route_asks_the_store_more_often_than_its_budget_among_2000_things() {
    hold_budgets(2000).await;
}

#[actix_web::test]
async fn every_read_has_a_budget() {
    let router = Router::new(routes::table());
    let route = |line: &Line| Some(router.find(line.method, line.path.split('?').next()?)?.route.path);
    let budgeted: Vec<&str> = lines().iter().filter_map(route).collect();
    let server = Server::new().await;
    let admin = server.admin().await;
    let mut missing = Vec::new();
    for read in router.routes().iter().filter(|route| route.method == "GET" && !budgeted.contains(&route.path)) {
        let talks = WITHOUT.iter().any(|without| read.path.starts_with(without));
        if !talks && admin.get(read.path).send().await.status != NOT_YET {
            missing.push(read.path);
        }
    }
    assert!(missing.is_empty(), "no budget for GET {missing:?}");
}

/// The status of routes that are not served yet.
const NOT_YET: u16 = 501;

/// Reads that talk for as long as the client listens, or that are about the process.
const WITHOUT: [&str; 3] = ["/apps/{appname}/shell", "/debug/", "/logs"];

#[test]
fn no_read_has_a_budget_over_two() {
    for line in lines().iter().filter(|line| line.method == "GET") {
        assert!(line.reads <= MOST_OF_A_READ && line.writes == 0, "GET {}: {} reads, {} writes", line.path, line.reads, line.writes);
    }
}

async fn hold_budgets(crowd: usize) {
    let server = Server::with(Memory::new()).await;
    std::fs::create_dir_all(server.ctx.config.uploads()).unwrap();
    let broker = Broker::start();
    crowd::fill(&server.ctx.store, crowd).await;
    let (mut wrong, mut measured) = (Vec::new(), String::new());
    for line in lines() {
        let ((reads, writes), slow) = measure(&server, &line, &broker).await;
        writeln!(measured, "{reads} {writes} {} {} {}", line.method, line.path, line.body).unwrap();
        // Blocks of events are looked up once a second, by whichever change comes then.
        let once = u64::from(line.method != "GET");
        // A change cannot be tried again: on a busy machine it may find nothing remembered of its caller.
        let forgotten = if slow { ABOUT_A_CALLER } else { 0 };
        if reads > line.reads + once + forgotten || writes > line.writes {
            wrong.push(format!(
                "{} {}: {reads} reads, {writes} writes; its budget: {}, {}",
                line.method, line.path, line.reads, line.writes
            ));
        }
    }
    assert!(wrong.is_empty(), "among {crowd}:\n{}\n\nmeasured:\n{measured}", wrong.join("\n"));
}

/// Reads and writes, and whether what is remembered became too old meanwhile.
async fn measure(server: &Server, line: &Line, broker: &Broker) -> ((u64, u64), bool) {
    let path = filled(server, line.path).await;
    let (mut counted, mut slow) = (Vec::new(), false);
    // What is remembered may become a second old in between: a read is tried again, on a busy machine often.
    for _ in 0..if line.method == "GET" { 20 } else { 1 } {
        let admin = server.admin().await;
        let known = Instant::now();
        admin.get("/1.0/users/info").send().await.ok(200);
        if line.method == "GET" {
            ask(&admin, line, &path, broker).await;
        }
        let commands = server.ctx.store.commands();
        let before = (commands.reads(), commands.writes());
        let reply = ask(&admin, line, &path, broker).await;
        let fine = (200..300).contains(&reply.status) || (line.method == "GET" && reply.status == 404);
        assert!(fine, "{} {}: {} {}", line.method, line.path, reply.status, reply.text);
        slow = line.method != "GET" && known.elapsed() >= FRESH;
        counted.push((commands.reads() - before.0, commands.writes() - before.1));
        if counted.last().is_some_and(|(reads, _)| *reads <= line.reads) {
            break;
        }
    }
    (counted.into_iter().min().unwrap(), slow)
}

async fn ask(admin: &Caller<'_>, line: &Line, path: &str, broker: &Broker) -> Reply {
    let request = admin.request(line.method, path);
    match line.body {
        "" => request,
        "@archive" => {
            let (content_type, body) = multipart(&[("origin", "app-deploy")], b"the archive");
            request.body(&content_type, body)
        }
        json if json.starts_with('{') && !json.starts_with("{broker") => request.body("application/json", json),
        form => request.body("application/x-www-form-urlencoded", form.replace("{broker}", &broker.url)),
    }
    .send()
    .await
}

/// The path with the ids of things made by lines above.
async fn filled(server: &Server, path: &str) -> String {
    if path == "/deploys/{deploy}" || path == "/events/{event}" {
        let kind = if path.starts_with("/deploys") { "app.deploy" } else { "app.create" };
        let event = crowd::event(&server.ctx.store, kind, "one").await;
        return path.split('{').next().unwrap().to_owned() + &event.id.to_hex();
    }
    path.to_owned()
}
