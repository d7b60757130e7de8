//! Host names, teams, quota and routers of apps, and the routes that tsuru gave up.

use impaas::{app::App, permission::ContextType, store::Filter};
use serde_json::{Value, json};

use super::{
    app::{create, other_team},
    harness::{Caller, Server},
};

const FORBIDDEN: &str = "You don't have permission to do this action";

async fn with_app() -> Server {
    let server = Server::new().await;
    create(&server.admin().await, "hello").await;
    server
}

async fn info(caller: &Caller<'_>, app: &str) -> Value {
    caller.get(&format!("/1.0/apps/{app}")).send().await.ok(200).json()
}

#[actix_web::test]
async fn host_names_are_added_and_removed() {
    let server = with_app().await;
    let admin = server.admin().await;
    let path = "/1.0/apps/hello/cname";
    let reply = admin.post(path).form(&[("cname", "www.example.com"), ("cname", "*.Example.org")]).send().await.ok(200);
    assert_eq!((reply.text.as_str(), reply.header("content-type")), ("", None));
    assert_eq!(info(&admin, "hello").await["cname"], json!(["www.example.com", "*.example.org"]));
    admin.delete(&format!("{path}?cname=www.example.com")).send().await.ok(200);
    admin.delete(path).json(&json!({"cname": ["*.example.org"]})).send().await.ok(200);
    assert_eq!(info(&admin, "hello").await["cname"], json!([]));
}

#[actix_web::test]
async fn wrong_host_names_are_refused_with_tsurus_words() {
    let server = with_app().await;
    let admin = server.admin().await;
    create(&admin, "dock").await;
    let (hello, dock) = ("/1.0/apps/hello/cname", "/1.0/apps/dock/cname");
    admin.post(hello).form(&[("cname", "www.example.com")]).send().await.ok(200);
    let add = |path: &'static str, cname: &'static str| admin.post(path).form(&[("cname", cname)]).send();
    add(dock, "www.example.com").await.fails(500, "cname www.example.com already exists for app hello using same router");
    add(dock, "WWW.example.com").await.fails(500, "cname www.example.com already exists for app hello using same router");
    add(hello, "www.example.com").await.fails(500, "cname www.example.com already exists for this app");
    for bad in ["_not/valid", "", "a", "x y"] {
        add(hello, bad).await.fails(400, "Invalid cname");
    }
    let own = "cname dock.localhost is reserved: it is, or could become, the address of an app";
    add(hello, "dock.localhost").await.fails(400, own);
    add(hello, "127.0.0.1").await.fails(400, "cname 127.0.0.1 is reserved: it is an address of this server");
    admin.post("/1.0/apps").form(&[("name", "hidden"), ("router", "none")]).send().await.ok(201);
    add("/1.0/apps/hidden/cname", "www.example.com")
        .await
        .fails(500, "cname www.example.com already exists for app hello using same router");
    admin.post(hello).send().await.fails(400, "You must provide the cname.");
    admin.delete(hello).send().await.fails(400, "You must provide the cname.");
    admin.delete(&format!("{dock}?cname=www.example.com")).send().await.fails(500, "cname www.example.com not exists in app");
    // One that cannot be had keeps all from being added.
    admin.post(dock).form(&[("cname", "free.example.com"), ("cname", "www.example.com")]).send().await.ok(500);
    assert_eq!(info(&admin, "dock").await["cname"], json!([]));
}

#[actix_web::test]
async fn two_apps_that_ask_for_the_same_host_name_at_once_never_both_get_it() {
    let server = with_app().await;
    let admin = server.admin().await;
    create(&admin, "dock").await;
    let add = |app: &str| admin.post(&format!("/1.0/apps/{app}/cname")).form(&[("cname", "www.example.com")]).send();
    futures_util::future::join(add("hello"), add("dock")).await;
    let holders = server.ctx.store.of::<App>().count(Filter::eq("cname", "www.example.com")).await.unwrap();
    assert!(holders <= 1);
}

