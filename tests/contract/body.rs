//! Bodies that cannot be read.

use super::{
    faults::Faults,
    request::{FORM, requests},
    routes::contract,
    world::World,
};

#[actix_web::test]
async fn every_route_with_a_body_says_why_it_cannot_be_read() {
    let world = World::new().await;
    let mut faults = Faults::default();
    let admin = world.server.admin().await;
    let reads = |key| contract().iter().any(|route| &route.key == key && route.cases.iter().any(|case| case.text.as_deref() == Some(JSON)));
    for request in requests().iter().filter(|request| reads(&request.key)) {
        let json = "application/json";
        for (content_type, body, text) in [(json, "{", JSON), (FORM, "a=%zz", "unable to parse form: <why>")] {
            let reply = request.send_body(&admin, content_type, body).await;
            faults.unless(|| reply.fails_like(400, text));
        }
    }
    faults.none();
}

const JSON: &str = "unable to parse as json: <why>";
