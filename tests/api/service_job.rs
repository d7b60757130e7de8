//! Jobs and instances of services: bound and unbound together with the broker, or not at all.

use impaas::{
    job::Job,
    permission::ContextType::{ServiceInstance, Team},
    service::{Instance, instance},
    store::Filter,
};
use serde_json::json;

use super::{
    broker::Broker,
    harness::Server,
    service::{DENIED, with_mysql},
};

const BIND: &str = "/1.13/services/mysql/instances/tododb/jobs/once";

async fn with_instance() -> (Server, Broker) {
    let (server, broker) = with_mysql().await;
    let admin = server.admin().await;
    let form = [("name", "tododb"), ("owner", "demo"), ("plan", "small")];
    admin.post("/1.0/services/mysql/instances").form(&form).send().await.ok(201);
    // Without an image: nothing is asked of the provisioner.
    let job = json!({"name": "once", "pool": "local", "teamOwner": "demo", "manual": true});
    admin.post("/1.13/jobs").json(&job).send().await.ok(201);
    broker.seen();
    (server, broker)
}

async fn variables(server: &Server) -> Vec<String> {
    let job = Job::load(&server.ctx.store, "once").await.unwrap();
    job.spec.service_envs.iter().map(|var| format!("{}={}", var.var.name, var.var.value.expose())).collect()
}

async fn jobs(server: &Server) -> Vec<String> {
    server.ctx.store.of::<Instance>().get(instance::named("mysql", "tododb")).await.unwrap().unwrap().jobs
}

async fn intents(server: &Server) -> usize {
    server.ctx.store.backend().dump("service_intents").await.unwrap().len()
}

