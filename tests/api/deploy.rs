//! Deploys, builds, rollbacks and versions.

use std::sync::Arc;

use impaas::{
    app::{
        App,
        version::{AppVersions, Version, write},
    },
    event::Event,
    permission::ContextType,
    store::{Filter, Update},
};
use serde_json::json;

use super::{
    app::{create, other_team},
    harness::{Caller, Reply, Server},
    memory::{Look, Memory},
    volume::{make_app, make_team},
};
use crate::server::archive::{multipart, of_files};

const DENIED: &str = "User does not have permission to do this action in this app";
const FORBIDDEN: &str = "You don't have permission to do this action";

/// A server with the app `a`, which was never deployed.
pub async fn server() -> (Server, Arc<Memory>) {
    let memory = Memory::new();
    let server = Server::with(memory.clone()).await;
    std::fs::create_dir_all(server.ctx.config.uploads()).unwrap();
    create(&server.admin().await, "a").await;
    (server, memory)
}

/// Deploys an archive; the whole answer.
pub async fn deploy(caller: &Caller<'_>, fields: &[(&str, &str)]) -> Reply {
    let (content_type, body) = multipart(fields, b"the archive");
    caller.post("/1.0/apps/a/deploy").body(&content_type, body).send().await
}

fn uploads(server: &Server) -> usize {
    std::fs::read_dir(server.ctx.config.uploads()).unwrap().count()
}

pub(super) async fn events(server: &Server, kind: &str) -> Vec<Event> {
    server.ctx.store.of::<Event>().find(Filter::eq("kind.name", kind)).await.unwrap()
}

pub(super) fn failure(text: &str) -> String {
    format!("\n---- ERROR during deploy: ----\n{text}\n\n")
}

#[actix_web::test]
async fn an_upload_is_built_served_recorded_and_removed() {
    let (server, memory) = server().await;
    let admin = server.admin().await;
    admin.post("/1.0/apps/a/env").form(&[("Envs.0.Name", "K"), ("Envs.0.Value", "hush")]).send().await.ok(200);
    let reply = deploy(&admin, &[("origin", "app-deploy"), ("message", "first")]).await.ok(200);
    assert!(reply.text.starts_with("---- Starting container image build for app \"a\" ----\n"), "{}", reply.text);
    assert!(reply.text.ends_with("\nOK\n"), "{}", reply.text);
    assert_eq!(reply.header("content-type"), Some("text"));
    let (sources, contents) = memory.builds();
    assert_eq!((sources, contents), (vec!["archive".to_owned()], vec![b"the archive".to_vec()]));
    assert_eq!((memory.env_of_build(0).get("K").map(String::as_str), uploads(&server)), (Some("hush"), 0));
    assert_eq!(memory.shape("a"), [(1, "web".into(), 1, true), (1, "worker".into(), 1, false)]);
    let event = events(&server, "app.deploy").await.remove(0);
    assert_eq!(Some(event.id.to_hex().as_str()), reply.header("x-tsuru-eventid"));
    assert_eq!(bson::serialize_to_bson(&event.end_data).unwrap(), bson::bson!({"image": "tsuru/app-a:v1"}));
    let start = event.start_data.clone().unwrap();
    let start = start.as_document().unwrap();
    assert_eq!((start.get_str("kind").unwrap(), start.get_i64("filesize").unwrap()), ("upload", 11));
    assert!(!format!("{event:?}").contains("hush"));
    let app = App::load(&server.ctx.store, "a").await.unwrap();
    assert_eq!((app.deploys, app.update_platform), (1, false));
    let deploys = admin.get("/1.0/deploys?app=a&limit=5").send().await.ok(200).json();
    assert_eq!(deploys[0]["Message"], "first");
    let seen = ["App", "Image", "Version", "Log", "User", "Origin", "CanRollback", "Error"].map(|key| deploys[0][key].clone());
    assert_eq!(json!(seen), json!(["a", "tsuru/app-a:v1", 1, "", "admin@example.com", "app-deploy", true, ""]));
    let id = deploys[0]["ID"].as_str().unwrap().to_owned();
    let one = admin.get(&format!("/1.0/deploys/{id}")).send().await.ok(200).json();
    assert!(one["Log"].as_str().unwrap().contains(" +0000: ---- Starting container image build for app \"a\" ----\n"), "{one}");
}

