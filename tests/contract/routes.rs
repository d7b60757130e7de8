//! The table of the contract against the route table of the server.

use std::collections::HashSet;

use impaas::api::{
    route::{Door, Router},
    routes,
};

use super::{cases::key, table};
use crate::api::harness::Server;

const ERRORS: &str = include_str!("errors.csv");
const ROUTES: &str = include_str!("routes.csv");

/// The table of the contract.
pub fn contract() -> Vec<table::Route> {
    table::read(ROUTES, ERRORS).unwrap()
}

#[test]
fn every_case_that_we_answer_otherwise_on_purpose_is_a_deviation() {
    let lines = table::lines::<4>(include_str!("../../compat-tests/deviations.csv"), "route,tsuru,impaas,why").unwrap();
    let deviations: Vec<String> =
        lines.into_iter().map(|(line, cells)| cells.unwrap_or_else(|why| panic!("{line}: {why}"))[0].clone()).collect();
    for route in contract().iter().filter(|route| route.cases.iter().any(|case| case.unless.as_deref() == Some(table::DEVIATION))) {
        let line = format!("{} {}", route.key.0, route.key.1);
        assert!(deviations.iter().any(|known| known.split(", ").any(|one| one == line)), "{line}");
    }
}

/// Routes that clients need besides, and our own.
const MORE: [(&str, &str, &str); 6] = [
    ("PUT", "/volumes/{name}", "1.4"),
    ("POST", "/auth/webLogin", "1.0"),
    ("POST", "/roles/associate", "1.0"),
    ("DELETE", "/roles/dissociate", "1.0"),
    ("GET", "/webhooks/key", "1.6"),
    ("GET", "/openapi.json", "1.0"),
];

#[test]
fn the_contract_has_223_routes_and_each_is_served_as_it_stands_there() {
    let (contract, served) = (contract(), routes::table());
    assert_eq!(contract.len(), 223);
    for route in &contract {
        let line = served.iter().find(|line| key(line) == route.key).unwrap_or_else(|| panic!("not served: {:?}", route.key));
        assert_eq!(line.door == Door::Open, route.open, "door of {:?}", route.key);
    }
}

#[test]
fn no_route_is_served_that_the_contract_does_not_know() {
    let known: HashSet<_> = contract().into_iter().map(|route| route.key).collect();
    let more: HashSet<_> = MORE.iter().map(|(method, path, since)| (method.to_string(), path.to_string(), since.to_string())).collect();
    for route in routes::table() {
        assert!(known.contains(&key(&route)) || more.contains(&key(&route)), "{:?}", key(&route));
    }
}

#[test]
fn every_version_from_the_first_one_on_reaches_a_route_and_none_before() {
    let router = Router::new(routes::table());
    for (method, path, since) in contract().into_iter().map(|route| route.key) {
        let asked = path.replace(":.*}", "}").replace(['{', '}'], "");
        let found = |version: &str| router.find(&method, &format!("/{version}{asked}")).map(|found| key(found.route));
        let first: u32 = since.strip_prefix("1.").unwrap().parse().unwrap();
        let split = path.ends_with("/certificate") && method == "GET" && first == 2;
        for minor in [first, first + 1, 31, 99, 1000] {
            let expected = if split && minor >= 24 { "1.24" } else { &since };
            let found = found(&format!("1.{minor}")).unwrap_or_else(|| panic!("{method} /1.{minor}{asked}"));
            assert_eq!((found.0.as_str(), found.1.as_str(), found.2.as_str()), (method.as_str(), path.as_str(), expected), "1.{minor}");
        }
        let before = found(&format!("1.{}", first.wrapping_sub(1)));
        assert!(first == 0 || before.is_none_or(|found| found.2 != since), "{method} {path} answers before {since}");
    }
}

#[test]
fn every_permission_and_event_kind_of_the_contract_is_in_the_scheme() {
    let scheme: HashSet<&str> =
        include_str!("../../src/permission/scheme.csv").lines().map(|line| line.split(',').next().unwrap()).collect();
    for route in contract() {
        let asked = route.permissions.asked.iter().flatten().filter(|permission| !["any", "event"].contains(&permission.name.as_str()));
        for name in asked.map(|permission| permission.name.as_str()).chain(route.event.as_deref().filter(|kind| *kind != "job.trigger")) {
            assert!(scheme.contains(name), "{name} of {:?}", route.key);
        }
    }
}

#[actix_web::test]
async fn every_route_that_needs_a_token_is_401_without_one() {
    let server = Server::new().await;
    for (method, path, since) in contract().into_iter().filter(|route| !route.open).map(|route| route.key) {
        let asked = path.replace(":.*}", "}").replace(['{', '}'], "");
        let reply = server.nobody().request(&method, &format!("/{since}{asked}")).send().await;
        let reply = reply.fails(401, "You must provide a valid Authorization header");
        assert_eq!(reply.header("www-authenticate"), Some("Bearer realm=\"tsuru\" scope=\"tsuru\""), "{method} {path}");
    }
}

#[test]
fn a_cell_that_cannot_be_read_is_an_error() {
    let line = "GET,/info,1.0,token,-,-,200,401";
    let head = "method,path,since,door,permissions,event,success,errors";
    let errors = "method,path,since,status,text,unless";
    let read = |line: &str, more: &str| table::read(&format!("{head}\n{line}\n"), &format!("{errors}\n{more}"));
    assert_eq!(read(line, "").unwrap().len(), 1);
    for (from, to) in [
        ("GET", "get"),
        ("token", "maybe"),
        (",-,-,", ",app.read on team,-,"),
        (",-,-,", ",app.read(moon),-,"),
        (",-,-,", ",some: app.read(app),-,"),
        ("200", "ok"),
        ("401", "401 and 403"),
        ("401", "403"),
        (",401", ""),
        (",401", ",401,x"),
        ("/info", "\"/info"),
    ] {
        assert!(read(&line.replacen(from, to, 1), "").is_err(), "{to}");
    }
    for wrong in ["GET,/else,1.0,404,no,", "GET,/info,1.0,x,no,", "GET,/info,1.0,500,<any>,", "GET,/info,1.0,500"] {
        assert!(read(line, wrong).is_err(), "{wrong}");
    }
}

#[test]
fn placeholders_stand_for_any_text_and_nothing_else_does() {
    assert!(table::matches("App <app> not found.", "App x not found."));
    assert!(table::matches("a <b> c <d>", "a 1 c 2"));
    for (pattern, text) in [("App <app> not found.", "App x not found"), ("no", "none"), ("a <b> c", "a  d"), ("<a>!", "!?")] {
        assert!(!table::matches(pattern, text), "{pattern}");
    }
}
