//! Volumes: making, seeing, changing, binding, removing them.

use bson::doc;
use impaas::{
    app::App,
    permission::ContextType::{Pool, Team, Volume},
    store::Filter,
    team::Team as StoredTeam,
    volume,
};
use serde_json::json;

use super::harness::{Caller, Reply, Server};

const DENIED: &str = "You don't have permission to do this action";
const CLI: [(&str, &str); 8] = [
    ("Binds", ""),
    ("Name", "uploads"),
    ("Opts.capacity", "1Gi"),
    ("Plan.Name", "azurefile"),
    ("Plan.Opts", ""),
    ("Pool", "local"),
    ("Status", ""),
    ("TeamOwner", "demo"),
];

/// An app that was never deployed.
pub async fn make_app(server: &Server, name: &str, team: &str) {
    let app = doc! {"_id": bson::oid::ObjectId::new(), "name": name, "teams": [team], "teamowner": team, "pool": "local", "owner": "admin@example.com"};
    server.ctx.store.of::<App>().insert(&bson::deserialize_from_document(app).unwrap()).await.unwrap();
}

pub async fn make_team(server: &Server, name: &str) {
    let team = StoredTeam {
        name: name.into(),
        creating_user: String::new(),
        tags: vec![],
        quota: impaas::quota::Quota::unlimited(),
        renamed_from: None,
    };
    server.ctx.store.of::<StoredTeam>().insert(&team).await.unwrap();
}

async fn with_volume() -> Server {
    let server = Server::new().await;
    make_app(&server, "hello", "demo").await;
    server.admin().await.post("/1.4/volumes").form(&CLI).send().await.ok(201);
    server
}

async fn bind(caller: &Caller<'_>, at: &str) -> Reply {
    caller
        .post("/1.4/volumes/uploads/bind")
        .form(&[("App", "hello"), ("MountPoint", at), ("NoRestart", "true"), ("ReadOnly", "")])
        .send()
        .await
}

async fn unbind(caller: &Caller<'_>, at: &str) -> Reply {
    caller.delete(&format!("/1.4/volumes/uploads/bind?App=hello&MountPoint={at}&NoRestart=true")).send().await
}

#[actix_web::test]
async fn a_volume_lives_from_create_to_delete() {
    let server = with_volume().await;
    let admin = server.admin().await;
    let free = r#"{"Name":"uploads","Pool":"local","Plan":{"Name":"azurefile","Opts":{}},"TeamOwner":"demo","Status":"","Binds":null,"Opts":{"capacity":"1Gi"}}"#;
    assert_eq!(admin.get("/1.4/volumes/uploads").send().await.ok(200).text.trim_end(), free);
    assert_eq!(admin.get("/1.4/volumes").send().await.ok(200).text.trim_end(), format!("[{free}]"));

    let reply = bind(&admin, "/uploads").await.ok(200);
    assert_eq!((reply.text.as_str(), reply.header("content-type")), ("", None));
    bind(&admin, "/uploads").await.fails(409, "volume already bound in mountpoint");
    let bound = admin.get("/1.4/volumes/uploads").send().await.ok(200).json();
    assert_eq!(bound["Binds"], json!([{"ID": {"App": "hello", "MountPoint": "/uploads", "Volume": "uploads"}, "ReadOnly": false}]));
    admin.delete("/1.4/volumes/uploads").send().await.fails(500, "cannot delete volume with existing binds");

    unbind(&admin, "/uploads").await.ok(200);
    unbind(&admin, "/uploads").await.fails(404, "volume bind not found");
    admin.delete("/1.4/volumes/uploads").send().await.ok(200);
    admin.get("/1.4/volumes/uploads").send().await.fails(404, "volume not found");
    admin.get("/1.4/volumes").send().await.ok(204);
}

#[actix_web::test]
async fn a_bound_volume_is_mounted_by_the_next_units_of_its_app_only() {
    let server = with_volume().await;
    let admin = server.admin().await;
    admin
        .post("/1.4/volumes/uploads/bind")
        .json(&json!({"App": "hello", "MountPoint": "/u", "ReadOnly": true, "NoRestart": true}))
        .send()
        .await
        .ok(200);
    let mounts = volume::mounts(&server.ctx.store, "hello").await.unwrap();
    assert_eq!(mounts, [impaas::provisioner::Mount { volume: "uploads".into(), path: "/u".into(), read_only: true }]);
    assert!(volume::mounts(&server.ctx.store, "other").await.unwrap().is_empty());
}

