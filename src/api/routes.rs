//! THE route table: every route the server answers, one line each. Earlier lines win.

use super::{
    app, auth, constraint, deploy, event, job, openapi, plan, platform, pool, provisioner, role,
    route::{Route, route},
    router, service, system, team, token, user, volume, webhook,
};

/// All routes.
pub fn table() -> Vec<Route> {
    let mut routes = system_routes();
    routes.extend(debug_routes());
    routes.extend(event_routes());
    routes.extend(place_routes());
    routes.extend(auth_routes());
    routes.extend(user_routes());
    routes.extend(service_routes());
    routes.extend(proxy_routes());
    routes.extend(volume_routes());
    routes.extend(app_routes());
    routes.extend(job_routes());
    routes.extend(deploy_routes());
    routes.extend(running_routes());
    routes.extend(team_routes());
    routes.extend(role_routes());
    routes.extend(token_routes());
    routes
}

fn system_routes() -> Vec<Route> {
    vec![
        route("GET", "1.0", "/", system::index::index).open(),
        route("GET", "1.0", "/info", system::info::info),
        route("GET", "1.0", "/openapi.json", openapi::show).open(),
        route("GET", "1.2", "/metrics", system::metrics::metrics).open(),
        route("GET", "1.0", "/healthcheck/", system::healthcheck::healthcheck).open(),
        route("GET", "1.0", "/healthcheck", system::healthcheck::healthcheck).open(),
    ]
}

/// What tsuru tells through Go's profiler.
fn debug_routes() -> Vec<Route> {
    let mut routes = vec![
        route("GET", "1.0", "/logs", system::logs::logs).open(),
        route("GET", "1.0", "/debug/goroutines", system::debug::absent),
        route("GET", "1.9", "/debug/fgprof", system::debug::absent),
        route("GET", "1.0", "/debug/pprof/", system::debug::index),
        route("GET", "1.0", "/debug/pprof/cmdline", system::debug::cmdline),
        route("GET", "1.0", "/debug/pprof/symbol", system::debug::symbol),
    ];
    let paths = [
        "/debug/pprof/profile",
        "/debug/pprof/heap",
        "/debug/pprof/goroutine",
        "/debug/pprof/threadcreate",
        "/debug/pprof/block",
        "/debug/pprof/trace",
    ];
    routes.extend(paths.map(|path| route("GET", "1.0", path, system::debug::absent)));
    routes
}

fn event_routes() -> Vec<Route> {
    vec![
        route("GET", "1.1", "/events", event::list::list),
        route("GET", "1.1", "/events/kinds", event::kinds::kinds),
        route("GET", "1.3", "/events/blocks", event::block::list),
        route("POST", "1.3", "/events/blocks", event::block::add),
        route("DELETE", "1.3", "/events/blocks/{uuid}", event::block::remove),
        route("GET", "1.6", "/events/webhooks", webhook::info::list),
        route("POST", "1.6", "/events/webhooks", webhook::change::create),
        route("GET", "1.6", "/events/webhooks/{name}", webhook::info::info),
        route("PUT", "1.6", "/events/webhooks/{name}", webhook::change::update),
        route("DELETE", "1.6", "/events/webhooks/{name}", webhook::change::delete),
        route("GET", "1.6", "/webhooks/key", webhook::key::key).open(),
        route("GET", "1.1", "/events/{uuid}", event::info::info),
        route("POST", "1.1", "/events/{uuid}/cancel", event::cancel::cancel),
    ]
}

