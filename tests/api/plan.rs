//! Plans.

use impaas::permission::ContextType;
use serde_json::json;

use super::harness::Server;

const DENIED: &str = "You don't have permission to do this action";
const PATH: &str = "/1.0/plans";

#[actix_web::test]
async fn a_new_server_has_22_plans_by_name_and_one_default() {
    let server = Server::new().await;
    let reader = server.user("reader@example.com").await;
    let plans = reader.get(PATH).send().await.ok(200).json();
    let plans = plans.as_array().unwrap();
    assert_eq!(plans.len(), 22);
    assert_eq!(plans[1], json!({"name": "c0.1m0.2", "memory": 268_435_456, "cpumilli": 100, "default": true}));
    assert_eq!(plans[2], json!({"name": "c0.3m0.5", "memory": 536_870_912, "cpumilli": 300}));
}

#[actix_web::test]
async fn a_plan_comes_from_a_form_as_the_command_line_sends_it() {
    let server = Server::new().await;
    let admin = server.admin().await;
    let form = [("cpumilli", "50"), ("default", "false"), ("memory", "67108864"), ("name", "tiny")];
    let reply = admin.post(PATH).form(&form).send().await.ok(201);
    assert_eq!(reply.text, "{\"name\":\"tiny\",\"memory\":67108864,\"cpumilli\":50}\n");
    assert_eq!(reply.header("content-type"), Some("text/plain; charset=utf-8"));
    admin.post(PATH).form(&form).send().await.fails(409, "plan already exists");
    admin.post(PATH).form(&[("name", "m"), ("memory", "64Mi")]).send().await.ok(201);
    admin.post(PATH).form(&[("name", "small"), ("memory", "4194303")]).send().await.fails(400, "The minimum allowed memory is 4MB");
    admin.post(PATH).form(&[("memory", "64Mi")]).send().await.fails(500, "invalid value for name");
}

#[actix_web::test]
async fn a_plan_comes_from_json_with_its_burst() {
    let server = Server::new().await;
    let admin = server.admin().await;
    let plan = json!({"name": "burst", "memory": 0, "cpumilli": 500, "cpuBurst": {"default": 1.1, "maxAllowed": 1.5}, "runtimeClassName": "gvisor"});
    admin.post(PATH).json(&plan).send().await.ok(201);
    let plans = admin.get(PATH).send().await.json();
    assert_eq!(plans.as_array().unwrap().first(), Some(&plan));
}

#[actix_web::test]
async fn a_new_default_plan_takes_over() {
    let server = Server::new().await;
    let admin = server.admin().await;
    admin.post(PATH).json(&json!({"name": "mine", "default": true})).send().await.ok(201);
    let plans = admin.get(PATH).send().await.json();
    let defaults: Vec<_> = plans.as_array().unwrap().iter().filter(|plan| plan["default"] == true).map(|plan| &plan["name"]).collect();
    assert_eq!(defaults, ["mine"]);
}

#[actix_web::test]
async fn a_removed_plan_is_gone() {
    let server = Server::new().await;
    let admin = server.admin().await;
    admin.delete("/1.0/plans/c1m1").send().await.ok(200);
    admin.delete("/1.0/plans/c1m1").send().await.fails(404, "plan not found");
}

#[actix_web::test]
async fn plans_are_changed_only_with_permission() {
    let server = Server::new().await;
    let member = server.user_with("member@example.com", ContextType::Team, "demo", &["app"]).await;
    member.post(PATH).form(&[("name", "tiny")]).send().await.fails(403, DENIED);
    member.delete("/1.0/plans/c1m1").send().await.fails(403, DENIED);
}