#[actix_web::test]
async fn the_order_of_fields_does_not_matter_and_a_dockerfile_may_bring_its_context() {
    let (server, memory) = server().await;
    let admin = server.admin().await;
    let (content_type, mut body) = multipart(&[], b"context");
    let end = body.len() - content_type.split_once('=').unwrap().1.len() - 6;
    let boundary = content_type.split_once('=').unwrap().1.to_owned();
    body.truncate(end);
    body.extend(format!("--{boundary}\r\nContent-Disposition: form-data; name=\"dockerfile\"\r\n\r\nFROM x\r\n--{boundary}--\r\n").bytes());
    admin.post("/apps/a/deploy").body(&content_type, body).send().await.ok(200);
    assert_eq!(memory.builds(), (vec!["dockerfile FROM x true".to_owned()], vec![b"context".to_vec()]));
    admin.post("/apps/a/repository/clone").json(&json!({"image": "busybox", "message": "m"})).send().await.ok(200);
    assert_eq!(memory.builds().0[1], "image busybox");
    assert!(App::load(&server.ctx.store, "a").await.unwrap().update_platform);
    let deploys = admin.get("/1.0/deploys").send().await.ok(200).json();
    assert_eq!(json!([deploys[0]["Origin"], deploys[1]["Origin"], deploys[0]["Message"]]), json!(["image", "", "m"]));
}

#[actix_web::test]
async fn what_cannot_be_deployed_is_refused_in_tsurus_words() {
    let (server, _) = server().await;
    let admin = server.admin().await;
    let nothing = r#"You must provide at least one of: "archive-url", "dockerfile", "image" or "file""#;
    let post = |path: &str| admin.post(path);
    post("/1.0/apps/a/deploy").form(&[("origin", "app-deploy")]).send().await.fails(400, nothing);
    let (content_type, body) = multipart(&[("origin", "app-deploy")], b"");
    post("/1.0/apps/a/deploy").body(&content_type, body).send().await.fails(400, nothing);
    let without_file = "--b\r\nContent-Disposition: form-data; name=\"origin\"\r\n\r\napp-deploy\r\n--b--\r\n";
    post("/1.0/apps/a/deploy").body("multipart/form-data; boundary=b", without_file).send().await.fails(400, nothing);
    let cut = "--b\r\nContent-Disposition: form-data; name=\"file\"\r\n\r\nxxx";
    assert_eq!(post("/1.0/apps/a/deploy").body("multipart/form-data; boundary=b", cut).send().await.status, 400);
    assert_eq!(post("/1.0/apps/a/deploy").body("multipart/form-data", cut).send().await.status, 400);
    let two = r#"Cannot set "archive-url" mutually with "dockerfile", "file" or "image" fields"#;
    post("/1.0/apps/a/deploy").form(&[("image", "i"), ("archive-url", "http://x.org")]).send().await.fails(400, two);
    let two = r#"Cannot set "image" mutually with "archive-url", "dockerfile" or "file" fields"#;
    deploy(&admin, &[("image", "i")]).await.fails(400, two);
    deploy(&admin, &[("origin", "mars")]).await.fails(400, "Invalid deployment origin");
    post("/1.0/apps/nope/deploy").form(&[("image", "i")]).send().await.fails(404, "App not found");
    server.nobody().post("/1.0/apps/a/deploy").send().await.ok(401);
    assert_eq!((uploads(&server), events(&server, "app.deploy").await.len()), (0, 0));
}

#[actix_web::test]
async fn an_upload_over_the_limit_is_refused_and_removed() {
    let memory = Memory::new();
    let server = Server::with_settings(memory.clone(), "upload:\n  max-size: 10\n").await;
    std::fs::create_dir_all(server.ctx.config.uploads()).unwrap();
    let admin = server.admin().await;
    create(&admin, "a").await;
    deploy(&admin, &[]).await.fails(413, "the archive is larger than the limit of 10 bytes (upload:max-size)");
    assert_eq!(uploads(&server), 0);
}