#[actix_web::test]
async fn a_bind_with_restart_of_an_app_that_does_not_run_says_nothing() {
    let server = with_volume().await;
    let admin = server.admin().await;
    let reply =
        admin.post("/1.4/volumes/uploads/bind").form(&[("App", "hello"), ("MountPoint", "/u"), ("NoRestart", "")]).send().await.ok(200);
    assert_eq!((reply.text.as_str(), reply.header("content-type")), ("", Some("application/x-json-stream")));
    admin.delete("/1.4/volumes/uploads/bind").json(&json!({"App": "hello", "MountPoint": "/u"})).send().await.ok(200);
    assert!(volume::mounts(&server.ctx.store, "hello").await.unwrap().is_empty());
}

#[actix_web::test]
async fn two_volumes_do_not_share_a_place_and_places_are_plain() {
    let server = with_volume().await;
    let admin = server.admin().await;
    let other = json!({"Name": "second", "Pool": "local", "Plan": {"Name": "local"}, "TeamOwner": "demo"});
    admin.post("/1.4/volumes").json(&other).send().await.ok(201);
    bind(&admin, "/uploads").await.ok(200);
    let second = [("App", "hello"), ("MountPoint", "/uploads/"), ("NoRestart", "1")];
    admin.post("/1.4/volumes/second/bind").form(&second).send().await.fails(409, "volume already bound in mountpoint");
    for bad in ["", "/", "uploads", "/../etc"] {
        let text = format!("invalid mount point {bad:?}: it must be an absolute path like /uploads");
        bind(&admin, bad).await.fails(400, &text);
    }
}