#[actix_web::test]
async fn teams_get_and_lose_access() {
    let server = with_app().await;
    let admin = server.admin().await;
    other_team(&server).await;
    let member = server.user_with("m@b.co", ContextType::Team, "other", &["app"]).await;
    member.get("/1.0/apps/hello").send().await.fails(403, FORBIDDEN);
    let path = "/1.0/apps/hello/teams/other";
    admin.put(path).send().await.ok(200);
    admin.put(path).send().await.fails(409, "team already have access to this app");
    assert_eq!(info(&member, "hello").await["teams"], json!(["demo", "other"]));
    admin.delete(path).send().await.ok(200);
    member.get("/1.0/apps/hello").send().await.fails(403, FORBIDDEN);
    let orphaned = "You can not revoke the access from this team, because it is the unique team with access to the app, and an app can not \
                    be orphaned";
    admin.delete("/1.0/apps/hello/teams/demo").send().await.fails(403, orphaned);
    admin.put("/1.0/apps/hello/teams/ghosts").send().await.fails(404, "Team not found");
    admin.delete("/1.0/apps/hello/teams/ghosts").send().await.fails(404, "Team not found");
}

#[actix_web::test]
async fn a_team_without_access_has_none_to_lose() {
    let server = with_app().await;
    let admin = server.admin().await;
    other_team(&server).await;
    admin.post("/1.0/apps").form(&[("name", "third"), ("teamOwner", "other")]).send().await.ok(201);
    admin.put("/1.0/apps/third/teams/demo").send().await.ok(200);
    let team = impaas::team::Team {
        name: "none".into(),
        creating_user: String::new(),
        tags: vec![],
        quota: Default::default(),
        renamed_from: None,
    };
    server.ctx.store.of::<impaas::team::Team>().insert(&team).await.unwrap();
    admin.delete("/1.0/apps/third/teams/none").send().await.fails(404, "team does not have access to this app");
}

