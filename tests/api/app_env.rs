//! Variables of apps.

use impaas::{
    app::{App, EnvVar, ServiceEnvVar},
    event::Event,
    permission::ContextType,
    store::{Filter, Update},
};
use serde_json::{Value, json};

use super::{
    app::create,
    harness::{Caller, Reply, Server},
};

const ENV: &str = "/1.0/apps/hello/env";
const FORBIDDEN: &str = "You don't have permission to do this action";

async fn with_app() -> Server {
    let server = Server::new().await;
    create(&server.admin().await, "hello").await;
    server
}

/// What a stream says, and its error.
fn said(reply: Reply) -> (Vec<String>, Option<String>) {
    let lines: Vec<Value> = reply.ok(200).text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let error = lines.iter().find_map(|line| line["Error"].as_str().map(str::to_owned));
    (lines.iter().filter_map(|line| line["Message"].as_str().filter(|m| !m.is_empty()).map(str::to_owned)).collect(), error)
}

async fn get(caller: &Caller<'_>, query: &str) -> Value {
    caller.get(&format!("{ENV}{query}")).send().await.ok(200).json()
}

async fn names(caller: &Caller<'_>) -> Vec<String> {
    let all = get(caller, "").await;
    all.as_array().unwrap().iter().map(|var| var["name"].as_str().unwrap().to_owned()).collect()
}

#[actix_web::test]
async fn variables_are_set_shown_and_removed_as_the_stock_client_asks() {
    let server = with_app().await;
    let admin = server.admin().await;
    let form = [
        ("Envs.0.Alias", ""),
        ("Envs.0.ManagedBy", ""),
        ("Envs.0.Name", "GREETING"),
        ("Envs.0.Private", ""),
        ("Envs.0.Value", "there"),
        ("Envs.1.Alias", ""),
        ("Envs.1.Name", "PLAIN"),
        ("Envs.1.Private", ""),
        ("Envs.1.Value", "a b\nc"),
        ("ManagedBy", ""),
        ("NoRestart", ""),
        ("Private", ""),
        ("PruneUnused", ""),
    ];
    let reply = admin.post(ENV).form(&form).send().await;
    assert_eq!(reply.header("content-type"), Some("application/x-json-stream"));
    assert_eq!(said(reply), (vec!["---- Setting 2 new environment variables ----\n".into()], None));
    let secret = [("Envs.0.Name", "SECRET"), ("Envs.0.Value", "hush"), ("Private", "true")];
    admin.post(ENV).form(&secret).send().await.ok(200);
    let expected = json!([
        {"name": "GREETING", "value": "there", "alias": "", "public": true},
        {"name": "PLAIN", "value": "a b\nc", "alias": "", "public": true},
        {"name": "SECRET", "value": "hush", "alias": "", "public": false},
        {"name": "TSURU_APPDIR", "value": "/home/application/current", "alias": "", "public": true, "managedBy": "tsuru"},
        {"name": "TSURU_APPNAME", "value": "hello", "alias": "", "public": true, "managedBy": "tsuru"},
        {"name": "TSURU_SERVICES", "value": "{}", "alias": "", "public": false, "managedBy": "tsuru"},
    ]);
    assert_eq!(get(&admin, "").await, expected);
    assert_eq!(get(&admin, "?env=GREETING&env=NOPE").await, json!([expected[0]]));
    assert_eq!(get(&admin, "?env=NOPE").await, Value::Null);
    let unset = admin.delete(&format!("{ENV}?env=PLAIN&noRestart=false")).send().await;
    assert_eq!(said(unset), (vec!["---- Unsetting 1 environment variables ----\n".into()], None));
    assert_eq!(get(&admin, "?env=PLAIN").await, Value::Null);
}

