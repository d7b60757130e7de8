//! Both servers on one database: what tsuru wrote is used as it is, what we write has tsuru's shape.

use std::collections::BTreeMap;

use bson::{Bson, Document, doc};
use impaas::store::Backend;
use serde_json::json;

use super::fixture::{ADMIN, API_KEY, PASSWORD, SESSION, TEAM_TOKEN, database, one, recorded, sharing};

#[tokio::test]
async fn tsurus_passwords_sessions_keys_and_tokens_are_accepted() {
    let server = sharing(database().await).await;
    let login = server.nobody().post("/1.0/users/admin@example.com/tokens").form(&[("password", PASSWORD)]).send().await.ok(200);
    let session = login.json()["token"].as_str().unwrap().to_owned();
    server.nobody().post("/1.0/users/admin@example.com/tokens").form(&[("password", "admin124")]).send().await.ok(401);
    for token in [session.as_str(), SESSION, API_KEY] {
        let info = server.with_token(token).get("/1.0/users/info").send().await.ok(200);
        assert_eq!(info.json()["Email"], ADMIN);
    }
    server.with_token(TEAM_TOKEN).get("/1.0/apps/hello").send().await.ok(200);
    server.with_token(&"0".repeat(40)).get("/1.0/users/info").send().await.ok(401);
}

#[tokio::test]
async fn tsurus_apps_services_and_tokens_are_shown() {
    let server = sharing(database().await).await;
    let admin = server.with_token(SESSION);
    let apps = admin.get("/1.0/apps").send().await.ok(200).json();
    let names: Vec<_> = apps.as_array().unwrap().iter().map(|app| app["name"].as_str().unwrap().to_owned()).collect();
    assert_eq!(names, ["dock", "hello"]);
    let env = admin.get("/1.0/apps/hello/env?env=SECRET").send().await.ok(200).json();
    assert_eq!(env[0]["value"], "hush");
    let token = admin.get("/1.7/tokens/ci-token").send().await.ok(200).json();
    assert_eq!(token["token"], TEAM_TOKEN);
    let key = admin.get("/1.0/users/api-key").send().await.ok(200).json();
    assert_eq!(key, json!(API_KEY));
}

#[tokio::test]
async fn what_we_give_is_in_the_database_as_tsuru_looks_for_it() {
    let backend = database().await;
    let server = sharing(backend.clone()).await;
    let login = server.nobody().post("/1.0/users/bob@example.com/tokens").form(&[("password", "bob12345")]).send().await.ok(200);
    let session = one(backend.as_ref(), "tokens", "token", login.json()["token"].as_str().unwrap()).await;
    assert_eq!(session.get_str("useremail").unwrap(), "bob@example.com");

    let admin = server.with_token(SESSION);
    let key = admin.post("/1.0/users/api-key").send().await.ok(200).json();
    assert_eq!(one(backend.as_ref(), "users", "email", ADMIN).await.get_str("apikey").unwrap(), key.as_str().unwrap());
    admin.post("/1.0/users").form(&[("email", "carl@example.com"), ("password", "carl1234")]).send().await.ok(201);
    let carl = one(backend.as_ref(), "users", "email", "carl@example.com").await;
    assert!(carl.get_str("password").unwrap().starts_with("$2a$04$"));
    let made = admin.post("/1.6/tokens").form(&[("token_id", "second"), ("team", "demo")]).send().await.ok(201).json();
    let stored = one(backend.as_ref(), "team_tokens", "token_id", "second").await;
    assert_eq!(stored.get_str("token").unwrap(), made["token"].as_str().unwrap());
    admin
        .post("/1.0/apps/hello/env")
        .json(&json!({"Envs": [{"Name": "NEW", "Value": "clear", "Private": true}], "NoRestart": true}))
        .send()
        .await
        .ok(200);
    let hello = one(backend.as_ref(), "apps", "name", "hello").await;
    let new = hello.get_document("env").unwrap().get_document("NEW").unwrap();
    assert_eq!(*new, doc! {"name": "NEW", "value": "clear", "alias": "", "public": false, "managedby": ""});
}

#[tokio::test]
async fn no_pool_is_made_that_tsurus_server_cannot_read() {
    let server = sharing(database().await).await;
    let local = [("name", "here"), ("provisioner", "local")];
    let text = "tsuru's server, which uses this database too, has no provisioner \"local\": leave it empty";
    server.with_token(SESSION).post("/1.0/pools").form(&local).send().await.fails(400, text);
}

#[track_caller]
fn done(reply: crate::api::harness::Reply) {
    assert!(reply.status < 300, "{} {}", reply.status, reply.text);
}

