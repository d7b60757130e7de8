//! Routers, provisioners and clusters.

use impaas::permission::ContextType;
use serde_json::json;

use super::harness::Server;

const DENIED: &str = "You don't have permission to do this action";

#[actix_web::test]
async fn the_local_router_is_the_default_one() {
    let server = Server::new().await;
    let admin = server.admin().await;
    let reply = admin.get("/1.3/routers").send().await.ok(200);
    let expected = "[{\"name\":\"local\",\"type\":\"local\",\"info\":{\"address\":\"http://APP.localhost\"},\"config\":null,\
                    \"readinessGates\":null,\"dynamic\":false,\"default\":true}]\n";
    assert_eq!(reply.text, expected);
    assert_eq!(admin.get("/1.0/plans/routers").send().await.ok(200).text, expected);
}

#[actix_web::test]
async fn callers_see_the_routers_that_their_pools_allow() {
    let server = Server::new().await;
    let member = server.user_with("member@example.com", ContextType::Team, "demo", &["app.create"]).await;
    member.get("/1.3/routers").send().await.ok(200);
    let none = json!({"PoolExpr": "local", "Field": "router", "Values": ["other"]});
    server.admin().await.put("/1.3/constraints").json(&none).send().await.ok(200);
    member.get("/1.3/routers").send().await.ok(204);
    server.user("nobody@example.com").await.get("/1.3/routers").send().await.ok(204);
}

#[actix_web::test]
async fn there_are_two_provisioners_and_no_cluster() {
    let server = Server::new().await;
    let admin = server.admin().await;
    let list = admin.get("/1.7/provisioner").send().await.ok(200).json();
    assert_eq!((&list[0]["name"], list.as_array().unwrap().len()), (&json!("kubernetes"), 2));
    let told = &list[0]["cluster_help"];
    assert!(told["provisioner_help"].as_str().unwrap().starts_with("Represents a kubernetes cluster"), "{told}");
    assert!(told["custom_data_help"]["registry"].is_string(), "{told}");
    assert_eq!(list[1], json!({"name": "local", "cluster_help": {"provisioner_help": "", "custom_data_help": null}}));
    admin.get("/1.3/provisioner/clusters").send().await.ok(204);
    admin.get("/1.8/provisioner/clusters/k1").send().await.fails(404, "cluster not found");
}

#[actix_web::test]
async fn clusters_are_for_those_who_may_read_them() {
    let server = Server::new().await;
    let user = server.user_with("user@example.com", ContextType::Team, "demo", &["app"]).await;
    for path in ["/1.7/provisioner", "/1.3/provisioner/clusters", "/1.8/provisioner/clusters/k1"] {
        user.get(path).send().await.fails(403, DENIED);
    }
}
