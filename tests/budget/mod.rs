//! How often each route asks the store, the same in a small and in a large installation.

mod crowd;

use std::collections::BTreeMap;

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

/// So often what seems wrong is looked at.
const TRIES: usize = 4;

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

/// What is remembered may become too old in between, and a change cannot be tried again: what is over its budget each time is wrong.
async fn hold_budgets(crowd: usize) {
    let mut wrong = over_budget(crowd).await;
    for _ in 1..TRIES {
        if wrong.is_empty() {
            return;
        }
        let again = over_budget(crowd).await;
        wrong.retain(|line, _| again.contains_key(line));
    }
    assert!(wrong.is_empty(), "among {crowd}:\n{}", wrong.into_values().collect::<Vec<_>>().join("\n"));
}

/// The lines that asked the store too often, with what is to be said of each.
async fn over_budget(crowd: usize) -> BTreeMap<String, String> {
    let server = Server::with(Memory::new()).await;
    std::fs::create_dir_all(server.ctx.config.uploads()).unwrap();
    let broker = Broker::start();
    crowd::fill(&server.ctx.store, crowd).await;
    let mut wrong = BTreeMap::new();
    for line in lines() {
        let (reads, writes) = measure(&server, &line, &broker).await;
        // Blocks of events are looked up once a second, by whichever change comes then.
        let once = u64::from(line.method != "GET");
        if reads > line.reads + once || writes > line.writes {
            let name = format!("{} {} {}", line.method, line.path, line.body);
            let said = format!("{name}: {reads} reads, {writes} writes; its budget: {}, {}", line.reads, line.writes);
            wrong.insert(name, said);
        }
    }
    wrong
}

async fn measure(server: &Server, line: &Line, broker: &Broker) -> (u64, u64) {
    let path = filled(server, line.path).await;
    let mut counted = Vec::new();
    // What is remembered may become a second old in between: a read is tried again, on a busy machine often.
    for _ in 0..if line.method == "GET" { 20 } else { 1 } {
        let admin = server.admin().await;
        admin.get("/1.0/users/info").send().await.ok(200);
        if line.method == "GET" {
            ask(&admin, line, &path, broker).await;
        }
        let commands = server.ctx.store.commands();
        let before = (commands.reads(), commands.writes());
        let reply = ask(&admin, line, &path, broker).await;
        let fine = (200..300).contains(&reply.status) || (line.method == "GET" && reply.status == 404);
        assert!(fine, "{} {}: {} {}", line.method, line.path, reply.status, reply.text);
        counted.push((commands.reads() - before.0, commands.writes() - before.1));
        if counted.last().is_some_and(|(reads, _)| *reads <= line.reads) {
            break;
        }
    }
    counted.into_iter().min().unwrap()
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