#[actix_web::test]
async fn each_kind_of_deploy_has_its_permission() {
    let (server, memory) = server().await;
    other_team(&server).await;
    let team = ContextType::Team;
    let uploader = server.user_with("up@x.org", team, "demo", &["app.deploy.upload"]).await;
    deploy(&uploader, &[]).await.ok(200);
    uploader.post("/1.0/apps/a/deploy").form(&[("image", "i")]).send().await.fails(403, DENIED);
    let imager = server.user_with("im@x.org", team, "demo", &["app.deploy.image"]).await;
    imager.post("/1.0/apps/a/deploy").form(&[("image", "i")]).send().await.ok(200);
    deploy(&imager, &[]).await.fails(403, DENIED);
    let files = server.user_with("do@x.org", team, "demo", &["app.deploy.dockerfile"]).await;
    files.post("/1.0/apps/a/deploy").form(&[("archive-url", "http://x.org/a.tgz")]).send().await.fails(403, DENIED);
    files.post("/1.0/apps/a/deploy").form(&[("dockerfile", "FROM x")]).send().await.ok(200);
    let foreign = server.user_with("fo@x.org", team, "other", &["app"]).await;
    deploy(&foreign, &[]).await.fails(403, DENIED);
    foreign.post("/1.5/apps/a/build").form(&[("image", "i"), ("tag", "t")]).send().await.fails(403, DENIED);
    uploader.post("/1.5/apps/a/build").form(&[("image", "i"), ("tag", "t")]).send().await.fails(403, DENIED);
    foreign.post("/1.0/apps/a/deploy/rollback").form(&[("image", "v1")]).send().await.fails(403, FORBIDDEN);
    uploader.post("/1.0/apps/a/deploy/rollback").form(&[("image", "v1")]).send().await.fails(403, FORBIDDEN);
    let update = [("image", "v1"), ("disable", "true"), ("reason", "r")];
    foreign.put("/1.4/apps/a/deploy/rollback/update").form(&update).send().await.fails(403, DENIED);
    foreign.delete("/1.10/apps/a/versions/1").send().await.fails(403, FORBIDDEN);
    foreign.post("/1.8/apps/a/routable").json(&json!({"version": "1", "isRoutable": true})).send().await.fails(403, FORBIDDEN);
    assert_eq!(memory.builds().0.len(), 3);
}

#[actix_web::test]
async fn deploys_are_seen_by_those_who_may_read_them_in_that_app_only() {
    let (server, _) = server().await;
    other_team(&server).await;
    deploy(&server.admin().await, &[]).await.ok(200);
    let id = events(&server, "app.deploy").await[0].id.to_hex();
    let reader = server.user_with("re@x.org", ContextType::App, "a", &["app.read.deploy"]).await;
    assert_eq!(reader.get("/1.0/deploys").send().await.ok(200).json().as_array().unwrap().len(), 1);
    reader.get(&format!("/1.0/deploys/{id}")).send().await.ok(200);
    let foreign = server.user_with("fo@x.org", ContextType::Team, "other", &["app"]).await;
    foreign.get("/1.0/deploys").send().await.ok(204);
    foreign.get("/1.0/deploys?app=a").send().await.ok(204);
    foreign.get(&format!("/1.0/deploys/{id}")).send().await.fails(404, "Deploy not found.");
    server.user("none@x.org").await.get("/1.0/deploys").send().await.ok(204);
    let admin = server.admin().await;
    admin.get("/1.0/deploys/xyz").send().await.fails(500, "id parameter is not ObjectId: xyz");
    admin.get("/1.0/deploys/5f5e1000aabbccddeeff0011").send().await.fails(404, "Deploy not found.");
    server.ctx.store.of::<App>().delete(Filter::eq("name", "a")).await.unwrap();
    admin.get(&format!("/1.0/deploys/{id}")).send().await.fails(404, "App not found");
    // A later app of the same name has nothing to do with it.
    create(&admin, "a").await;
    reader.get("/1.0/deploys").send().await.ok(204);
    reader.get(&format!("/1.0/deploys/{id}")).send().await.fails(404, "Deploy not found.");
}

#[actix_web::test]
async fn a_failed_build_leaves_the_old_version_and_a_used_number() {
    let (server, memory) = server().await;
    let admin = server.admin().await;
    deploy(&admin, &[]).await.ok(200);
    memory.fail("no such requirement");
    let reply = deploy(&admin, &[]).await.ok(200);
    assert!(reply.text.ends_with(&failure("no such requirement")), "{}", reply.text);
    assert_eq!((memory.files(), uploads(&server)), (vec![1], 0));
    let versions = AppVersions::load(&server.ctx.store, "a").await.unwrap();
    assert_eq!((versions.count, versions.versions.len(), versions.last_successful), (2, 1, 1));
    assert_eq!(memory.shape("a")[0], (1, "web".into(), 1, true));
    deploy(&admin, &[]).await.ok(200);
    assert_eq!(memory.shape("a")[0], (3, "web".into(), 1, true));
    let deploys = admin.get("/1.0/deploys?app=a").send().await.ok(200).json();
    assert_eq!(deploys[1]["Error"], failure("no such requirement").strip_suffix('\n').unwrap());
    assert_eq!(json!([deploys[1]["Image"], deploys[1]["CanRollback"]]), json!(["", false]));
}

