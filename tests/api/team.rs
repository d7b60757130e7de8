//! Teams: making, seeing, renaming, removing them, and who is in them.

use bson::doc;
use impaas::{
    auth::{identify::Group, team_token::TeamToken},
    permission::{ContextType, role::RoleInstance},
    store::{Filter, Update},
    team::{self, Team},
    user::User,
};
use serde_json::{Value, json};

use super::harness::{Caller, Server};

const DENIED: &str = "You don't have permission to do this action";

async fn load(server: &Server, collection: &str, documents: Vec<bson::Document>) {
    server.ctx.store.backend().load(collection, documents).await.unwrap();
}

/// An app as tsuru stores it, as far as teams care.
async fn app_of(server: &Server, name: &str, owner: &str, teams: &[&str]) {
    load(server, "apps", vec![doc! { "_id": bson::oid::ObjectId::new(), "name": name, "teamowner": owner, "teams": teams }]).await;
}

async fn dump(server: &Server, collection: &str) -> Vec<bson::Document> {
    server.ctx.store.backend().dump(collection).await.unwrap()
}

async fn names(caller: &Caller<'_>) -> Vec<String> {
    let reply = caller.get("/1.0/teams").send().await;
    match reply.status {
        204 => Vec::new(),
        _ => reply.ok(200).json().as_array().unwrap().iter().map(|team| team["name"].as_str().unwrap().into()).collect(),
    }
}

#[actix_web::test]
async fn who_makes_a_team_holds_the_roles_of_new_teams_in_it() {
    let server = Server::new().await;
    let maker = server.user_with("maker@example.com", ContextType::Global, "", &["team.create"]).await;
    let reply = maker.post("/1.0/teams").json(&json!({"name": "course60001", "tags": ["lab", " y1 ", "lab"]})).send().await.ok(201);
    assert_eq!(reply.text, "");
    let teams = maker.get("/1.0/teams").send().await.ok(200);
    let expected = r#"[{"name":"course60001","permissions":["app","team.read","team.token"],"tags":["lab","y1"]}]"#;
    assert_eq!(teams.text.trim_end(), expected);
    let users = maker.get("/1.17/teams/course60001/users").send().await.ok(200).json();
    assert_eq!(users, json!([{"email": "maker@example.com", "roles": ["team-member", "team-deployer"]}]));
}

#[actix_web::test]
async fn a_team_is_made_from_a_form_and_from_the_query_alone() {
    let server = Server::new().await;
    let admin = server.admin().await;
    admin.post("/1.0/teams").form(&[("name", "one-team"), ("tag", "a"), ("tag", "b")]).send().await.ok(201);
    admin.post("/teams?name=devops_01").send().await.ok(201);
    assert_eq!(names(&admin).await, ["demo", "devops_01", "one-team"]);
    assert_eq!(admin.get("/1.4/teams/one-team").send().await.json()["tags"], json!(["a", "b"]));
}

#[actix_web::test]
async fn teams_are_refused_with_the_words_of_the_contract() {
    let server = Server::new().await;
    let admin = server.admin().await;
    admin.post("/1.0/teams").json(&json!({"name": "demo"})).send().await.fails(409, "team already exists");
    let bad = "Invalid team name, team names should start with a letter andcontain only lower case letters, numbers, dashes and underscore";
    admin.post("/1.0/teams").json(&json!({"name": "Bad Team!"})).send().await.fails(400, bad);
    let broken = admin.post("/1.0/teams").body("application/json", "{").send().await.ok(400);
    assert!(broken.text.starts_with("unable to parse as json: \"{\" - "), "{}", broken.text);
    let member = server.user_with("member@example.com", ContextType::Team, "demo", &["team"]).await;
    member.post("/1.0/teams").json(&json!({"name": "mine"})).send().await.fails(403, DENIED);
}

