//! Versions: side by side, gone back to, disabled, removed, built for later.

use impaas::app::version::AppVersions;
use serde_json::json;

use super::deploy::{deploy, events, failure, server};
use crate::server::archive::multipart;

#[actix_web::test]
async fn new_versions_stand_beside_old_ones_until_one_replaces_them() {
    let (server, memory) = server().await;
    let admin = server.admin().await;
    deploy(&admin, &[]).await.ok(200);
    deploy(&admin, &[("new-version", "true")]).await.ok(200);
    let shape: Vec<_> = memory.shape("a").into_iter().map(|(version, name, _, routable)| (version, name, routable)).collect();
    let web = "web".to_owned();
    let worker = "worker".to_owned();
    assert_eq!(shape, [(1, web.clone(), true), (1, worker.clone(), false), (2, web.clone(), false), (2, worker.clone(), false)]);
    let both = "conflicting deploy flags, new-version and override-old-versions";
    deploy(&admin, &[("new-version", "true"), ("override-versions", "true")]).await.fails(500, both);
    let open = "multiple versions currently deployed, either new-version or override-old-versions must be set";
    deploy(&admin, &[]).await.fails(500, open);
    admin.post("/1.8/apps/a/routable").json(&json!({"version": "v2", "isRoutable": true})).send().await.ok(200);
    admin.post("/1.8/apps/a/routable").form(&[("Version", "1"), ("IsRoutable", "false")]).send().await.ok(200);
    let routable: Vec<_> = memory.shape("a").into_iter().filter(|p| p.3).map(|p| p.0).collect();
    assert_eq!(routable, [2]);
    admin.post("/1.8/apps/a/routable").json(&json!({"version": "9", "isRoutable": true})).send().await.fails(400, "Invalid version: 9");
    let broken = admin.post("/1.8/apps/a/routable").body("application/json", "{").send().await.ok(400);
    assert!(broken.text.starts_with("unable to parse as json: \"{\" - "), "{}", broken.text);
    deploy(&admin, &[("override-versions", "true")]).await.ok(200);
    assert_eq!(memory.shape("a"), [(3, web, 1, true), (3, worker, 1, false)]);
    admin
        .post("/1.8/apps/a/routable")
        .json(&json!({"version": "1", "isRoutable": true}))
        .send()
        .await
        .fails(500, "no deployment found for version 1");
}

#[actix_web::test]
async fn a_rollback_serves_an_earlier_version_called_in_any_way() {
    let (server, memory) = server().await;
    let admin = server.admin().await;
    for _ in 0..2 {
        deploy(&admin, &[]).await.ok(200);
    }
    for (called, version) in [("1", 1), ("v2", 2), ("tsuru/app-a:v1", 1)] {
        let reply = admin.post("/1.0/apps/a/deploy/rollback").form(&[("image", called), ("origin", "rollback")]).send().await.ok(200);
        assert_eq!(reply.header("content-type"), Some("application/x-json-stream"));
        assert_eq!((memory.shape("a")[0].0, reply.header("x-tsuru-eventid")), (version, None));
    }
    assert_eq!(memory.builds().0.len(), 2);
    let deploys = admin.get("/1.0/deploys?app=a&limit=1").send().await.ok(200).json();
    assert_eq!(json!([deploys[0]["Origin"], deploys[0]["Version"]]), json!(["rollback", 1]));
    let rollback = |image: &'static str| admin.post("/1.0/apps/a/deploy/rollback").form(&[("image", image)]);
    let reply = rollback("v9").send().await.ok(500);
    assert_eq!(reply.text, failure("Invalid version: v9"));
    rollback("").send().await.fails(400, "you cannot rollback without an image name");
    let wrong = [("image", "v1"), ("origin", "mars")];
    admin.post("/1.0/apps/a/deploy/rollback").form(&wrong).send().await.fails(400, "Invalid deployment origin");
    rollback("v1").send().await.ok(200);
    admin.post("/1.0/apps/none/deploy/rollback").form(&wrong).send().await.fails(404, "App none not found.");
}