#[actix_web::test]
async fn a_job_gets_the_variables_of_what_it_is_bound_to() {
    let (server, broker) = with_instance().await;
    broker.answers("PUT /resources/tododb/binds/jobs/once", 201, r#"{"HOST":"h","PASSWORD":"hush"}"#);
    let admin = server.admin().await;
    let bound = admin.put(BIND).form(&[("noRestart", "false")]).send().await.ok(200);
    assert_eq!((bound.text.as_str(), bound.header("content-type")), ("", None));
    let asked = broker.seen();
    let event = &asked[0].headers["x-tsuru-eventid"];
    let body = format!("eventid={event}&job-name=once&job-pool-name=local&user=admin%40example.com");
    assert_eq!((asked[0].line.as_str(), asked[0].body.as_str()), ("PUT /resources/tododb/binds/jobs/once", body.as_str()));
    assert_eq!(variables(&server).await, ["HOST=h", "PASSWORD=hush"]);
    assert_eq!((jobs(&server).await, intents(&server).await), (vec!["once".to_owned()], 0));
    let env = admin.get("/1.16/jobs/once/env?env=HOST&env=TSURU_SERVICES").send().await.ok(200).json();
    assert_eq!(env[0], json!({"name": "HOST", "value": "h", "alias": "", "public": false, "managedBy": "mysql/tododb"}));
    assert_eq!(env[1]["value"], r#"{"mysql":[{"instance_name":"tododb","envs":{"HOST":"h","PASSWORD":"hush"}}]}"#);
    let taken = "Environment variable \"HOST\" is already in use by service bind \"mysql/tododb\"";
    admin.post("/1.13/jobs/once/env").json(&json!({"envs": [{"name": "HOST", "value": "x"}]})).send().await.fails(400, taken);
    let info = admin.get("/1.13/jobs/once").send().await.ok(200).json();
    assert_eq!(info["serviceInstanceBinds"], json!([{"service": "mysql", "instance": "tododb", "plan": "small"}]));
    let again = admin.put(BIND).send().await;
    again.fails(500, "job is already bound to this service instance (\"tododb\" is up)");
    broker.seen();

    let unbound = admin.delete(BIND).send().await.ok(200);
    assert_eq!(unbound.header("content-type"), Some("application/x-json-stream"));
    assert!(unbound.text.contains(r#"\nInstance \"tododb\" is not bound to the job \"once\" anymore.\n"#), "{}", unbound.text);
    assert!(unbound.text.contains("---- Unsetting 2 environment variables ----"), "{}", unbound.text);
    assert_eq!(broker.lines(), ["DELETE /resources/tododb/binds/jobs/once"]);
    assert_eq!((variables(&server).await.len(), jobs(&server).await.len(), intents(&server).await), (0, 0, 0));
    admin.delete(BIND).send().await.fails(500, "job is not bound to this service instance");
}

#[actix_web::test]
async fn a_bind_that_fails_leaves_nothing() {
    let (server, broker) = with_instance().await;
    let admin = server.admin().await;
    let call = "PUT /resources/tododb/binds/jobs/once";
    for (status, body, text) in [
        (412, "", "instance is not ready yet (\"tododb\" is up)"),
        (404, "", "instance does not exist in the service API (\"tododb\" is up)"),
    ] {
        broker.answers(call, status, body);
        admin.put(BIND).send().await.fails(500, text);
        assert_eq!((variables(&server).await.len(), jobs(&server).await.len(), intents(&server).await), (0, 0, 0), "{status}");
    }
    broker.answers(call, 201, "no json");
    broker.seen();
    admin.put(BIND).send().await.ok(500);
    let undone = "DELETE /resources/tododb/binds/jobs/once".to_owned();
    assert!(broker.lines().contains(&undone), "what the broker may have made is undone");
    assert_eq!((variables(&server).await.len(), jobs(&server).await.len(), intents(&server).await), (0, 0, 0));
}

#[actix_web::test]
async fn an_unbind_that_fails_keeps_the_bind_unless_it_is_forced() {
    let (server, broker) = with_instance().await;
    let admin = server.admin().await;
    broker.answers("PUT /resources/tododb/binds/jobs/once", 201, r#"{"HOST":"h"}"#);
    admin.put(BIND).send().await.ok(200);
    broker.answers("DELETE /resources/tododb/binds/jobs/once", 500, "broken");
    let failed = admin.delete(BIND).send().await;
    failed.fails(500, "Failed to unbind (\"/resources/tododb/binds/jobs/once\"): invalid response: broken (code: 500)");
    assert_eq!(jobs(&server).await, ["once"]);
    let of_team = server.user_with("t@x.org", Team, "demo", &["job", "service-instance"]).await;
    of_team.delete(&format!("{BIND}?force=true")).send().await.fails(403, DENIED);
    let forced = admin.delete(&format!("{BIND}?force=true")).send().await.ok(200);
    assert!(forced.text.contains("[unbind-job-endpoint] ignored error due to force"), "{}", forced.text);
    assert_eq!((variables(&server).await.len(), jobs(&server).await.len()), (0, 0));
}

#[actix_web::test]
async fn a_removed_job_is_unbound() {
    let (server, broker) = with_instance().await;
    let admin = server.admin().await;
    broker.answers("PUT /resources/tododb/binds/jobs/once", 201, "{}");
    admin.put(BIND).send().await.ok(200);
    broker.seen();
    admin.delete("/1.13/jobs/once").send().await.ok(200);
    assert_eq!(broker.lines(), ["DELETE /resources/tododb/binds/jobs/once"]);
    assert_eq!(jobs(&server).await.len(), 0);
    assert_eq!(server.ctx.store.of::<Job>().count(Filter::All).await.unwrap(), 0);
}

#[actix_web::test]
async fn binding_takes_permissions_on_both() {
    let (server, broker) = with_instance().await;
    broker.answers("PUT /resources/tododb/binds/jobs/once", 201, "{}");
    let only_job = server.user_with("j@x.org", Team, "demo", &["job"]).await;
    only_job.put(BIND).send().await.fails(403, DENIED);
    let only_instance = server.user_with("i@x.org", ServiceInstance, "tododb", &["service-instance"]).await;
    only_instance.put(BIND).send().await.fails(403, DENIED);
    let both = server.user_with("b@x.org", Team, "demo", &["job.update", "service-instance.update"]).await;
    both.put(BIND).send().await.ok(200);
    only_job.delete(BIND).send().await.fails(403, DENIED);
    only_instance.delete(BIND).send().await.fails(403, DENIED);
    both.delete(BIND).send().await.ok(200);
}

#[actix_web::test]
async fn unknown_names_and_services_that_the_pool_has_not_are_refused() {
    let (server, _) = with_instance().await;
    let admin = server.admin().await;
    let missing = "service instance not found";
    admin.put("/1.13/services/mysql/instances/ghost/jobs/once").send().await.fails(404, missing);
    admin.delete("/1.13/services/mysql/instances/ghost/jobs/once").send().await.fails(404, missing);
    let no_job = "Job ghost not found.";
    admin.put("/1.13/services/mysql/instances/tododb/jobs/ghost").send().await.fails(404, no_job);
    admin.delete("/1.13/services/mysql/instances/tododb/jobs/ghost").send().await.fails(404, no_job);
    let limit = |value: &str| json!({"PoolExpr": "local", "Field": "service", "Values": [value]});
    admin.put("/1.3/constraints").json(&limit("ghost")).send().await.ok(200);
    admin.put(BIND).send().await.fails(400, "no service found for pool");
    super::service::create(&admin, "ghost", "http://127.0.0.1:1").await.ok(201);
    let other = "service \"mysql\" is not available for pool \"local\". Available services are: \"ghost\"";
    admin.put(BIND).send().await.fails(400, other);
}