#[actix_web::test]
async fn the_list_has_only_teams_in_which_the_caller_may_do_something() {
    let server = Server::new().await;
    let admin = server.admin().await;
    admin.post("/1.0/teams").form(&[("name", "other")]).send().await.ok(201);
    let carl =
        server.user_with("carl@example.com", ContextType::Team, "demo", &["app", "team.read", "service-instance", "app.deploy"]).await;
    let expected = r#"[{"name":"demo","permissions":["app","team.read","service-instance"],"tags":[]}]"#;
    assert_eq!(carl.get("/teams").send().await.ok(200).text.trim_end(), expected);
    let all = admin.get("/teams").send().await.ok(200).json();
    let permissions = json!(["app", "certissuer", "team", "service", "service-instance", "volume", "webhook", "job"]);
    assert_eq!((&all[0]["permissions"], &all[1]["permissions"]), (&permissions, &permissions));
    let app_only = server.user_with("app@example.com", ContextType::App, "demo", &["app"]).await;
    app_only.get("/teams").send().await.ok(204);
}

#[actix_web::test]
async fn team_info_needs_team_read_everywhere_and_members_all_of_team() {
    let server = Server::new().await;
    server.admin().await.get("/1.4/teams/ghost").send().await.fails(404, "team not found");
    let member = server.user_with("member@example.com", ContextType::Team, "demo", &["team"]).await;
    member.get("/1.4/teams/demo").send().await.fails(403, DENIED);
    member.get("/1.4/teams/ghost").send().await.fails(404, "team not found");
    let reader = server.user_with("reader@example.com", ContextType::Global, "", &["team.read"]).await;
    let seen = reader.get("/1.4/teams/demo").send().await.ok(200).json();
    assert_eq!((&seen["users"], &seen["pools"][0]["Name"]), (&json!([]), &json!("local")));
    let head = server.user_with("head@example.com", ContextType::Global, "", &["team"]).await;
    let seen = head.get("/1.4/teams/demo").send().await.ok(200).json();
    assert_eq!(seen["users"][0]["Email"], "member@example.com");
}

#[actix_web::test]
async fn members_and_groups_are_listed_to_readers_of_the_team() {
    let server = Server::new().await;
    let member = server.user_with("member@example.com", ContextType::Team, "demo", &["team.read"]).await;
    server.user_with("named-alike@example.com", ContextType::App, "demo", &["app"]).await;
    let held = RoleInstance { name: "team-deployer".into(), context_value: "demo".into() };
    server.ctx.store.of::<Group>().upsert(Filter::eq("name", "lab"), Update::add_to_set("roles", held)).await.unwrap();
    let users = member.get("/1.17/teams/demo/users").send().await.ok(200).text;
    assert_eq!(users, "[{\"email\":\"member@example.com\",\"roles\":[\"role-of-member\"]}]\n");
    let groups = member.get("/1.17/teams/demo/groups").send().await.ok(200).text;
    assert_eq!(groups, "[{\"group\":\"lab\",\"roles\":[\"team-deployer\"]}]\n");
    let stranger = server.user_with("stranger@example.com", ContextType::Team, "other", &["team"]).await;
    for path in ["/teams/demo/users", "/teams/demo/groups"] {
        stranger.get(path).send().await.fails(403, DENIED);
        stranger.get(&path.replace("demo", "ghost")).send().await.fails(404, "team not found");
    }
}

#[actix_web::test]
async fn an_update_without_name_replaces_the_tags() {
    let server = Server::new().await;
    let lead = server.user_with("lead@example.com", ContextType::Team, "demo", &["team.update"]).await;
    lead.put("/1.6/teams/demo").json(&json!({"tags": ["lab2"]})).send().await.ok(200);
    assert_eq!(server.admin().await.get("/1.4/teams/demo").send().await.json()["tags"], json!(["lab2"]));
    lead.post("/1.4/teams/demo").form(&[("tag", "x")]).send().await.ok(200);
    assert_eq!(server.admin().await.get("/1.4/teams/demo").send().await.json()["tags"], json!(["x"]));
    let stranger = server.user_with("stranger@example.com", ContextType::Team, "other", &["team"]).await;
    stranger.put("/1.6/teams/demo").json(&json!({"tags": []})).send().await.fails(403, DENIED);
    server.admin().await.put("/1.6/teams/ghost").json(&json!({"tags": []})).send().await.fails(404, "team not found");
}