#[actix_web::test]
async fn a_failed_rollout_leaves_no_version_either() {
    let (server, memory) = server().await;
    let admin = server.admin().await;
    deploy(&admin, &[]).await.ok(200);
    memory.hold_builds.send_replace(true);
    let (failing, ()) = tokio::join!(deploy(&admin, &[]), async {
        built(&memory, 2).await;
        memory.fail("web did not become ready");
        memory.hold_builds.send_replace(false);
    });
    assert!(failing.text.ends_with(&failure("web did not become ready")), "{}", failing.text);
    assert_eq!((memory.files(), memory.shape("a")[0].0), (vec![1], 1));
    assert_eq!(AppVersions::load(&server.ctx.store, "a").await.unwrap().versions.len(), 1);
}

/// Waits until so many builds were begun.
async fn built(memory: &Memory, count: usize) {
    crate::server::eventually("the build begins", crate::server::PATIENCE, || async { memory.builds().0.len() == count }).await;
}

#[actix_web::test]
async fn a_cancelled_build_or_rollout_leaves_the_old_version_serving() {
    let (server, memory) = server().await;
    let admin = server.admin().await;
    deploy(&admin, &[]).await.ok(200);
    let keeper = tokio::spawn(server.ctx.events.clone().keep());
    for (count, gate) in [(2, &memory.hold_builds), (3, &memory.hold_rollouts)] {
        gate.send_replace(true);
        let (reply, ()) = tokio::join!(deploy(&admin, &[]), async {
            built(&memory, count).await;
            let running = server.ctx.store.of::<Event>().get(Filter::eq("running", true)).await.unwrap().unwrap();
            let cancel = format!("/1.1/events/{}/cancel", running.id.to_hex());
            admin.post(&cancel).form(&[("reason", "enough")]).send().await.ok(204);
        });
        assert!(reply.text.ends_with("canceled by user request\n"), "{}", reply.text);
        gate.send_replace(false);
        assert_eq!((memory.shape("a")[0].0, memory.files()), (1, vec![1]));
    }
    let deploys = admin.get("/1.0/deploys?app=a").send().await.ok(200).json();
    assert_eq!(deploys[0]["Error"], "canceled by user request");
    deploy(&admin, &[]).await.ok(200);
    assert_eq!(memory.shape("a")[0].0, 4);
    keeper.abort();
}

#[actix_web::test]
async fn apps_without_platform_take_images_and_dockerfiles_only() {
    let (server, memory) = server().await;
    let admin = server.admin().await;
    server.ctx.store.of::<App>().update(Filter::eq("name", "a"), Update::set("framework", "")).await.unwrap();
    let refused = "can't deploy app without platform, if it's not an image, dockerfile or rollback";
    let reply = deploy(&admin, &[]).await;
    assert_eq!((reply.status, reply.text.as_str()), (500, failure(refused).as_str()));
    assert!(reply.header("x-tsuru-eventid").is_some());
    let (content_type, body) = multipart(&[("tag", "t")], b"x");
    admin.post("/1.5/apps/a/build").body(&content_type, body).send().await.fails(500, "can't build app without platform");
    admin.post("/1.0/apps/a/deploy").form(&[("image", "busybox")]).send().await.ok(200);
    assert_eq!(memory.builds().0, ["image busybox"]);
}

#[actix_web::test]
async fn a_dockerfile_takes_no_files_of_another_teams_app() {
    let (server, memory) = server().await;
    make_team(&server, "other").await;
    make_app(&server, "theirs", "other").await;
    make_app(&server, "ours", "demo").await;
    let admin = server.admin().await;
    let wrong = |image: &str| format!("image {image:?} is not there for team \"demo\"");
    let theirs = "ARG APP=theirs\nFROM busybox\nCOPY --from=tsuru/app-ghost:v2 / /\nFROM tsuru/app-$APP:v1";
    for (dockerfile, why) in [
        ("FROM busybox\nCOPY --from=tsuru/app-theirs:v1 / /", wrong("tsuru/app-theirs:v1")),
        ("FROM x\nRUN --mount=from=tsuru/app-theirs:v1,target=/x cp -r /x /y", wrong("tsuru/app-theirs:v1")),
        (theirs, wrong("tsuru/app-ghost:v2")),
        (
            "# syntax=tsuru/app-theirs:v1",
            "syntax \"tsuru/app-theirs:v1\" of the Dockerfile is not taken: leave it out, or say docker/dockerfile:1".into(),
        ),
    ] {
        let reply = admin.post("/1.0/apps/a/deploy").form(&[("dockerfile", dockerfile)]).send().await;
        assert_eq!((reply.status, reply.text), (500, failure(&why)), "{dockerfile}");
        let (content_type, body) = multipart(&[("tag", "t"), ("dockerfile", dockerfile)], b"");
        let reply = admin.post("/1.5/apps/a/build").body(&content_type, body).send().await;
        assert!(reply.status >= 400 && reply.text.contains(&why), "{} {}", reply.status, reply.text);
    }
    let more = "busybox\nFROM tsuru/app-theirs:v1";
    assert_eq!(admin.post("/1.0/apps/a/deploy").form(&[("image", more)]).send().await.text, failure(&wrong("tsuru/app-theirs:v1")));
    assert_eq!((memory.builds().0.len(), memory.files().len(), uploads(&server)), (0, 0, 0));
    assert!(AppVersions::load(&server.ctx.store, "a").await.unwrap().versions.is_empty(), "no number was taken");
    let own = "FROM docker.io/library/busybox AS app\nCOPY --from=tsuru/app-ours:v1 / /\nFROM tsuru/app-a:v9\nCOPY --from=app / /";
    admin.post("/1.0/apps/a/deploy").form(&[("dockerfile", own)]).send().await.ok(200);
    admin.put("/1.0/apps/theirs/teams/demo").send().await.ok(200);
    admin.post("/1.0/apps/a/deploy").form(&[("dockerfile", "FROM tsuru/app-theirs:v1")]).send().await.ok(200);
    assert_eq!(memory.builds().0.len(), 2);
}

