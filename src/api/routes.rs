//! THE route table: every route the server answers, one line each. Earlier lines win.

use super::{
    auth, contract,
    route::{Route, route},
    system, user,
};

/// All routes.
pub fn table() -> Vec<Route> {
    let mut routes = system_routes();
    routes.extend(auth_routes());
    routes.extend(user_routes());
    routes.extend(contract::not_yet(&routes));
    routes
}

fn system_routes() -> Vec<Route> {
    vec![
        route("GET", "1.0", "/", system::index::index).open(),
        route("GET", "1.0", "/info", system::info::info),
        route("GET", "1.0", "/healthcheck/", system::healthcheck::healthcheck).open(),
        route("GET", "1.0", "/healthcheck", system::healthcheck::healthcheck).open(),
    ]
}

fn auth_routes() -> Vec<Route> {
    vec![
        route("GET", "1.0", "/auth/scheme", auth::scheme::default).open(),
        route("GET", "1.18", "/auth/schemes", auth::scheme::all).open(),
        route("POST", "1.0", "/auth/login", auth::login::login).open(),
        route("POST", "1.0", "/users/{email}/tokens", auth::login::login).open(),
        route("DELETE", "1.0", "/users/tokens", auth::logout::logout),
    ]
}

fn user_routes() -> Vec<Route> {
    vec![
        route("GET", "1.0", "/users", user::list::list),
        route("POST", "1.0", "/users", user::create::create).open(),
        route("DELETE", "1.0", "/users", user::remove::remove),
        route("GET", "1.0", "/users/info", user::info::info),
        route("PUT", "1.0", "/users/password", user::password::change),
        route("POST", "1.0", "/users/{email}/password", user::password::reset).open(),
        route("GET", "1.0", "/users/api-key", user::api_key::show),
        route("POST", "1.0", "/users/api-key", user::api_key::regenerate),
        route("GET", "1.0", "/users/{email}/quota", user::quota::show),
        route("PUT", "1.0", "/users/{email}/quota", user::quota::change),
    ]
}