#[actix_web::test]
async fn wrong_wishes_are_refused_with_the_words_of_the_contract() {
    let server = with_volume().await;
    let admin = server.admin().await;
    let create = async |name: &str, pool: &str, plan: &str, team: &str| {
        admin.post("/1.4/volumes").form(&[("Name", name), ("Pool", pool), ("Plan.Name", plan), ("TeamOwner", team)]).send().await
    };
    create("uploads", "local", "local", "demo").await.fails(409, "volume already exists");
    create("v2", "local", "nosuch", "demo").await.fails(400, "volume-plan not present in pool constraint");
    create("v2", "moon", "local", "demo").await.fails(500, "Pool does not exist.");
    create("v2", "local", "local", "ghosts").await.fails(500, "team not found");
    create("", "local", "local", "demo").await.fails(500, "volume name cannot be empty");
    let text = "Invalid volume name, volume name should have at most 40 characters, containing only lower case letters, numbers or dashes, starting with a letter.";
    create("../up", "local", "local", "demo").await.fails(400, text);
    admin
        .post("/1.4/volumes")
        .body("application/json", "{")
        .send()
        .await
        .fails(400, r#"unable to parse as json: "{" - unexpected end of JSON input"#);
    for (method, path) in [("GET", ""), ("POST", ""), ("PUT", ""), ("DELETE", ""), ("POST", "/bind"), ("DELETE", "/bind")] {
        admin.request(method, &format!("/1.4/volumes/ghost{path}")).send().await.fails(404, "volume not found");
    }
    for method in ["POST", "DELETE"] {
        let absent = admin.request(method, "/1.4/volumes/uploads/bind?App=ghost&MountPoint=/x").send().await;
        absent.fails(404, "App ghost not found.");
    }
}

#[actix_web::test]
async fn a_pool_that_allows_no_plan_has_no_volumes() {
    let server = with_volume().await;
    let constraint = doc! {"_id": bson::oid::ObjectId::new(), "poolexpr": "local", "field": "volume-plan", "values": ["none-of-them"], "blacklist": false};
    let constraint: impaas::pool::Constraint = bson::deserialize_from_document(constraint).unwrap();
    server.ctx.store.of::<impaas::pool::Constraint>().insert(&constraint).await.unwrap();
    let again = [("Name", "v2"), ("Pool", "local"), ("Plan.Name", "local"), ("TeamOwner", "demo")];
    server.admin().await.post("/1.4/volumes").form(&again).send().await.fails(400, "no volume-plan found for pool");
}

#[actix_web::test]
async fn an_update_replaces_and_leaves_a_bound_volume_its_plan() {
    let server = with_volume().await;
    make_team(&server, "other").await;
    let admin = server.admin().await;
    let wish = |plan: &str, team: &str| json!({"Pool": "local", "Plan": {"Name": plan}, "TeamOwner": team, "Opts": {"capacity": "2Gi"}});
    admin.post("/1.4/volumes/uploads").json(&wish("local", "demo")).send().await.ok(200);
    bind(&admin, "/u").await.ok(200);
    admin.put("/1.4/volumes/uploads").json(&wish("local", "other")).send().await.ok(200);
    let now = admin.get("/1.4/volumes/uploads").send().await.ok(200).json();
    assert_eq!((&now["Plan"]["Name"], &now["TeamOwner"], &now["Opts"]), (&json!("local"), &json!("other"), &json!({"capacity": "2Gi"})));
    let text = "updating a volume already provisioned is not supported, a new volume must be created and the old one deleted if necessary";
    admin.post("/1.4/volumes/uploads").json(&wish("azurefile", "other")).send().await.fails(500, text);
    admin.post("/1.4/volumes/uploads").json(&wish("nosuch", "other")).send().await.fails(400, "volume-plan not present in pool constraint");
    admin.post("/1.4/volumes/uploads").json(&wish("local", "ghosts")).send().await.fails(500, "team not found");
}

#[actix_web::test]
async fn plans_are_shown_to_those_who_may_make_a_volume_somewhere() {
    let server = Server::new().await;
    let member = server.user_with("m@example.com", Team, "demo", &["volume.create"]).await;
    let plans = member.get("/1.4/volumeplans").send().await.ok(200);
    assert_eq!(plans.text.trim_end(), r#"{"local":[{"Name":"azurefile","Opts":{}},{"Name":"local","Opts":{}}]}"#);
    let reader = server.user_with("r@example.com", Team, "demo", &["volume.read"]).await;
    reader.get("/1.4/volumeplans").send().await.fails(403, DENIED);
}

#[actix_web::test]
async fn a_list_has_what_the_caller_may_read() {
    let server = with_volume().await;
    let may_read = [(Team, "demo"), (Volume, "uploads"), (Pool, "local")];
    for (i, (kind, value)) in may_read.into_iter().enumerate() {
        let caller = server.user_with(&format!("a{i}@example.com"), kind, value, &["volume.read"]).await;
        assert_eq!(caller.get("/1.4/volumes").send().await.ok(200).json()[0]["Name"], "uploads");
        caller.get("/1.4/volumes/uploads").send().await.ok(200);
    }
    for (i, (kind, value)) in [(Team, "other"), (Volume, "other"), (Pool, "other")].into_iter().enumerate() {
        let caller = server.user_with(&format!("b{i}@example.com"), kind, value, &["volume.read"]).await;
        caller.get("/1.4/volumes").send().await.ok(204);
        caller.get("/1.4/volumes/uploads").send().await.fails(403, DENIED);
    }
    server.user("nobody@example.com").await.get("/1.4/volumes").send().await.ok(204);
}

#[actix_web::test]
async fn nobody_changes_a_volume_of_others() {
    let server = with_volume().await;
    let stranger = server.user_with("s@example.com", Team, "other", &["volume", "app"]).await;
    stranger.post("/1.4/volumes").form(&CLI).send().await.fails(403, DENIED);
    stranger.post("/1.4/volumes/uploads").form(&CLI).send().await.fails(403, DENIED);
    stranger.delete("/1.4/volumes/uploads").send().await.fails(403, DENIED);
    bind(&stranger, "/u").await.fails(403, DENIED);
    unbind(&stranger, "/u").await.fails(403, DENIED);
    server.nobody().get("/1.4/volumes").send().await.ok(401);
}

#[actix_web::test]
async fn a_bind_needs_the_volume_and_the_app() {
    let server = with_volume().await;
    let of_volume = server.user_with("v@example.com", Team, "demo", &["volume"]).await;
    let of_app = server.user_with("a@example.com", Team, "demo", &["app"]).await;
    let of_both = server.user_with("b@example.com", Team, "demo", &["volume.update.bind", "app.update.bind-volume"]).await;
    for caller in [&of_volume, &of_app] {
        bind(caller, "/u").await.fails(403, DENIED);
        unbind(caller, "/u").await.fails(403, DENIED);
    }
    bind(&of_both, "/u").await.ok(200);
    unbind(&of_both, "/u").await.fails(403, DENIED);
}

#[actix_web::test]
async fn a_bind_is_an_event_of_the_volume_that_locks_the_app_too() {
    let server = with_volume().await;
    let admin = server.admin().await;
    bind(&admin, "/u").await.ok(200);
    let event = server.ctx.store.of::<impaas::event::Event>().get(Filter::eq("kind.name", "volume.update.bind")).await.unwrap().unwrap();
    assert_eq!((event.target.value.as_str(), event.extra_targets[0].target.value.as_str()), ("uploads", "hello"));
    assert!(event.extra_targets[0].lock && !event.running && event.error.is_empty());
}

#[actix_web::test]
async fn who_held_roles_in_a_removed_volume_holds_nothing_in_the_next_of_its_name() {
    let server = with_volume().await;
    let holder = server.user_with("holder@example.com", Volume, "uploads", &["volume.read"]).await;
    holder.get("/1.4/volumes/uploads").send().await.ok(200);
    let admin = server.admin().await;
    admin.delete("/1.4/volumes/uploads").send().await;
    admin.post("/1.4/volumes").form(&CLI).send().await.ok(201);
    holder.get("/1.4/volumes/uploads").send().await.fails(403, DENIED);
}