/// Pools and what apps are made with.
fn place_routes() -> Vec<Route> {
    vec![
        route("GET", "1.0", "/pools", pool::list::list),
        route("POST", "1.0", "/pools", pool::add::add),
        route("GET", "1.8", "/pools/{name}", pool::info::info),
        route("PUT", "1.0", "/pools/{name}", pool::update::update),
        route("DELETE", "1.0", "/pools/{name}", pool::remove::remove),
        route("POST", "1.0", "/pools/{name}/team", pool::team::add),
        route("DELETE", "1.0", "/pools/{name}/team", pool::team::remove),
        route("GET", "1.3", "/constraints", constraint::list::list),
        route("PUT", "1.3", "/constraints", constraint::set::set),
        route("GET", "1.0", "/plans", plan::list::list),
        route("POST", "1.0", "/plans", plan::create::create),
        route("DELETE", "1.0", "/plans/{planname}", plan::remove::remove),
        route("GET", "1.0", "/plans/routers", router::list::list),
        route("GET", "1.3", "/routers", router::list::list),
        route("POST", "1.8", "/routers", router::change::add),
        route("PUT", "1.8", "/routers/{name}", router::change::update),
        route("DELETE", "1.8", "/routers/{name}", router::change::remove),
        route("GET", "1.0", "/platforms", platform::list::list),
        route("POST", "1.0", "/platforms", platform::add::add),
        route("GET", "1.6", "/platforms/{name}", platform::info::info),
        route("PUT", "1.0", "/platforms/{name}", platform::update::update),
        route("DELETE", "1.0", "/platforms/{name}", platform::remove::remove),
        route("POST", "1.6", "/platforms/{name}/rollback", platform::rollback::rollback),
        route("GET", "1.7", "/provisioner", provisioner::list::list),
        route("GET", "1.3", "/provisioner/clusters", provisioner::clusters::list),
        route("GET", "1.8", "/provisioner/clusters/{name}", provisioner::clusters::info),
        route("POST", "1.3", "/provisioner/clusters", provisioner::clusters::create),
        route("POST", "1.4", "/provisioner/clusters/{name}", provisioner::clusters::update),
        route("DELETE", "1.3", "/provisioner/clusters/{name}", provisioner::clusters::remove),
    ]
}

