//! `platform add` and its like where clusters build. The clusters need not be there: only their build service is asked.

use impaas::build::agent::message::{BuildRequest, Kind, Platform, PushOptions};
use serde_json::{Value, json};
use tonic::Status;

use super::{
    protocol,
    service::{Said, Service, output},
};
use crate::api::harness::{Caller, Reply, Server};

async fn cluster(admin: &Caller<'_>, name: &str, custom: Value) {
    let cluster =
        json!({"name": name, "provisioner": "kubernetes", "addresses": ["https://127.0.0.1:9"], "pools": [name], "custom_data": custom});
    admin.post("/1.0/pools").json(&json!({"name": name, "provisioner": "kubernetes"})).send().await.ok(201);
    admin.post("/1.3/provisioner/clusters").json(&cluster).send().await.ok(200);
}

async fn ask(admin: &Caller<'_>, method: &str, path: &str, dockerfile: &str) -> Reply {
    let mut body = String::new();
    for (name, text) in [("name", "cobol"), ("dockerfile_content\"; filename=\"Dockerfile", dockerfile)] {
        body += &format!("--x\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{text}\r\n");
    }
    admin.request(method, path).body("multipart/form-data; boundary=x", body + "--x--\r\n").send().await
}

fn messages(reply: &Reply) -> String {
    let lines = reply.text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    lines.map(|line| format!("{}{}", line["Message"].as_str().unwrap(), line["Error"].as_str().unwrap_or_default())).collect()
}

fn by(service: &Service, registry: &str) -> Value {
    json!({"build-service-address": format!("dns:///{}", service.address), "registry": registry, "registry-insecure": "true"})
}

async fn images(admin: &Caller<'_>) -> Value {
    admin.get("/1.6/platforms/cobol").send().await.ok(200).json()["images"].take()
}

#[actix_web::test]
async fn a_platform_is_built_once_for_each_registry() {
    let (server, service) = (Server::new().await, Service::saying(vec![output("it builds\n")]).await);
    let admin = server.admin().await;
    for (name, registry) in [("one", "127.0.0.1:9/a"), ("same", "127.0.0.1:9/a"), ("two", "127.0.0.1:9/b")] {
        cluster(&admin, name, by(&service, registry)).await;
    }
    let mut none = by(&service, "");
    none.as_object_mut().unwrap().remove("registry");
    cluster(&admin, "none", none).await;
    let mut off = by(&service, "127.0.0.1:9/c");
    off["disable-platform-build"] = "true".into();
    cluster(&admin, "off", off).await;
    let said = ask(&admin, "POST", "/1.0/platforms", "FROM base\n").await.ok(200);
    let section = |cluster: &str, registry: &str| {
        format!(
            "---- Building platform cobol on cluster {cluster} ----\n ---> Destination image: {registry}/cobol:v1\n \
             ---> Destination image: {registry}/cobol:latest\n---- Starting build ----\nit builds\n"
        )
    };
    let skipped = "Skipping platform build on none cluster: no registry found in cluster configs\n\
                   Skipping platform build on off cluster: disabled to platform builds\n";
    let expected = [skipped, &section("one", "127.0.0.1:9/a"), &section("two", "127.0.0.1:9/b"), "Platform successfully added!\n"].concat();
    assert_eq!(messages(&said), expected);
    let request = BuildRequest {
        kind: Kind::PlatformDockerfile.into(),
        platform: Some(Platform { name: "cobol".into() }),
        containerfile: "FROM base\n".into(),
        destination_images: ["v1", "latest"].map(|tag| format!("127.0.0.1:9/a/cobol:{tag}")).into(),
        push_options: Some(PushOptions { disable: false, insecure_registry: true }),
        ..BuildRequest::default()
    };
    assert_eq!(service.requests.lock().unwrap()[0], request);
    let all = ["a/cobol:v1", "a/cobol:latest", "b/cobol:v1", "b/cobol:latest"].map(|name| format!("127.0.0.1:9/{name}"));
    assert_eq!(images(&admin).await, json!(all));
}

