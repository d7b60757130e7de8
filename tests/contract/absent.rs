//! Routes about an app that is not there.

use super::{faults::Faults, request::requests, routes::contract, world::World};

#[actix_web::test]
async fn every_route_about_an_app_says_when_it_is_not_there() {
    let world = World::new().await;
    let mut faults = Faults::default();
    let admin = world.server.admin().await;
    let about_apps = contract().into_iter().filter(|route| {
        route.cases.iter().any(|case| case.text.as_deref() == Some("App <app> not found.") && case.unless.is_none())
            && route.key.1.contains("{app}")
    });
    for route in about_apps {
        for request in requests().iter().filter(|request| request.key == route.key) {
            let reply = request.about("hello", "absent").send(&world, &admin).await;
            faults.unless(|| reply.fails(404, "App absent not found."));
        }
    }
    faults.none();
}