async fn a_team_with_everything<'a>(server: &'a Server) -> Caller<'a> {
    let lead = server.user_with("lead@example.com", ContextType::Team, "demo", &["team", "app"]).await;
    app_of(server, "owned", "demo", &["demo", "other"]).await;
    app_of(server, "shared", "other", &["other", "demo"]).await;
    load(server, "jobs", vec![doc! { "_id": 1, "name": "nightly", "teamowner": "demo" }]).await;
    load(server, "volumes", vec![doc! { "_id": "data", "teamowner": "demo" }]).await;
    load(server, "services", vec![doc! { "_id": "db", "owner_teams": ["demo"], "teams": ["demo"] }]).await;
    let instance = doc! { "_id": 1, "name": "mine", "service_name": "db", "teamowner": "demo", "teams": ["demo"] };
    load(server, "service_instances", vec![instance]).await;
    load(server, "webhook", vec![doc! { "_id": 1, "name": "hook", "teamowner": "demo" }]).await;
    load(server, "pool_constraints", vec![doc! { "_id": 1, "poolexpr": "lab", "field": "team", "values": ["demo", "other"] }]).await;
    let token = doc! { "_id": bson::oid::ObjectId::new(), "token": "t", "token_id": "ci", "team": "demo", "created_at": bson::DateTime::now(),
    "roles": [{"name": "team-deployer", "contextvalue": "demo"}] };
    load(server, "team_tokens", vec![token]).await;
    lead
}

#[actix_web::test]
async fn a_new_name_reaches_everything_that_names_the_team() {
    let server = Server::new().await;
    let lead = a_team_with_everything(&server).await;
    server.admin().await.put("/1.12/teams/demo/quota").form(&[("limit", "9")]).send().await.ok(200);
    lead.put("/1.6/teams/demo").json(&json!({"newname": "renamed"})).send().await.ok(200);
    for collection in
        ["apps", "jobs", "volumes", "services", "service_instances", "webhook", "pool_constraints", "team_tokens", "teams", "users"]
    {
        let text = format!("{:?}", dump(&server, collection).await);
        assert!(!text.contains("\"demo\"") && text.contains("\"renamed\""), "{collection}: {text}");
    }
    assert_eq!(names(&lead).await, ["renamed"]);
    let quota: Value = lead.get("/1.12/teams/renamed/quota").send().await.ok(200).json();
    assert_eq!(quota, json!({"limit": 9, "inuse": 2}));
}

#[actix_web::test]
async fn a_rename_is_refused_for_taken_and_bad_names() {
    let server = Server::new().await;
    let admin = server.admin().await;
    admin.post("/1.0/teams").form(&[("name", "other")]).send().await.ok(201);
    for taken in ["other", "demo"] {
        let reply = admin.put("/1.6/teams/demo").json(&json!({"newname": taken})).send().await;
        assert!(reply.status == 500 && (reply.text == "team already exists\n" || reply.text.starts_with("event locked")), "{reply:?}");
    }
    assert_eq!(admin.put("/1.6/teams/demo").json(&json!({"newname": "No!"})).send().await.status, 400);
    assert_eq!(names(&admin).await, ["demo", "other"]);
}

#[actix_web::test]
async fn a_rename_that_was_cut_short_is_finished_by_the_next_start() {
    let server = Server::new().await;
    let lead = a_team_with_everything(&server).await;
    let half = Team { name: "renamed".into(), renamed_from: Some("demo".into()), ..Team::load(&server.ctx.store, "demo").await.unwrap() };
    server.ctx.store.of::<Team>().insert(&half).await.unwrap();
    team::rename::finish_all(&server.ctx.store).await.unwrap();
    assert_eq!(names(&lead).await, ["renamed"]);
    assert!(!format!("{:?}", dump(&server, "apps").await).contains("\"demo\""));
    assert_eq!(Team::load(&server.ctx.store, "renamed").await.unwrap().renamed_from, None);
}

#[actix_web::test]
async fn a_team_that_owns_things_stays() {
    let server = Server::new().await;
    a_team_with_everything(&server).await;
    let admin = server.admin().await;
    let text = "This team cannot be removed because there are still references to it:\nApps: owned, shared\nService instances: db/mine\n\
                Jobs: nightly\nServices: db\nVolumes: data";
    admin.delete("/1.0/teams/demo").send().await.fails(403, text);
    assert_eq!(names(&admin).await, ["demo"]);
}