#[actix_web::test]
async fn the_quota_of_units_is_shown_and_changed() {
    let server = with_app().await;
    let admin = server.admin().await;
    let path = "/1.0/apps/hello/quota";
    assert_eq!(admin.get(path).send().await.ok(200).text.trim_end(), r#"{"limit":-1,"inuse":0}"#);
    admin.put(path).form(&[("limit", "4")]).send().await.ok(200);
    assert_eq!(admin.get(path).send().await.ok(200).json()["limit"], 4);
    admin.put(path).form(&[("limit", "-7")]).send().await.ok(200);
    assert_eq!(admin.get(path).send().await.ok(200).json()["limit"], -1);
    for bad in ["many", "", "1.5"] {
        admin.put(path).form(&[("limit", bad)]).send().await.fails(400, "Invalid limit");
    }
}

#[actix_web::test]
async fn the_only_router_is_listed_and_stays() {
    let server = with_app().await;
    let admin = server.admin().await;
    let path = "/1.5/apps/hello/routers";
    let expected = r#"[{"name":"local","opts":{},"address":"","addresses":[""],"type":"local","status":"not ready","status-detail":"waiting for deploy"}]"#;
    assert_eq!(admin.get(path).send().await.ok(200).text.trim_end(), expected);
    let form = [("Address", ""), ("Addresses", ""), ("Name", "other"), ("Opts", ""), ("Status", ""), ("StatusDetail", ""), ("Type", "")];
    admin.post(path).form(&form).send().await.fails(404, r#"router "other" not found"#);
    admin.post(path).json(&json!({"name": "local"})).send().await.fails(500, "router already linked to this app");
    admin.put(&format!("{path}/local")).json(&json!({"opts": {}})).send().await.ok(200);
    let no_option = r#"router "local" has no option "a""#;
    admin.put(&format!("{path}/local")).json(&json!({"opts": {"a": "b"}})).send().await.fails(400, no_option);
    admin.put(&format!("{path}/other")).json(&json!({})).send().await.fails(404, r#"router "other" not found"#);
    let stays = r#"router "local" cannot be removed: on this server it reaches every app"#;
    admin.delete(&format!("{path}/local")).send().await.fails(400, stays);
    admin.delete(&format!("{path}/other")).send().await.fails(404, r#"router "other" not found"#);
    admin.post("/1.0/apps").form(&[("name", "hidden"), ("router", "none")]).send().await.ok(201);
    admin.get("/1.5/apps/hidden/routers").send().await.ok(204);
    admin.post("/1.5/apps/hidden/routers").json(&json!({"name": "local"})).send().await.ok(200);
    admin.get("/1.5/apps/hidden/routers").send().await.ok(200);
    admin.post("/1.0/apps/hello/routes").send().await.ok(200);
}

#[actix_web::test]
async fn what_tsuru_gave_up_still_says_so() {
    let server = with_app().await;
    let admin = server.admin().await;
    admin.post("/1.0/swap").form(&[("app1", "hello"), ("app2", "x")]).send().await.fails(412, "swapping is deprecated");
    admin.post("/1.0/apps/hello/diff").send().await.fails(410, "diff deploy is deprecated, this call does nothing");
    let rebuild = "/1.3/apps/hello/deploy/rebuild";
    let failed = "\n---- ERROR during deploy: ----\napp rebuild is deprecated";
    admin.post(rebuild).form(&[("origin", "rebuild")]).send().await.fails(500, failed);
    admin.post(rebuild).send().await.fails(400, "Invalid deployment origin");
    assert_eq!(admin.get("/1.9/apps/hello/units/autoscale").send().await.ok(200).text.trim_end(), "null");
    for version in ["1.2", "1.24"] {
        admin.get(&format!("/{version}/apps/hello/certificate")).send().await.fails(404, "no router with tls support");
    }
    admin.delete("/1.2/apps/hello/certificate?cname=x.example.com").send().await.fails(400, "invalid name");
    admin.put("/1.2/apps/hello/certificate").send().await.fails(400, "You must provide a cname.");
}

#[actix_web::test]
async fn every_part_is_only_for_those_with_its_permission_in_the_apps_context() {
    let server = with_app().await;
    let calls = [
        ("POST", "/1.0/apps/hello/cname?cname=www.example.com", "app.update.cname.add"),
        ("DELETE", "/1.0/apps/hello/cname?cname=www.example.com", "app.update.cname.remove"),
        ("PUT", "/1.0/apps/hello/teams/x", "app.update.grant"),
        ("DELETE", "/1.0/apps/hello/teams/x", "app.update.revoke"),
        ("GET", "/1.0/apps/hello/quota", "app.read"),
        ("PUT", "/1.0/apps/hello/quota?limit=3", "app.admin.quota"),
        ("GET", "/1.5/apps/hello/routers", "app.read.router"),
        ("POST", "/1.5/apps/hello/routers?name=local", "app.update.router.add"),
        ("PUT", "/1.5/apps/hello/routers/local", "app.update.router.update"),
        ("DELETE", "/1.5/apps/hello/routers/local", "app.update.router.remove"),
        ("POST", "/1.0/apps/hello/routes", "app.admin.routes"),
        ("GET", "/1.2/apps/hello/certificate", "app.read.certificate"),
        ("PUT", "/1.2/apps/hello/certificate?cname=x", "app.update.certificate.set"),
        ("DELETE", "/1.2/apps/hello/certificate?cname=x", "app.update.certificate.unset"),
        ("GET", "/1.9/apps/hello/units/autoscale", "app.read"),
        ("POST", "/1.9/apps/hello/units/autoscale", "app.update.unit.autoscale.add"),
        ("POST", "/1.3/apps/hello/deploy/rebuild?origin=rebuild", "app.deploy"),
    ];
    let foreign = server.user_with("f@b.co", ContextType::Team, "foreign", &["app"]).await;
    let wrong_app = server.user_with("w@b.co", ContextType::App, "other", &["app"]).await;
    let without = server.user_with("n@b.co", ContextType::Team, "demo", &["app.create", "app.run", "app.read.info"]).await;
    for (i, (method, path, permission)) in calls.iter().enumerate() {
        for denied in [&foreign, &wrong_app, &without] {
            let reply = denied.request(method, path).send().await;
            assert_eq!((reply.status, reply.text.trim_end()), (403, FORBIDDEN), "{method} {path}");
        }
        let allowed = server.user_with(&format!("u{i}@b.co"), ContextType::Team, "demo", &[permission]).await;
        assert_ne!(allowed.request(method, path).send().await.status, 403, "{method} {path}");
    }
}
