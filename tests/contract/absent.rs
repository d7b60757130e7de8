//! Routes about an app, or a job, that is not there.

use super::{faults::Faults, request::requests, routes::contract, world::World};

/// Sends each request of the routes that have this case to a thing that is not there.
async fn is_not_found(text: &str, in_path: &str, known: &str) {
    let world = World::new().await;
    let mut faults = Faults::default();
    let admin = world.server.admin().await;
    let concerned = contract().into_iter().filter(|route| {
        route.cases.iter().any(|case| case.text.as_deref() == Some(text) && case.unless.is_none()) && route.key.1.contains(in_path)
    });
    for route in concerned {
        for request in requests().iter().filter(|request| request.key == route.key) {
            let reply = request.about(known, "absent").send(&world, &admin).await;
            faults.unless(|| reply.fails_like(404, text));
        }
    }
    faults.none();
}

#[actix_web::test]
async fn every_route_about_an_app_says_when_it_is_not_there() {
    is_not_found("App <app> not found.", "{app}", "hello").await;
}

#[actix_web::test]
async fn every_route_about_a_job_says_when_it_is_not_there() {
    is_not_found("Job <job> not found.", "/jobs/{", "nightly").await;
}
