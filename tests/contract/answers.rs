//! Single answers of routes: `answers.csv` says what is asked and what comes back, mostly errors.

use super::{faults::Faults, request::Request, table::lines, world::World};
use crate::{
    api::{
        broker::Broker,
        harness::{Caller, Server},
        service,
    },
    server::archive::multipart,
};

/// A request, and status and text of its answer; the text of a success is not looked at when it is empty.
struct Expected {
    request: Request,
    status: u16,
    text: String,
}

fn expected() -> Vec<Expected> {
    let lines = lines(include_str!("answers.csv"), "method,path,since,url,body,status,text").unwrap();
    let read = |(line, cells): (usize, Result<[String; 7], String>)| {
        let [method, path, since, url, body, status, text] = cells.unwrap_or_else(|why| panic!("answers.csv, line {line}: {why}"));
        let request = Request::new((method, path, since), &url, &body);
        Expected { request, status: status.parse().unwrap(), text: text.replace("\\n", "\n") }
    };
    lines.into_iter().map(read).collect()
}

#[actix_web::test]
async fn every_line_of_answers_is_answered_as_it_says() {
    let world = World::new().await;
    let (admin, broken) = (world.server.admin().await, Broker::start());
    let picky = Broker::start();
    picky.answers("GET /resources/plans", 400, r#"{"missing_params":["cluster"]}"#);
    places(&admin).await;
    services(&admin, &broken, &picky).await;
    apps(&world.server, &admin).await;
    bindings(&admin, &broken).await;
    let mut faults = Faults::default();
    for Expected { request, status, text } in expected() {
        let reply = request.send(&world, &admin).await;
        faults.unless(|| match (status, text.as_str()) {
            (200..300, "") => reply.ok(status),
            (200..300, words) => reply.says(status, words),
            _ => reply.fails_like(status, &text),
        });
    }
    faults.none();
}

/// `closed` has one service and no router and is for team demo, `dark` has no service at all.
async fn places(admin: &Caller<'_>) {
    for pool in ["closed", "dark"] {
        admin.post("/1.0/pools").form(&[("name", pool)]).send().await.ok(201);
    }
    for (pool, field, value) in [
        ("closed", "team", "demo"),
        ("closed", "service", "empty"),
        ("closed", "router", "elsewhere"),
        ("dark", "service", "elsewhere"),
        ("dark", "team", "demo"),
    ] {
        let constraint = [("PoolExpr", pool), ("Field", field), ("Values.0", value)];
        admin.put("/1.3/constraints").form(&constraint).send().await.ok(200);
    }
    let carol = [("email", "carol@example.com"), ("password", "123456")];
    admin.post("/1.0/users").form(&carol).send().await.ok(201);
}

/// `broken` answers nonsense, `picky` wants to know the pool, nobody answers for `away`, `many` has instances in pools.
async fn services(admin: &Caller<'_>, broken: &Broker, picky: &Broker) {
    for (name, endpoint) in [("broken", broken.url.as_str()), ("picky", &picky.url), ("away", "http://127.0.0.1:9")] {
        service::create(admin, name, endpoint).await.ok(201);
    }
    let many = [("id", "many"), ("password", "x"), ("team", "demo"), ("endpoint", broken.url.as_str()), ("multi-cluster", "true")];
    admin.post("/1.0/services").form(&many).send().await.ok(201);
}

/// `far` and `dark` are in those pools, `full` has no room for another unit.
async fn apps(server: &Server, admin: &Caller<'_>) {
    for (name, pool) in [("far", "closed"), ("dark", "dark"), ("full", "local")] {
        let app = [("name", name), ("platform", "python"), ("teamOwner", "demo"), ("pool", pool), ("router", "none")];
        admin.post("/1.0/apps").form(&app).send().await.ok(201);
    }
    let (content_type, body) = multipart(&[("origin", "app-deploy")], b"the archive");
    admin.post("/1.0/apps/full/deploy").body(&content_type, body).send().await.ok(200);
    admin.put("/1.0/apps/full/quota").form(&[("limit", "2")]).send().await.ok(200);
    assert!(!server.ctx.provisioners.local().units("full").is_empty());
}

/// `hello` is bound to `bound`, and to `held` whose broker does not let go; `slow` and `dead` cannot be bound.
async fn bindings(admin: &Caller<'_>, broken: &Broker) {
    let make = async |service: &str, name: &str| {
        let instance = [("name", name), ("owner", "demo"), ("plan", "small")];
        admin.post(&format!("/1.0/services/{service}/instances")).form(&instance).send().await.ok(201);
    };
    make("mysql", "bound").await;
    admin.put("/1.13/services/mysql/instances/bound/apps/hello").form(&[("noRestart", "true")]).send().await.ok(200);
    for name in ["slow", "dead", "held"] {
        make("broken", name).await;
    }
    broken.answers("POST /resources/held/bind-app", 201, "{}");
    admin.put("/1.13/services/broken/instances/held/apps/hello").form(&[("noRestart", "true")]).send().await.ok(200);
    broken.answers("DELETE /resources/held/bind-app", 500, "no");
    broken.answers("POST /resources/slow/bind-app", 412, "");
    broken.answers("POST /resources/dead/bind-app", 412, "");
    broken.answers("GET /resources/dead/status", 503, "away");
    broken.answers("GET /resources/dead", 200, "nonsense");
    broken.answers("GET /resources/plans", 200, "nonsense");
}