fn auth_routes() -> Vec<Route> {
    vec![
        route("GET", "1.0", "/auth/scheme", auth::scheme::default).open(),
        route("GET", "1.18", "/auth/schemes", auth::scheme::all).open(),
        route("POST", "1.0", "/auth/login", auth::login::login).open(),
        route("POST", "1.0", "/auth/webLogin", auth::web_login::login).open(),
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

fn volume_routes() -> Vec<Route> {
    vec![
        route("GET", "1.4", "/volumes", volume::list::list),
        route("POST", "1.4", "/volumes", volume::create::create),
        route("GET", "1.4", "/volumes/{name}", volume::info::info),
        route("POST", "1.4", "/volumes/{name}", volume::update::update),
        route("PUT", "1.4", "/volumes/{name}", volume::update::update),
        route("DELETE", "1.4", "/volumes/{name}", volume::remove::remove),
        route("POST", "1.4", "/volumes/{name}/bind", volume::bind::bind),
        route("DELETE", "1.4", "/volumes/{name}/bind", volume::bind::unbind),
        route("GET", "1.4", "/volumeplans", volume::plans::plans),
    ]
}

/// Apps, their variables, host names, teams, quotas and routers.
fn app_routes() -> Vec<Route> {
    vec![
        route("GET", "1.0", "/apps", app::list::list),
        route("POST", "1.0", "/apps", app::create::create),
        route("GET", "1.0", "/apps/{app}", app::info::info),
        route("PUT", "1.0", "/apps/{app}", app::update::update),
        route("DELETE", "1.0", "/apps/{app}", app::remove::remove),
        route("GET", "1.0", "/apps/{app}/env", app::env::get),
        route("POST", "1.0", "/apps/{app}/env", app::env::set),
        route("DELETE", "1.0", "/apps/{app}/env", app::env::unset),
        route("POST", "1.0", "/apps/{app}/cname", app::cname::add),
        route("DELETE", "1.0", "/apps/{app}/cname", app::cname::remove),
        route("GET", "1.0", "/apps/{app}/quota", app::quota::get),
        route("PUT", "1.0", "/apps/{app}/quota", app::quota::set),
        route("PUT", "1.0", "/apps/{app}/teams/{team}", app::access::grant),
        route("DELETE", "1.0", "/apps/{app}/teams/{team}", app::access::revoke),
        route("GET", "1.5", "/apps/{app}/routers", app::router::list),
        route("POST", "1.5", "/apps/{app}/routers", app::router::add),
        route("PUT", "1.5", "/apps/{app}/routers/{router}", app::router::update),
        route("DELETE", "1.5", "/apps/{app}/routers/{router}", app::router::remove),
        route("POST", "1.0", "/apps/{app}/routes", app::router::rebuild),
        route("GET", "1.2", "/apps/{app}/certificate", app::certificate::get).before("1.24"),
        route("GET", "1.24", "/apps/{app}/certificate", app::certificate::get),
        route("PUT", "1.2", "/apps/{app}/certificate", app::certificate::set),
        route("DELETE", "1.2", "/apps/{app}/certificate", app::certificate::unset),
        route("PUT", "1.24", "/apps/{app}/certissuer", app::certificate::set_issuer),
        route("DELETE", "1.24", "/apps/{app}/certissuer", app::certificate::unset_issuer),
        route("GET", "1.9", "/apps/{app}/units/autoscale", app::autoscale::get),
        route("POST", "1.9", "/apps/{app}/units/autoscale", app::autoscale::add),
        route("DELETE", "1.9", "/apps/{app}/units/autoscale", app::autoscale::remove),
        route("POST", "1.29", "/apps/{app}/units/autoscale/swap", app::autoscale::swap),
        route("POST", "1.0", "/swap", app::gone::swap),
        route("POST", "1.0", "/apps/{appname}/diff", app::gone::diff),
        route("POST", "1.3", "/apps/{app}/deploy/rebuild", app::gone::rebuild),
    ]
}

fn deploy_routes() -> Vec<Route> {
    vec![
        route("POST", "1.0", "/apps/{appname}/deploy", deploy::deploy::deploy),
        route("POST", "1.0", "/apps/{appname}/repository/clone", deploy::deploy::deploy),
        route("POST", "1.5", "/apps/{appname}/build", deploy::build::build),
        route("POST", "1.0", "/apps/{app}/deploy/rollback", deploy::rollback::rollback),
        route("PUT", "1.4", "/apps/{app}/deploy/rollback/update", deploy::rollback::update),
        route("DELETE", "1.10", "/apps/{app}/versions/{version}", deploy::rollback::delete_version),
        route("POST", "1.8", "/apps/{app}/routable", app::routable::routable),
        route("GET", "1.0", "/deploys", deploy::info::list),
        route("GET", "1.0", "/deploys/{deploy}", deploy::info::info),
    ]
}

fn job_routes() -> Vec<Route> {
    vec![
        route("GET", "1.13", "/jobs", job::list::list),
        route("POST", "1.13", "/jobs", job::create::create),
        route("GET", "1.13", "/jobs/{name}", job::info::info),
        route("PUT", "1.13", "/jobs/{name}", job::update::update),
        route("DELETE", "1.13", "/jobs/{name}", job::remove::remove),
        route("POST", "1.13", "/jobs/{name}/trigger", job::run::trigger),
        route("GET", "1.16", "/jobs/{name}/env", job::env::get),
        route("POST", "1.13", "/jobs/{name}/env", job::env::set),
        route("DELETE", "1.13", "/jobs/{name}/env", job::env::unset),
        route("GET", "1.13", "/jobs/{name}/log", job::log::get),
        route("DELETE", "1.13", "/jobs/{name}/units/{unit}", job::run::kill),
        route("POST", "1.23", "/jobs/{name}/deploy", job::deploy::deploy),
    ]
}

/// What runs, and what it says.
fn running_routes() -> Vec<Route> {
    vec![
        route("PUT", "1.0", "/apps/{app}/units", app::run_state::add_units),
        route("DELETE", "1.0", "/apps/{app}/units", app::run_state::remove_units),
        route("DELETE", "1.12", "/apps/{app}/units/{unit}", app::units::kill),
        route("POST", "1.0", "/apps/{app}/restart", app::run_state::restart),
        route("POST", "1.0", "/apps/{app}/start", app::run_state::start),
        route("POST", "1.0", "/apps/{app}/stop", app::run_state::stop),
        route("GET", "1.0", "/apps/{app}/log", app::log::get),
        route("GET", "1.8", "/apps/{app}/log-instance", app::log::get),
        route("POST", "1.0", "/apps/{app}/log", app::log::add),
        route("POST", "1.0", "/apps/{app}/run", app::run::run),
        route("GET", "1.0", "/apps/{appname}/shell", app::shell::shell).open(),
    ]
}

fn service_routes() -> Vec<Route> {
    use service::{access, create, doc, info, instance, list, manifest, plans, remove, update};
    vec![
        route("GET", "1.0", "/services/instances", list::usable),
        route("POST", "1.0", "/services/{service}/instances", instance::create::create),
        route("GET", "1.0", "/services/{service}/instances/{instance}", instance::info::info),
        route("PUT", "1.0", "/services/{service}/instances/{instance}", instance::update::update),
        route("DELETE", "1.0", "/services/{service}/instances/{instance}", instance::remove::remove),
        route("GET", "1.0", "/services/{service}/instances/{instance}/status", instance::info::status),
        route("PUT", "1.0", "/services/{service}/instances/{instance}/{app}", instance::bind::bind),
        route("DELETE", "1.0", "/services/{service}/instances/{instance}/{app}", instance::bind::unbind),
        route("PUT", "1.13", "/services/{service}/instances/{instance}/apps/{app}", instance::bind::bind),
        route("DELETE", "1.13", "/services/{service}/instances/{instance}/apps/{app}", instance::bind::unbind),
        route("PUT", "1.13", "/services/{service}/instances/{instance}/jobs/{job}", instance::job::bind),
        route("DELETE", "1.13", "/services/{service}/instances/{instance}/jobs/{job}", instance::job::unbind),
        route("PUT", "1.0", "/services/{service}/instances/permission/{instance}/{team}", instance::access::grant),
        route("DELETE", "1.0", "/services/{service}/instances/permission/{instance}/{team}", instance::access::revoke),
        route("GET", "1.0", "/services", list::owned),
        route("POST", "1.0", "/services", create::create),
        route("PUT", "1.0", "/services/{name}", update::update),
        route("DELETE", "1.0", "/services/{name}", remove::remove),
        route("GET", "1.0", "/services/{name}", info::info),
        route("GET", "1.0", "/services/{name}/plans", plans::plans),
        route("GET", "1.0", "/services/{name}/doc", doc::get),
        route("PUT", "1.0", "/services/{name}/doc", doc::set),
        route("PUT", "1.31", "/services/{service}/manifest", manifest::set),
        route("GET", "1.31", "/services/{service}/manifest", manifest::get),
        route("PUT", "1.0", "/services/{service}/team/{team}", access::grant),
        route("DELETE", "1.0", "/services/{service}/team/{team}", access::revoke),
    ]
}

/// Requests that brokers answer.
fn proxy_routes() -> Vec<Route> {
    let each = |method| {
        [
            route(method, "1.0", "/services/{service}/proxy/{instance}", service::proxy::instance),
            route(method, "1.20", "/services/{service}/resources/{instance}/{path:.*}", service::proxy::resources),
            route(method, "1.0", "/services/proxy/service/{service}", service::proxy::service),
            route(method, "1.21", "/services/{service}/authenticated-resources/{path:.*}", service::proxy::authenticated),
        ]
    };
    ["GET", "POST", "PUT", "PATCH", "DELETE"].into_iter().flat_map(each).collect()
}
fn team_routes() -> Vec<Route> {
    vec![
        route("GET", "1.0", "/teams", team::list::list),
        route("POST", "1.0", "/teams", team::create::create),
        route("GET", "1.4", "/teams/{name}", team::info::info),
        route("PUT", "1.6", "/teams/{name}", team::update::update),
        route("POST", "1.4", "/teams/{name}", team::update::update),
        route("DELETE", "1.0", "/teams/{name}", team::remove::remove),
        route("GET", "1.12", "/teams/{name}/quota", team::quota::show),
        route("PUT", "1.12", "/teams/{name}/quota", team::quota::change),
        route("GET", "1.17", "/teams/{name}/users", team::members::users),
        route("GET", "1.17", "/teams/{name}/groups", team::members::groups),
    ]
}

fn role_routes() -> Vec<Route> {
    vec![
        route("GET", "1.0", "/permissions", role::permission::list),
        route("GET", "1.0", "/role/default", role::default::list),
        route("POST", "1.0", "/role/default", role::default::add),
        route("DELETE", "1.0", "/role/default", role::default::remove),
        route("GET", "1.0", "/roles", role::info::list),
        route("POST", "1.0", "/roles", role::add::add),
        route("PUT", "1.4", "/roles", role::update::update),
        route("POST", "1.0", "/roles/associate", role::bulk::associate),
        route("DELETE", "1.0", "/roles/dissociate", role::bulk::dissociate),
        route("GET", "1.0", "/roles/{name}", role::info::info),
        route("DELETE", "1.0", "/roles/{name}", role::remove::remove),
        route("POST", "1.0", "/roles/{name}/permissions", role::permission::add),
        route("DELETE", "1.0", "/roles/{name}/permissions/{permission}", role::permission::remove),
        route("POST", "1.0", "/roles/{name}/user", role::assign::user),
        route("DELETE", "1.0", "/roles/{name}/user/{email}", role::assign::not_user),
        route("POST", "1.6", "/roles/{name}/token", role::assign::token),
        route("DELETE", "1.6", "/roles/{name}/token/{token_id}", role::assign::not_token),
        route("POST", "1.9", "/roles/{name}/group", role::assign::group),
        route("DELETE", "1.9", "/roles/{name}/group/{group_name}", role::assign::not_group),
    ]
}

fn token_routes() -> Vec<Route> {
    vec![
        route("GET", "1.6", "/tokens", token::info::list),
        route("POST", "1.6", "/tokens", token::change::create),
        route("GET", "1.7", "/tokens/{token_id}", token::info::info),
        route("PUT", "1.6", "/tokens/{token_id}", token::change::update),
        route("DELETE", "1.6", "/tokens/{token_id}", token::change::remove),
    ]
}
