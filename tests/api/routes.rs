//! The route table against the contract.

use super::harness::Server;
use impaas::api::{route::Door, routes};

#[actix_web::test]
async fn every_route_that_needs_a_token_is_401_without_one() {
    let server = Server::new().await;
    for route in routes::table().iter().filter(|route| route.door == Door::Token) {
        let path = route.path.replace(":.*}", "}").replace(['{', '}'], "");
        let reply = server.nobody().request(route.method, &path).send().await;
        assert_eq!(reply.status, 401, "{} {path}: {}", route.method, reply.text);
    }
}

#[test]
fn the_table_serves_all_223_routes_of_the_contract() {
    let table = routes::table();
    for line in include_str!("../../src/api/contract.csv").lines() {
        let fields: Vec<&str> = line.split(',').collect();
        assert!(table.iter().any(|route| route.method == fields[0] && route.path == fields[2]), "{line}");
    }
}