#[actix_web::test]
async fn a_disabled_version_cannot_be_rolled_back_to() {
    let (server, _) = server().await;
    let admin = server.admin().await;
    for _ in 0..2 {
        deploy(&admin, &[]).await.ok(200);
    }
    let update = |fields: &[(&str, &str)]| admin.put("/1.4/apps/a/deploy/rollback/update").form(fields);
    update(&[("disable", "true")]).send().await.fails(400, "you must specify an image");
    let wrong = "Cannot set 'disable' status to: 'x', instead of 'true' or 'false'";
    update(&[("image", "v1"), ("disable", "x")]).send().await.fails(400, wrong);
    let reason = "Reason cannot be empty while disabling a image rollback";
    update(&[("image", "v1"), ("disable", "true")]).send().await.fails(400, reason);
    update(&[("image", "v9"), ("disable", "true"), ("reason", "r")]).send().await.fails(400, "Invalid version: v9");
    update(&[("image", "v1"), ("disable", "true"), ("reason", "leaks")]).send().await.ok(200);
    let reply = admin.post("/1.0/apps/a/deploy/rollback").form(&[("image", "v1")]).send().await.ok(500);
    assert_eq!(reply.text, failure("the selected version is disabled for rollback: leaks"));
    let can: Vec<_> = admin.get("/1.0/deploys").send().await.json().as_array().unwrap().iter().map(|d| d["CanRollback"].clone()).collect();
    assert_eq!(json!(can), json!([false, true, false]));
    update(&[("image", "v1"), ("disable", "false")]).send().await.ok(200);
    admin.post("/1.0/apps/a/deploy/rollback").form(&[("image", "v1")]).send().await.ok(200);
}

#[actix_web::test]
async fn a_removed_version_is_gone_with_its_units_and_files() {
    let (server, memory) = server().await;
    let admin = server.admin().await;
    deploy(&admin, &[]).await.ok(200);
    deploy(&admin, &[("new-version", "1")]).await.ok(200);
    let reply = admin.delete("/1.10/apps/a/versions/1").send().await.ok(200);
    let messages: Vec<_> =
        reply.text.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap()["Message"].clone()).collect();
    assert_eq!(messages.first().unwrap(), "\n ---> Deleting version 1 of app a\n");
    assert_eq!(messages.last().unwrap(), "---- Done removing application version 1. ----\n");
    assert_eq!((memory.files(), memory.shape("a")[0].0), (vec![2], 2));
    let reply = admin.delete("/1.10/apps/a/versions/1").send().await.ok(200);
    assert!(
        reply.text.trim_end().ends_with(r#""Error":"Invalid version: 1"}"#) || reply.text.contains("Invalid version: 1"),
        "{}",
        reply.text
    );
}

#[actix_web::test]
async fn a_build_makes_a_tagged_version_that_can_be_deployed_later() {
    let (server, memory) = server().await;
    let admin = server.admin().await;
    deploy(&admin, &[]).await.ok(200);
    let build = |fields: &[(&str, &str)]| {
        let (content_type, body) = multipart(fields, b"built");
        admin.post("/1.5/apps/a/build").body(&content_type, body)
    };
    build(&[]).send().await.fails(400, "you must specify the image tag.");
    build(&[("tag", "v7")]).send().await.fails(400, "invalid image tag \"v7\"");
    let reply = build(&[("tag", "mytag")]).send().await.ok(200);
    assert!(reply.text.ends_with("\ntsuru/app-a:mytag\nOK\n"), "{}", reply.text);
    assert_eq!((reply.header("x-tsuru-eventid"), memory.shape("a")[0].0), (None, 1));
    let event = events(&server, "app.build").await.remove(0);
    assert_eq!(event.start_data.unwrap().as_document().unwrap().get_str("kind").unwrap(), "uploadbuild");
    admin.post("/1.0/apps/a/deploy").form(&[("image", "tsuru/app-a:mytag")]).send().await.ok(200);
    assert_eq!((memory.builds().0.len(), memory.shape("a")[0].0), (2, 2));
}

#[actix_web::test]
async fn only_the_newest_versions_are_kept() {
    let (server, memory) = server().await;
    let admin = server.admin().await;
    for _ in 0..12 {
        deploy(&admin, &[]).await.ok(200);
    }
    assert_eq!(memory.files(), (3..=12).collect::<Vec<_>>());
    assert_eq!(AppVersions::load(&server.ctx.store, "a").await.unwrap().versions.len(), 10);
}
