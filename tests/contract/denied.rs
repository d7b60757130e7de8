//! Each permission that a route asks for is needed: a caller who has all the others is refused.

use impaas::permission::ContextType;

use super::{
    faults::Faults,
    request::{Request, requests},
    routes::contract,
    table::{Case, Route},
    world::World,
};
use crate::api::harness::Reply;

#[actix_web::test]
async fn a_caller_who_lacks_one_of_the_permissions_is_refused() {
    let world = World::new().await;
    let mut faults = Faults::default();
    let requests = requests();
    for (number, route) in contract().iter().enumerate() {
        let lacking = route.cases.iter().filter(|case| case.want.is_some() && case.unless.is_none());
        for (case, part) in lacking.zip(0..) {
            for request in requests.iter().filter(|request| request.key == route.key && asks(request, case)) {
                let reply = ask(&world, route, (case, request), &format!("{number}-{part}@example.com")).await;
                faults.unless(|| reply.wants(case.want.as_deref().unwrap(), case.text.as_deref().unwrap()));
            }
        }
    }
    faults.none();
}

fn asks(request: &Request, case: &Case) -> bool {
    request.want.is_empty() || case.want.as_ref() == Some(&request.want)
}

async fn ask(world: &World, route: &Route, (case, request): (&Case, &Request), email: &str) -> Reply {
    let want = case.want.as_deref().unwrap();
    let asked = route.permissions.asked.iter().flatten().map(|permission| permission.name.as_str());
    let held: Vec<&str> = asked.filter(|name| want.split('|').all(|wanted| !covers(name, wanted))).collect();
    let caller = world.server.user_with(email, ContextType::Global, "", &held).await;
    request.send(world, &caller).await
}

/// `app.read` is also `app.read.info`.
fn covers(held: &str, wanted: &str) -> bool {
    wanted.strip_prefix(held).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}