#[actix_web::test]
async fn wrong_requests_for_variables_are_refused_with_tsurus_words() {
    let server = with_app().await;
    let admin = server.admin().await;
    let none = "You must provide the list of environment variables";
    admin.post(ENV).json(&json!({"Envs": []})).send().await.fails(400, none);
    let prune = json!({"Envs": [{"Name": "A"}], "PruneUnused": true});
    admin.post(ENV).json(&prune).send().await.fails(400, "Prune unused requires a managed-by value");
    let protected = "There were errors validating environment variables: cannot change an internal environment variable \
                     (TSURU_SERVICES): write-protected environment variable";
    admin.post(ENV).json(&json!({"Envs": [{"Name": "TSURU_SERVICES"}]})).send().await.fails(400, protected);
    for name in ["A.value", "1A", "", "a b"] {
        assert_eq!(admin.post(ENV).json(&json!({"Envs": [{"Name": name, "Value": "x"}]})).send().await.status, 400, "{name}");
    }
    let nul = r#"the value of "A" has a NUL byte, which no environment can hold"#;
    admin.post(ENV).json(&json!({"Envs": [{"Name": "A", "Value": "a\u{0}b"}]})).send().await.fails(400, nul);
    for query in ["", "?env="] {
        let reply = admin.delete(&format!("{ENV}{query}")).send().await;
        reply.fails(400, "You must provide the list of environment variables.");
    }
}

#[actix_web::test]
async fn a_name_cannot_reach_into_another_variable() {
    let server = with_app().await;
    let admin = server.admin().await;
    admin.post(ENV).json(&json!({"Envs": [{"Name": "A", "Value": "1"}]})).send().await.ok(200);
    admin.delete(&format!("{ENV}?env=A.value")).send().await.ok(200);
    assert_eq!(get(&admin, "?env=A").await[0]["value"], "1");
}

#[actix_web::test]
async fn an_alias_shows_the_value_it_leads_to() {
    let server = with_app().await;
    let admin = server.admin().await;
    let envs = json!({"Envs": [{"Name": "A", "Value": "1"}, {"Name": "D", "Alias": "A"}], "NoRestart": true});
    admin.post(ENV).json(&envs).send().await.ok(200);
    let all = get(&admin, "").await;
    let d = all.as_array().unwrap().iter().find(|var| var["name"] == "D").unwrap();
    assert_eq!(*d, json!({"name": "D", "value": "1", "alias": "A", "public": true}));
}

#[actix_web::test]
async fn pruning_removes_only_what_the_same_tool_manages() {
    let server = with_app().await;
    let admin = server.admin().await;
    admin.post(ENV).json(&json!({"Envs": [{"Name": "MINE", "Value": "1"}]})).send().await.ok(200);
    let first = json!({"Envs": [{"Name": "A", "Value": "1"}, {"Name": "B", "Value": "2"}], "ManagedBy": "tf"});
    admin.post(ENV).json(&first).send().await.ok(200);
    let second = json!({"Envs": [{"Name": "B", "Value": "3"}], "ManagedBy": "tf", "PruneUnused": true});
    let (lines, _) = said(admin.post(ENV).json(&second).send().await);
    assert_eq!(lines[1], "---- Pruning A from environment variables ----\n");
    assert_eq!(get(&admin, "?env=B").await, json!([{"name": "B", "value": "3", "alias": "", "public": true, "managedBy": "tf"}]));
    admin.post(ENV).json(&json!({"ManagedBy": "tf", "PruneUnused": true})).send().await.ok(200);
    assert_eq!(names(&admin).await, ["MINE", "TSURU_APPDIR", "TSURU_APPNAME", "TSURU_SERVICES"]);
}

