//! Answers that need a state of their own.

use impaas::{
    app::version::AppVersions,
    permission::ContextType::{Global, Team},
    plan::StoredPlan,
    platform::Platform,
    store::{Filter, Update},
};

use super::world::World;
use crate::{
    api::{
        deploy::{deploy, server},
        harness::Server,
        memory::Memory,
    },
    server::archive::multipart,
};

#[actix_web::test]
async fn a_disabled_platform_is_for_those_who_look_after_platforms() {
    let world = World::new().await;
    let admin = world.server.admin().await;
    admin.put("/1.0/platforms/nodejs").form(&[("disabled", "true")]).send().await.ok(200);
    let user = world.server.user_with("user@example.com", Team, "demo", &["app"]).await;
    let app = [("name", "other"), ("platform", "nodejs"), ("teamOwner", "demo")];
    user.post("/1.0/apps").form(&app).send().await.fails(400, "Invalid platform");
    user.put("/1.0/apps/hello").form(&[("platform", "nodejs")]).send().await.fails(400, "Invalid platform");
}

#[actix_web::test]
async fn a_pool_is_to_be_chosen_by_a_team_that_has_several() {
    let server = Server::new().await;
    let admin = server.admin().await;
    for pool in ["p1", "p2"] {
        admin.post("/1.0/pools").form(&[("name", pool)]).send().await.ok(201);
        admin.post(&format!("/1.0/pools/{pool}/team")).form(&[("team", "demo")]).send().await.ok(200);
    }
    let app = [("name", "other"), ("platform", "python"), ("teamOwner", "demo")];
    let text = "you have access to \"<pool>\",\"<pool>\" pools. Please choose one in app creation";
    admin.post("/1.0/apps").form(&app).send().await.fails_like(500, text);
}

#[actix_web::test]
async fn units_of_several_versions_are_added_to_one_of_them() {
    let (server, _) = server().await;
    let admin = server.admin().await;
    deploy(&admin, &[]).await.ok(200);
    deploy(&admin, &[("new-version", "true")]).await.ok(200);
    let more = [("units", "1"), ("process", "web")];
    let text = "<said>more than one version deployed, you must select one";
    admin.put("/1.0/apps/a/units").form(&more).send().await.fails_like(500, text);
}

#[actix_web::test]
async fn a_version_that_is_to_be_removed_is_not_gone_back_to() {
    let (server, _) = server().await;
    let admin = server.admin().await;
    deploy(&admin, &[]).await.ok(200);
    let marked = Update::set("versions.1.markedtoremoval", true);
    server.ctx.store.of::<AppVersions>().update(Filter::eq("appname", "a"), marked).await.unwrap().unwrap();
    let back = [("image", "v1"), ("origin", "rollback")];
    let text = "<said>the selected version is marked to removal";
    admin.post("/1.0/apps/a/deploy/rollback").form(&back).send().await.fails_like(500, text);
}

#[actix_web::test]
async fn a_build_that_fails_says_why() {
    let (server, _) = server().await;
    let (content_type, body) = multipart(&[("tag", "next"), ("archive-url", "")], b"the archive");
    let admin = server.admin().await;
    admin.post("/1.5/apps/a/build").body(&content_type, body).send().await.ok(200);
    let nowhere = [("tag", "more"), ("archive-url", "http://127.0.0.1:9/x.tar.gz")];
    admin.post("/1.5/apps/a/build").form(&nowhere).send().await.fails_like(500, "Get \"<address>\": <why>");
}

#[actix_web::test]
async fn lists_of_nothing_are_204() {
    let server = Server::new().await;
    let user = server.user("user@example.com").await;
    user.get("/1.0/plans/routers").send().await.ok(204);
    server.ctx.store.of::<StoredPlan>().delete(Filter::All).await.unwrap();
    user.get("/1.0/plans").send().await.ok(204);
    server.ctx.store.of::<Platform>().delete(Filter::All).await.unwrap();
    user.get("/1.0/platforms").send().await.ok(204);
}

#[actix_web::test]
async fn only_a_server_without_settings_has_volume_plans_of_its_own() {
    let server = Server::with_settings(Memory::new(), "database:\n  url: mongodb://127.0.0.1:9\n").await;
    server.admin().await.get("/1.4/volumeplans").send().await.ok(204);
}

#[actix_web::test]
async fn nobody_gives_or_takes_a_role_with_more_than_they_hold() {
    let world = World::new().await;
    let giver = world.server.user_with("giver@example.com", Global, "", &["role.update.assign", "role.update.dissociate"]).await;
    let text = "User not authorized to use permission app.read(team demo)";
    for (kind, field, value) in [("user", "email", "bob@example.com"), ("token", "token_id", "ci"), ("group", "group_name", "staff")] {
        let form = [(field, value), ("context", "demo")];
        let versioned = |path: &str| format!("/1.9/roles/helper/{kind}{path}");
        giver.post(&versioned("")).form(&form).send().await.fails(403, text);
        giver.delete(&versioned(&format!("/{value}?context=demo"))).send().await.fails(403, text);
    }
}

#[actix_web::test]
async fn a_platform_of_this_server_that_was_removed_is_added_again() {
    let server = World::new().await.server;
    let admin = server.admin().await;
    admin.delete("/1.0/platforms/go").send().await.ok(200);
    let part = |name: &str, text: &str| format!("--x\r\nContent-Disposition: form-data; name=\"{name}\"; filename=\"f\"\r\n\r\n{text}\r\n");
    let name = "--x\r\nContent-Disposition: form-data; name=\"name\"\r\n\r\ngo\r\n";
    let body = format!("{name}{}--x--\r\n", part("dockerfile_content", "FROM tsuru/go"));
    admin.post("/1.0/platforms").body("multipart/form-data; boundary=x", body).send().await.ok(200);
}
