//! Apps are bound to instances and unbound: the broker and the store agree whatever happens.

use impaas::{
    app::{App, env},
    event::{Allowed, Begin, Target, TargetType},
    permission::ContextType::Team,
    service::Instance,
    store::{Filter, Update},
};
use serde_json::json;

use super::{
    service::DENIED,
    service_instance::{BIND, DB, intents, said, stored, variables, with_instance},
};
use crate::server::{PATIENCE, eventually};

#[actix_web::test]
async fn a_bound_app_has_the_brokers_variables_until_it_is_unbound() {
    let (server, broker) = with_instance().await;
    let admin = server.admin().await;
    let bound = admin.put(BIND).form(&[("noRestart", "true")]).send().await.ok(200);
    let expected = concat!(
        "---- Setting 4 new environment variables ----\n",
        "\nInstance \"tododb\" is now bound to the app \"hello\".\n",
        "The following environment variables are available for use in your app:\n\n",
        "- DATABASE_HOST\n- DATABASE_NAME\n- DATABASE_PASSWORD\n- TSURU_SERVICES\n"
    );
    assert_eq!(said(&bound), (expected.into(), String::new()));
    let asked = broker.seen();
    let event = &asked[0].headers["x-tsuru-eventid"];
    let body = format!("app-name=hello&app-pool-name=local&app-pool-provisioner=local&eventid={event}&user=admin%40example.com");
    assert_eq!((asked[0].line.as_str(), asked[0].body.as_str()), ("POST /resources/tododb/bind-app", body.as_str()));
    let app = App::load(&server.ctx.store, "hello").await.unwrap();
    let all = env::all(&app, "host");
    assert_eq!(all["DATABASE_NAME"].expose(), "tododb");
    let services = r#"{"mysql":[{"instance_name":"tododb","envs":{"DATABASE_HOST":"db.internal","DATABASE_NAME":"tododb","DATABASE_PASSWORD":"s3cr3t"}}]}"#;
    assert_eq!(all["TSURU_SERVICES"].expose(), services);
    let raw = format!(
        "{:?}{:?}",
        server.ctx.store.backend().dump("apps").await.unwrap(),
        server.ctx.store.backend().dump("events").await.unwrap()
    );
    assert!(!raw.contains("s3cr3t"));
    let info = admin.get("/1.0/apps/hello").send().await.ok(200).json();
    assert_eq!(info["serviceInstanceBinds"], json!([{"service": "mysql", "instance": "tododb", "plan": "small"}]));
    assert_eq!(admin.get("/services/instances?app=hello").send().await.ok(200).json()[0]["instances"], json!(["tododb"]));
    assert_eq!(admin.get("/services/instances?app=other").send().await.ok(200).json()[0]["instances"], json!([]));

    admin.put(BIND).form(&[]).send().await.fails(500, r#"app is already bound to this service instance ("tododb" is up)"#);
    let text = "Applications bound to the service \"tododb\": \"hello\"\n: This service instance is bound to at least one app. Unbind them before removing it";
    admin.delete(DB).send().await.fails(400, text);
    broker.seen();
    let unbound = admin.delete(&format!("{DB}/hello?noRestart=true")).send().await.ok(200);
    let expected = "---- Unsetting 3 environment variables ----\n\nInstance \"tododb\" is not bound to the app \"hello\" anymore.\n";
    assert_eq!(said(&unbound), (expected.into(), String::new()));
    assert_eq!(broker.lines(), ["DELETE /resources/tododb/bind-app"]);
    assert!(variables(&server).await.is_empty() && stored(&server).await.unwrap().apps.is_empty());
    admin.delete(BIND).send().await.fails(500, "app is not bound to this service instance");
    assert_eq!(intents(&server).await, 0);
}

#[actix_web::test]
async fn the_old_path_and_the_old_broker_path_bind_too() {
    let (server, broker) = with_instance().await;
    broker.answers("POST /resources/tododb/bind-app", 404, "");
    broker.answers("POST /resources/tododb/bind", 201, r#"{"HOST":"h"}"#);
    server.admin().await.put(&format!("{DB}/hello")).form(&[("noRestart", "true")]).send().await.ok(200);
    assert_eq!(broker.lines(), ["POST /resources/tododb/bind-app", "POST /resources/tododb/bind"]);
    assert_eq!(variables(&server).await, ["HOST=h"]);
}

#[actix_web::test]
async fn a_bind_that_fails_leaves_nothing_behind() {
    let (server, broker) = with_instance().await;
    let admin = server.admin().await;
    let unknown = "instance does not exist in the service API";
    for (status, body, text, told) in [
        (412, "", "instance is not ready yet".to_owned(), false),
        (404, "", unknown.to_owned(), false),
        (500, "no", "Failed to bind the instance \"mysql/tododb\" to the app \"hello\": invalid response: no (code: 500)".into(), false),
        (201, "{\"A\": \"b\"", "invalid response: EOF while parsing an object at line 1 column 9".into(), true),
        (201, "{\"A=B\": \"b\"}", "invalid response: \"A=B\" cannot be an environment variable".into(), true),
    ] {
        broker.answers("POST /resources/tododb/bind-app", status, body);
        broker.answers("POST /resources/tododb/bind", 404, "");
        broker.seen();
        admin.put(BIND).form(&[("noRestart", "true")]).send().await.fails(500, &format!("{text} (\"tododb\" is up)"));
        assert_eq!(broker.lines().contains(&"DELETE /resources/tododb/bind-app".to_owned()), told, "{text}");
        assert!(variables(&server).await.is_empty() && stored(&server).await.unwrap().apps.is_empty(), "{text}");
        assert_eq!(intents(&server).await, 0, "{text}");
    }
    broker.answers("GET /resources/tododb/status", 503, "away");
    let status = "failed to retrieve instance status: Failed to get status of instance tododb: invalid response: away (code: 503)";
    let bound = admin.put(BIND).form(&[("noRestart", "true")]).send().await.ok(500);
    assert!(bound.text.contains(status), "{}", bound.text);
}

#[actix_web::test]
async fn an_unbind_that_the_broker_refuses_changes_nothing_unless_forced() {
    let (server, broker) = with_instance().await;
    let admin = server.admin().await;
    admin.put(BIND).form(&[("noRestart", "true")]).send().await.ok(200);
    broker.answers("DELETE /resources/tododb/bind-app", 500, "no");
    let text = "Failed to unbind (\"/resources/tododb/bind-app\"): invalid response: no (code: 500)";
    admin.delete(&format!("{BIND}?noRestart=true")).send().await.fails(500, text);
    assert_eq!(variables(&server).await.len(), 3);
    assert_eq!(stored(&server).await.unwrap().apps, ["hello"]);
    let forced = admin.delete(BIND).json(&json!({"noRestart": true, "force": true})).send().await.ok(200);
    assert!(said(&forced).0.starts_with(&format!("[unbind-app-endpoint] ignored error due to force: {text}\n")));
    assert!(variables(&server).await.is_empty() && stored(&server).await.unwrap().apps.is_empty());
}

#[actix_web::test]
async fn an_app_that_is_bound_while_the_instance_waits_to_be_removed_is_not_unbound_without_its_lock() {
    let (server, broker) = with_instance().await;
    let admin = server.admin().await;
    admin.put(BIND).form(&[("noRestart", "true")]).send().await.ok(200);
    broker.seen();
    let deploy = Begin::recovery(Target::new(TargetType::App, "hello"), "app.deploy", Allowed::default());
    let deploy = server.ctx.events.begin(deploy).await.unwrap();
    let (removed, ()) = tokio::join!(admin.delete(&format!("{DB}?unbindall=true")).send(), async {
        let begun = "impaas_events_begun_total{kind=\"service-instance.delete\"}";
        eventually("it waits for the app", PATIENCE, async || admin.get("/metrics").send().await.text.contains(begun)).await;
        let late = Update::add_to_set("apps", "late");
        server.ctx.store.of::<Instance>().update(Filter::eq("name", "tododb"), late).await.unwrap();
        deploy.end(Ok(())).await.unwrap();
    });
    removed.fails(409, "app \"late\" was bound to this service instance meanwhile, please try again");
    assert_eq!(stored(&server).await.unwrap().apps, ["hello", "late"]);
    assert_eq!(broker.lines(), Vec::<String>::new());
}

#[actix_web::test]
async fn a_removed_app_is_unbound_whatever_the_broker_says() {
    let (server, broker) = with_instance().await;
    let admin = server.admin().await;
    admin.put(BIND).form(&[("noRestart", "true")]).send().await.ok(200);
    broker.seen();
    broker.answers("DELETE /resources/tododb/bind-app", 500, "no");
    admin.delete("/1.0/apps/hello").send().await.ok(200);
    assert_eq!(broker.lines(), ["DELETE /resources/tododb/bind-app"]);
    assert!(stored(&server).await.unwrap().apps.is_empty());
}

#[actix_web::test]
async fn a_bind_needs_the_instance_and_the_app() {
    let (server, _broker) = with_instance().await;
    let of_instance = server.user_with("i@example.com", Team, "demo", &["service-instance"]).await;
    let of_app = server.user_with("a@example.com", Team, "demo", &["app"]).await;
    for caller in [&of_instance, &of_app] {
        for method in ["PUT", "DELETE"] {
            caller.request(method, BIND).send().await.fails(403, DENIED);
        }
    }
    let both = server.user_with("b@example.com", Team, "demo", &["service-instance.update.bind", "app.update.bind"]).await;
    both.put(BIND).form(&[("noRestart", "true")]).send().await.ok(200);
    both.delete(BIND).send().await.fails(403, DENIED);
    let event = server.ctx.store.of::<impaas::event::Event>().get(Filter::eq("kind.name", "app.update.bind")).await.unwrap().unwrap();
    assert_eq!((event.target.value.as_str(), event.extra_targets[0].target.value.as_str()), ("hello", "mysql/tododb"));
}

#[actix_web::test]
async fn a_pool_that_has_not_the_service_does_not_bind_it() {
    let (server, _broker) = with_instance().await;
    let constraint =
        bson::doc! {"_id": bson::oid::ObjectId::new(), "poolexpr": "local", "field": "service", "values": ["mysql"], "blacklist": true};
    let constraint: impaas::pool::Constraint = bson::deserialize_from_document(constraint).unwrap();
    server.ctx.store.of::<impaas::pool::Constraint>().insert(&constraint).await.unwrap();
    server.admin().await.put(BIND).form(&[]).send().await.fails(400, "no service found for pool");
}
