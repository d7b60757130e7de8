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
    let contract = contract();
    let reads =
        |key, text| contract.iter().any(|route| &route.key == key && route.cases.iter().any(|case| case.text.as_deref() == Some(text)));
    for request in &requests() {
        let bodies = [("application/json", "{", JSON, JSON), (FORM, "a=%zz", "unable to parse form: <why>", FIELDS)];
        for (content_type, body, text, case) in bodies {
            if !reads(&request.key, case) {
                continue;
            }
            let reply = request.send_body(&admin, content_type, body).await;
            faults.unless(|| reply.fails_like(400, text));
        }
    }
    faults.none();
}

const JSON: &str = "unable to parse as json: <why>";
const FIELDS: &str = "unable to <parse or decode> form: <why>";