/// Changes one thing of each kind.
async fn change_everything(server: &crate::api::harness::Server) {
    let admin = server.with_token(SESSION);
    done(admin.post("/1.0/users").form(&[("email", "carl@example.com"), ("password", "carl1234")]).send().await);
    done(admin.post("/1.0/teams").json(&json!({"name": "second", "tags": ["a"]})).send().await);
    done(admin.put("/1.6/teams/second").json(&json!({"newname": "third"})).send().await);
    done(admin.post("/1.0/roles").form(&[("name", "looker"), ("context", "team")]).send().await);
    done(admin.post("/1.0/roles/looker/permissions").form(&[("permission", "app.read")]).send().await);
    done(admin.post("/1.0/roles/looker/user").form(&[("email", "carl@example.com"), ("context", "demo")]).send().await);
    done(admin.post("/1.6/tokens").form(&[("token_id", "second"), ("team", "demo")]).send().await);
    done(admin.post("/1.0/plans").form(&[("name", "huge"), ("memory", "268435456"), ("cpumilli", "100")]).send().await);
    done(admin.post("/1.0/pools").form(&[("name", "extra"), ("provisioner", "")]).send().await);
    done(admin.post("/1.3/events/blocks").form(&[("KindName", "app.run"), ("Reason", "tests")]).send().await);
    let app = [("name", "fresh"), ("platform", "python"), ("teamOwner", "demo"), ("pool", "dev"), ("plan", "tiny")];
    done(admin.post("/1.0/apps").form(&app).send().await);
    done(admin.post("/1.0/apps/fresh/env").json(&json!({"Envs": [{"Name": "A", "Value": "b"}], "NoRestart": true})).send().await);
    done(admin.put("/1.0/apps/fresh/quota").form(&[("limit", "4")]).send().await);
    done(admin.put("/1.0/apps/fresh/teams/course60001").send().await);
}

/// Types at the paths of a document; the keys of maps that people name are `*`.
fn shape(doc: &Document, at: &str, into: &mut BTreeMap<String, String>) {
    for (name, value) in doc {
        let path = if MAPS.contains(&at) { format!("{at}.*") } else { format!("{at}.{name}") };
        match value {
            Bson::Document(inner) => shape(inner, &path, into),
            Bson::Array(items) => {
                into.insert(path.clone(), "array".into());
                for item in items.iter().filter_map(Bson::as_document) {
                    shape(item, &path, into);
                }
            }
            other => {
                into.insert(path, format!("{:?}", other.element_type()));
            }
        }
    }
}

const MAPS: [&str; 6] = ["apps.env", "apps.certissuers", "app_versions.versions", "pool.labels", "apps.routers.opts", "apps.routeropts"];
/// Values of any kind, and fields that tsuru writes only sometimes and that no recorded document happens to have.
const FREE: [&str; 9] = [
    "events.startcustomdata",
    "events.endcustomdata",
    "events.structuredlog",
    "events.expireat",
    "event_blocks.endtime",
    "event_blocks.conditions",
    "team_tokens.expires_at",
    "team_tokens.last_access",
    "users.groups",
];

fn shapes(collections: &[(String, Vec<Document>)]) -> BTreeMap<String, String> {
    let mut all = BTreeMap::new();
    for (name, docs) in collections {
        docs.iter().for_each(|doc| shape(doc, name, &mut all));
    }
    all.retain(|path, _| !FREE.iter().any(|free| path.starts_with(free)));
    all
}

async fn all(backend: &dyn Backend) -> Vec<(String, Vec<Document>)> {
    let mut all = Vec::new();
    for name in backend.collections().await.unwrap() {
        all.push((name.clone(), backend.dump(&name).await.unwrap()));
    }
    all
}

#[tokio::test]
async fn what_we_write_has_the_keys_and_types_of_what_tsuru_writes() {
    let (backend, theirs) = (database().await, shapes(&recorded()));
    let server = sharing(backend.clone()).await;
    change_everything(&server).await;
    let known: Vec<String> = recorded().into_iter().map(|(name, _)| name).collect();
    let ours = all(backend.as_ref()).await.into_iter().filter(|(name, _)| known.contains(name)).collect::<Vec<_>>();
    let strange: Vec<_> = shapes(&ours)
        .into_iter()
        .filter(|(path, kind)| theirs.get(path).is_none_or(|wanted| wanted != kind && wanted != "Null" && kind != "Null"))
        .collect();
    assert!(strange.is_empty(), "not as tsuru writes it: {strange:#?}");
}

#[tokio::test]
async fn new_documents_have_every_key_that_tsurus_have() {
    let (backend, recorded) = (database().await, recorded());
    let server = sharing(backend.clone()).await;
    change_everything(&server).await;
    let pairs = [
        ("apps", "name", "hello", "fresh"),
        ("users", "email", "bob@example.com", "carl@example.com"),
        ("team_tokens", "token_id", "ci-token", "second"),
        ("roles", "_id", "member", "looker"),
        ("plans", "_id", "tiny", "huge"),
        ("pool", "_id", "dev", "extra"),
        ("event_blocks", "kindname", "app.deploy", "app.run"),
    ];
    for (collection, field, theirs, ours) in pairs {
        let (_, docs) = recorded.iter().find(|(name, _)| name == collection).unwrap();
        let theirs = docs.iter().find(|doc| doc.get_str(field).is_ok_and(|it| it == theirs)).unwrap();
        let ours = one(backend.as_ref(), collection, field, ours).await;
        let optional = ["expires_at", "roles"];
        let missing: Vec<_> = theirs.keys().filter(|key| !ours.contains_key(key.as_str()) && !optional.contains(&key.as_str())).collect();
        assert!(missing.is_empty(), "{collection}: missing {missing:?}");
    }
}
