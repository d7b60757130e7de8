//! Platforms.

use impaas::{app::App, permission::ContextType, store::Filter};
use serde_json::json;

use super::harness::{Caller, Server};

const DENIED: &str = "You don't have permission to do this action";
const PATH: &str = "/1.0/platforms";

/// A multipart body as the command line sends it.
fn upload(fields: &[(&str, &str)]) -> (&'static str, String) {
    let mut body = String::new();
    for (name, text) in fields {
        let file = if *name == "dockerfile_content" { "; filename=\"Dockerfile\"" } else { "" };
        body += &format!("--x\r\nContent-Disposition: form-data; name=\"{name}\"{file}\r\n\r\n{text}\r\n");
    }
    ("multipart/form-data; boundary=x", body + "--x--\r\n")
}

async fn listed(caller: &Caller<'_>) -> serde_json::Value {
    caller.get(PATH).send().await.ok(200).json()
}

#[actix_web::test]
async fn a_new_server_has_the_built_in_platforms() {
    let server = Server::new().await;
    let user = server.user("user@example.com").await;
    let platform = |name| json!({"Name": name, "Disabled": false});
    assert_eq!(listed(&user).await, json!([platform("go"), platform("nodejs"), platform("python"), platform("static")]));
}

#[actix_web::test]
async fn a_platform_is_shown_with_its_images() {
    let server = Server::new().await;
    let admin = server.admin().await;
    let reply = admin.get("/1.6/platforms/python").send().await.ok(200);
    assert_eq!(reply.text, "{\"images\":[\"tsuru/python:latest\"],\"platform\":{\"Name\":\"python\",\"Disabled\":false}}\n");
    admin.get("/1.6/platforms/cobol").send().await.fails(500, "Invalid platform");
}

#[actix_web::test]
async fn a_disabled_platform_is_hidden_from_those_who_do_not_look_after_platforms() {
    let server = Server::new().await;
    let (admin, user) = (server.admin().await, server.user("user@example.com").await);
    let reply = admin.put("/1.0/platforms/go").form(&[("disabled", "true")]).send().await.ok(200);
    assert_eq!(reply.header("content-type"), Some("application/x-json-stream"));
    assert_eq!(reply.json()["Message"], "Platform successfully updated!\n");
    assert_eq!(listed(&user).await.as_array().unwrap().len(), 3);
    assert_eq!(listed(&admin).await[0], json!({"Name": "go", "Disabled": true}));
    let (kind, body) = upload(&[("disabled", "false")]);
    admin.put("/1.0/platforms/go").body(kind, body).send().await.ok(200);
    assert_eq!(listed(&user).await.as_array().unwrap().len(), 4);
    admin.put("/1.0/platforms/go").form(&[("disabled", "")]).send().await.fails(500, "either disabled or dockerfile must be provided");
    admin.put("/1.0/platforms/cobol").form(&[("disabled", "true")]).send().await.fails(500, "Invalid platform");
}

#[actix_web::test]
async fn a_platform_that_this_server_cannot_build_is_refused_with_the_reason() {
    let server = Server::new().await;
    let admin = server.admin().await;
    let (kind, body) = upload(&[("name", "cobol"), ("dockerfile_content", "FROM tsuru/cobol")]);
    admin.post(PATH).body(kind, body.clone()).send().await.fails(501, "this server runs no apps: it has no provisioner");
    let (kind, update) = upload(&[("dockerfile_content", "FROM tsuru/python")]);
    admin.put("/1.0/platforms/python").body(kind, update).send().await.fails(501, "this server runs no apps: it has no provisioner");
    assert_eq!(listed(&admin).await.as_array().unwrap().len(), 4);
}

#[actix_web::test]
async fn what_is_wrong_with_a_new_platform_is_said() {
    let server = Server::new().await;
    let admin = server.admin().await;
    let text = "request Content-Type isn't multipart/form-data";
    admin.post(PATH).form(&[("name", "x")]).send().await.fails(400, text);
    for (fields, status, text) in [
        (&[("name", "x")][..], 400, "http: no such file"),
        (&[("name", "x"), ("dockerfile_content", "")], 400, "Missing file content."),
        (&[("name", ""), ("dockerfile_content", "FROM x")], 500, "Platform name is required."),
    ] {
        let (kind, body) = upload(fields);
        admin.post(PATH).body(kind, body).send().await.fails(status, text);
    }
}

#[actix_web::test]
async fn a_platform_with_apps_stays() {
    let server = Server::new().await;
    let admin = server.admin().await;
    let app: App = serde_json::from_value(json!({"_id": bson::oid::ObjectId::new(), "name": "blog", "framework": "go"})).unwrap();
    server.ctx.store.of::<App>().insert(&app).await.unwrap();
    let text = "Platform has apps. You must remove them before remove the platform.";
    admin.delete("/1.0/platforms/go").send().await.fails(500, text);
    server.ctx.store.of::<App>().delete(Filter::All).await.unwrap();
    admin.delete("/1.0/platforms/go").send().await.ok(200);
    admin.delete("/1.0/platforms/go").send().await.fails(404, "Platform doesn't exist.");
}

#[actix_web::test]
async fn there_is_no_earlier_image_to_go_back_to() {
    let server = Server::new().await;
    let admin = server.admin().await;
    let path = "/1.6/platforms/python/rollback";
    admin.post(path).send().await.fails(400, "you cannot rollback without an image name");
    admin.post(path).form(&[("image", "v1")]).send().await.fails(400, "invalid image version \"v1\"");
    let text = "platform \"python\" is built into this server and has no image of version 1 to go back to";
    admin.post(path).form(&[("image", "1")]).send().await.fails(500, text);
}

#[actix_web::test]
async fn platforms_are_changed_only_with_permission() {
    let server = Server::new().await;
    let member = server.user_with("member@example.com", ContextType::Team, "demo", &["app"]).await;
    let (kind, body) = upload(&[("name", "x"), ("dockerfile_content", "FROM x")]);
    member.post(PATH).body(kind, body).send().await.fails(403, DENIED);
    member.put("/1.0/platforms/go").form(&[("disabled", "true")]).send().await.fails(403, DENIED);
    member.delete("/1.0/platforms/go").send().await.fails(403, DENIED);
    member.get("/1.6/platforms/go").send().await.fails(403, DENIED);
    member.post("/1.6/platforms/go/rollback").form(&[("image", "1")]).send().await.fails(403, DENIED);
    let reader = server.user_with("reader@example.com", ContextType::Global, "", &["platform.read"]).await;
    reader.get("/1.6/platforms/go").send().await.ok(200);
}