#[actix_web::test]
async fn neither_do_lines_of_a_build_hook_that_end_up_in_a_dockerfile() {
    let look = Look { name: "local", domain: "localhost", runs_images: true, cluster: None, processes: &[("web", "x")], config: "" };
    let memory = Memory::like(look);
    let server = Server::with(memory.clone()).await;
    std::fs::create_dir_all(server.ctx.config.uploads()).unwrap();
    let admin = server.admin().await;
    create(&admin, "a").await;
    make_team(&server, "other").await;
    make_app(&server, "theirs", "other").await;
    let hook = |app: &str| format!("hooks: {{build: [\"x\\nFROM tsuru/app-{app}:v1\\nRUN true #\"]}}");
    let deploy = async |app: &str| {
        let (content_type, body) = multipart(&[], &of_files(&[("tsuru.yaml", &hook(app)), ("Procfile", "web: x")]));
        admin.post("/1.0/apps/a/deploy").body(&content_type, body).send().await
    };
    assert_eq!(deploy("theirs").await.text, failure("image \"tsuru/app-theirs:v1\" is not there for team \"demo\""));
    assert_eq!(memory.builds().0.len(), 0);
    deploy("a").await.ok(200);
    assert_eq!(memory.builds().0, ["archive"]);
}

#[actix_web::test]
async fn an_archive_url_does_not_reach_inside() {
    let (server, memory) = server().await;
    let admin = server.admin().await;
    let reply = admin.post("/1.0/apps/a/deploy").form(&[("archive-url", "http://169.254.169.254/latest?token=hush")]).send().await.ok(500);
    assert!(reply.text.contains("private to this server's network") && !reply.text.contains("hush"), "{}", reply.text);
    assert_eq!((memory.builds().0.len(), uploads(&server)), (0, 0));
    assert!(!format!("{:?}", events(&server, "app.deploy").await).contains("hush"));
}

#[actix_web::test]
async fn a_start_after_a_crash_ends_what_deploys_left() {
    let (server, memory) = server().await;
    deploy(&server.admin().await, &[]).await.ok(200);
    // Cut off before the version was noted as deployed, and while another one was built.
    let store = &server.ctx.store;
    let undone = Update::set("versions.1.deploysuccessful", false).and_unset("lastsuccessfulversion");
    store.of::<AppVersions>().update(Filter::eq("appname", "a"), undone).await.unwrap();
    write::make(store, "a", Version::default()).await.unwrap();
    impaas::app::deploy::tidy::after_start(&server.ctx).await.unwrap();
    let versions = AppVersions::load(store, "a").await.unwrap();
    assert_eq!((versions.last_successful, versions.count, versions.versions.len()), (1, 2, 1));
    assert!(versions.number(1).unwrap().deploy_successful);
    assert_eq!(memory.shape("a")[0].0, 1);
}

#[actix_web::test]
async fn a_deploy_keeps_to_the_quota() {
    let (server, memory) = server().await;
    let admin = server.admin().await;
    deploy(&admin, &[]).await.ok(200);
    admin.put("/1.0/apps/a/quota").form(&[("limit", "2")]).send().await.ok(200);
    deploy(&admin, &[]).await.ok(200);
    let reply = deploy(&admin, &[("new-version", "true")]).await.ok(200);
    assert!(reply.text.ends_with(&failure("Quota exceeded. Available: 0, Requested: 2.")), "{}", reply.text);
    assert_eq!(memory.shape("a").len(), 2);
}