#[actix_web::test]
async fn with_a_team_its_grants_and_tokens_go() {
    let server = Server::new().await;
    let admin = server.admin().await;
    let member = server.user_with("member@example.com", ContextType::Team, "demo", &["team"]).await;
    let token =
        doc! { "_id": bson::oid::ObjectId::new(), "token": "t", "token_id": "ci", "team": "demo", "created_at": bson::DateTime::now() };
    load(&server, "team_tokens", vec![token]).await;
    member.delete("/1.0/teams/demo").send().await.ok(200);
    assert_eq!(server.ctx.store.of::<TeamToken>().count(Filter::All).await.unwrap(), 0);
    admin.post("/1.0/teams").form(&[("name", "demo")]).send().await.ok(201);
    assert!(names(&member).await.is_empty());
}

#[actix_web::test]
async fn a_team_of_a_used_name_starts_without_grants_that_a_crash_left() {
    let server = Server::new().await;
    let stranger = server.user_with("stranger@example.com", ContextType::Team, "course", &["app"]).await;
    let other_kind = server.user_with("app@example.com", ContextType::App, "course", &["app"]).await;
    server.admin().await.post("/1.0/teams").form(&[("name", "course")]).send().await.ok(201);
    assert!(names(&stranger).await.is_empty());
    let kept = other_kind.get("/1.0/users/info").send().await.json();
    assert_eq!(kept["Roles"][0]["ContextValue"], "course");
}

#[actix_web::test]
async fn who_may_not_remove_a_team_reads_that_it_is_not_there() {
    let server = Server::new().await;
    let stranger = server.user_with("stranger@example.com", ContextType::Team, "other", &["team"]).await;
    let reader = server.user_with("reader@example.com", ContextType::Team, "demo", &["team.read"]).await;
    stranger.delete("/1.0/teams/demo").send().await.fails(404, "Team \"demo\" not found.");
    reader.delete("/1.0/teams/demo").send().await.fails(404, "Team \"demo\" not found.");
    server.admin().await.delete("/1.0/teams/ghost").send().await.fails(404, "Team \"ghost\" not found.");
}

#[actix_web::test]
async fn team_quotas_are_read_and_changed_in_the_team() {
    let server = Server::new().await;
    let (path, admin) = ("/1.12/teams/demo/quota", server.admin().await);
    let lead = server.user_with("lead@example.com", ContextType::Team, "demo", &["team.read.quota", "team.update.quota"]).await;
    let stranger = server.user_with("stranger@example.com", ContextType::Team, "other", &["team"]).await;
    assert_eq!(lead.get(path).send().await.ok(200).text, "{\"limit\":-1,\"inuse\":0}\n");
    lead.put(path).form(&[("limit", "5")]).send().await.ok(200);
    assert_eq!(lead.get(path).send().await.json(), json!({"limit": 5, "inuse": 0}));
    lead.put(path).form(&[("limit", "five")]).send().await.fails(400, "Invalid limit");
    server.ctx.store.of::<Team>().update(Filter::id("demo"), Update::set("quota.inuse", 4)).await.unwrap();
    lead.put(path).form(&[("limit", "3")]).send().await.fails(403, "New limit is less than the current allocated value");
    stranger.get(path).send().await.fails(403, DENIED);
    stranger.put(path).form(&[("limit", "5")]).send().await.fails(403, DENIED);
    admin.get("/1.12/teams/ghost/quota").send().await.fails(404, "team not found");
    admin.put("/1.12/teams/ghost/quota").form(&[("limit", "5")]).send().await.fails(404, "team not found");
}

#[actix_web::test]
async fn a_team_made_by_a_user_who_is_gone_is_still_whole() {
    let server = Server::new().await;
    let maker = server.user_with("maker@example.com", ContextType::Global, "", &["team.create"]).await;
    maker.post("/1.0/teams").form(&[("name", "lasting")]).send().await.ok(201);
    server.ctx.store.of::<User>().delete(Filter::eq("email", "maker@example.com")).await.unwrap();
    let users = server.admin().await.get("/1.17/teams/lasting/users").send().await.ok(200).text;
    assert_eq!(users, "[]\n");
}