#[actix_web::test]
async fn a_platform_that_cannot_be_built_is_not_there_and_its_number_stays_used() {
    let server = Server::new().await;
    let admin = server.admin().await;
    let failing = Service::saying(vec![output("it begins\n"), Err(Status::unknown("no such image"))]).await;
    cluster(&admin, "one", by(&failing, "127.0.0.1:9/a")).await;
    let said = ask(&admin, "POST", "/1.0/platforms", "FROM none\n").await.ok(200);
    assert!(messages(&said).ends_with("it begins\nrpc error: code = Unknown desc = no such image"), "{}", said.text);
    admin.get("/1.6/platforms/cobol").send().await.fails(500, "Invalid platform");
    let working: Vec<Said> = vec![];
    let working = Service::saying(working).await;
    admin
        .post("/1.4/provisioner/clusters/one")
        .json(&json!({"name": "one", "provisioner": "kubernetes", "addresses": ["https://127.0.0.1:9"],
        "pools": ["one"], "custom_data": by(&working, "127.0.0.1:9/a")}))
        .send()
        .await
        .ok(200);
    ask(&admin, "POST", "/1.0/platforms", "FROM some\n").await.ok(200);
    assert_eq!(images(&admin).await, json!(["127.0.0.1:9/a/cobol:v2", "127.0.0.1:9/a/cobol:latest"]));
}

#[actix_web::test]
async fn a_platform_is_updated_rolled_back_and_removed() {
    let (server, service) = (Server::new().await, Service::saying(vec![]).await);
    let admin = server.admin().await;
    cluster(&admin, "one", by(&service, "127.0.0.1:9/a")).await;
    ask(&admin, "POST", "/1.0/platforms", "FROM some\n").await.ok(200);
    ask(&admin, "PUT", "/1.0/platforms/cobol", "FROM other\n").await.ok(200);
    let said = admin.post("/1.6/platforms/cobol/rollback").form(&[("image", "1")]).send().await.ok(200);
    assert!(messages(&said).ends_with("Platform successfully updated!\n"), "{}", said.text);
    let requests: Vec<String> = service.requests.lock().unwrap().iter().map(|request| request.containerfile.clone()).collect();
    assert_eq!(requests, ["FROM some\n", "FROM other\n", "FROM 127.0.0.1:9/a/cobol:v1"]);
    assert_eq!(images(&admin).await[4], "127.0.0.1:9/a/cobol:v3");
    let none = admin.post("/1.6/platforms/cobol/rollback").form(&[("image", "v9x")]).send().await;
    none.fails(400, "invalid image version \"v9x\"");
    // Nothing listens where its registry should be.
    admin.delete("/1.0/platforms/cobol").send().await.ok(200);
    admin.get("/1.6/platforms/cobol").send().await.fails(500, "Invalid platform");
}

#[actix_web::test]
async fn a_cluster_says_whether_its_build_service_speaks_tls_and_whether_its_certificate_is_looked_at() {
    let (server, service) = (Server::new().await, Service::over_tls(vec![], protocol::server()).await);
    let admin = server.admin().await;
    let with = |more: &[(&str, &str)]| {
        let mut custom = by(&service, "127.0.0.1:9/a");
        more.iter().for_each(|(key, value)| custom[*key] = (*value).into());
        json!({"name": "one", "provisioner": "kubernetes", "addresses": ["https://127.0.0.1:9"], "pools": ["one"], "custom_data": custom})
    };
    cluster(&admin, "one", by(&service, "127.0.0.1:9/a")).await;
    let tried = async |more: &[(&str, &str)]| {
        admin.post("/1.4/provisioner/clusters/one").json(&with(more)).send().await.ok(200);
        messages(&ask(&admin, "POST", "/1.0/platforms", "FROM some\n").await.ok(200))
    };
    let (tls, any) = (("build-service-tls", "true"), ("build-service-tls-skip-verify", "true"));
    for (more, why) in [(&[any][..], "rpc error: code = Unavailable"), (&[tls][..], "certificate")] {
        let said = tried(more).await;
        assert!(said.contains(why) && service.requests.lock().unwrap().is_empty(), "{more:?}: {said}");
    }
    let said = tried(&[tls, any]).await;
    assert!(said.ends_with("Platform successfully added!\n"), "{said}");
    assert_eq!(service.request().containerfile, "FROM some\n");
}

#[actix_web::test]
async fn a_cluster_without_a_build_service_says_so() {
    let server = Server::new().await;
    let admin = server.admin().await;
    cluster(&admin, "one", json!({"registry": "127.0.0.1:9/a"})).await;
    let refused = ask(&admin, "POST", "/1.0/platforms", "FROM some\n").await;
    refused.fails(500, "build service address not provided: build v2 not supported");
}