#[actix_web::test]
async fn variables_of_services_are_shown_and_cannot_be_set() {
    let server = with_app().await;
    let admin = server.admin().await;
    let app = App::load(&server.ctx.store, "hello").await.unwrap();
    let var = EnvVar { name: "HOST".into(), value: "h".into(), ..EnvVar::default() };
    let bound = vec![ServiceEnvVar { var, service: "mysql".into(), instance: "todo".into() }];
    server.ctx.store.of::<App>().update(Filter::id(app.id), Update::set("serviceenvs", bound)).await.unwrap();
    let all = get(&admin, "").await;
    let host = all.as_array().unwrap().iter().find(|var| var["name"] == "HOST").unwrap();
    assert_eq!(*host, json!({"name": "HOST", "value": "h", "alias": "", "public": false, "managedBy": "mysql/todo"}));
    let (_, error) = said(admin.post(ENV).json(&json!({"Envs": [{"Name": "HOST", "Value": "x"}]})).send().await);
    assert_eq!(error.as_deref(), Some(r#"Environment variable "HOST" is already in use by service bind "mysql/todo""#));
}

#[actix_web::test]
async fn two_who_set_at_once_both_keep_what_they_set() {
    let server = with_app().await;
    let admin = server.admin().await;
    let set = |i: usize| admin.post(ENV).json(&json!({"Envs": [{"Name": format!("V{i}"), "Value": "1"}]})).send();
    for reply in futures_util::future::join_all((0..8).map(set)).await {
        reply.ok(200);
    }
    assert_eq!(names(&admin).await.iter().filter(|name| name.starts_with('V')).count(), 8);
}

#[actix_web::test]
async fn no_value_reaches_the_events() {
    let server = with_app().await;
    let admin = server.admin().await;
    let json = json!({"envs": [{"name": "A", "value": "hush-1"}, {"name": "B", "value": "hush-2", "private": true}]});
    admin.post(ENV).json(&json).send().await.ok(200);
    admin.post(ENV).form(&[("envs.0.name", "C"), ("envs.0.value", "hush-3"), ("private", "true")]).send().await.ok(200);
    let find = Filter::eq("kind.name", "app.update.env.set");
    let events = server.ctx.store.of::<Event>().find(find).await.unwrap();
    assert_eq!(events.len(), 2);
    let text = format!("{events:?}");
    assert!(!text.contains("hush"), "{text}");
    assert!(text.contains("Envs.0.Name") && text.contains("*****"), "{text}");
}

#[actix_web::test]
async fn variables_are_only_for_those_with_the_permission_in_the_apps_context() {
    let server = with_app().await;
    let reader = server.user_with("r@b.co", ContextType::Team, "demo", &["app.read.env"]).await;
    reader.get(ENV).send().await.ok(200);
    reader.post(ENV).json(&json!({"Envs": [{"Name": "A"}]})).send().await.fails(403, FORBIDDEN);
    reader.delete(&format!("{ENV}?env=A")).send().await.fails(403, FORBIDDEN);
    let setter = server.user_with("s@b.co", ContextType::App, "hello", &["app.update.env.set"]).await;
    setter.post(ENV).json(&json!({"Envs": [{"Name": "A"}]})).send().await.ok(200);
    setter.get(ENV).send().await.fails(403, FORBIDDEN);
    setter.delete(&format!("{ENV}?env=A")).send().await.fails(403, FORBIDDEN);
    let foreign = server.user_with("f@b.co", ContextType::Team, "foreign", &["app"]).await;
    foreign.get(ENV).send().await.fails(403, FORBIDDEN);
    foreign.post(ENV).json(&json!({"Envs": [{"Name": "A"}]})).send().await.fails(403, FORBIDDEN);
    foreign.delete(&format!("{ENV}?env=A")).send().await.fails(403, FORBIDDEN);
}

#[actix_web::test]
async fn a_variable_that_is_unset_twice_in_one_request_is_gone() {
    let server = with_app().await;
    let admin = server.admin().await;
    admin
        .post(ENV)
        .json(&json!({"envs": [{"name": "A", "value": "1"}, {"name": "B", "value": "2"}], "norestart": true}))
        .send()
        .await
        .ok(200);
    let (_, error) = said(admin.delete(&format!("{ENV}?env=A&env=A&noRestart=true")).send().await);
    assert_eq!(error, None);
    assert!(!names(&admin).await.contains(&"A".to_owned()));
}
