//! Clusters of Google's know how load balancers check services. The kind is here one of the test's own name, which the proxy translates:
//! other tests of the cluster are not to see it.

use serde_json::{Value, json};

use super::{
    World,
    proxy::Proxy,
    rollout::{Site, web},
};

/// The definition of the kind; goes with the test.
struct Definition<'a> {
    site: &'a Site,
    name: String,
}

impl<'a> Definition<'a> {
    fn new(site: &'a Site, group: &str) -> Self {
        let name = format!("backendconfigs.{group}");
        let schema = json!({"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": true}});
        let names =
            json!({"kind": "BackendConfig", "listKind": "BackendConfigList", "plural": "backendconfigs", "singular": "backendconfig"});
        let versions = json!([{"name": "v1", "served": true, "storage": true, "schema": schema}]);
        site.world
            .apply(&[json!({"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "metadata": {"name": name},
            "spec": {"group": group, "scope": "Namespaced", "names": names, "versions": versions}})]);
        let definition = Self { site, name };
        site.world.real.kubectl(&["wait", "--for=condition=Established", "--timeout=120s", &format!("crd/{}", definition.name)]);
        definition
    }

    fn check(&self) -> Value {
        self.site.get(&self.name, &self.site.named("web"))["spec"]["healthCheck"].clone()
    }
}

impl Drop for Definition<'_> {
    fn drop(&mut self) {
        self.site.world.real.read(&["delete", "crd", &self.name, "--wait=false"]);
    }
}

#[actix_web::test]
async fn googles_load_balancers_check_as_units_are_checked() {
    let Some(mut world) = World::new().await else { return };
    let proxy = Proxy::start(&world.real).await;
    world.address = proxy.url();
    let group = format!("{}.google.test", world.name);
    proxy.translate("cloud.google.com", &group);
    let site = Site::of(world, &[]).await;
    let definition = Definition::new(&site, &group);
    let said = site.applied(&site.state(vec![web(1)])).await;
    let made = "\n---- GCP Load Balancer health check ----\n ---> Creating LB health check with path=/ type=HTTP interval=1m1s timeout=1m0s \
                success=1 failure=3\n\n---- Ensuring services [web] ----";
    assert!(said.contains(made), "{said}");
    let check = json!({"checkIntervalSec": 61, "timeoutSec": 60, "type": "HTTP", "requestPath": "/", "healthyThreshold": 1,
        "unhealthyThreshold": 3});
    assert_eq!(definition.check(), check);
    let annotations = &site.get("service", &site.named("web"))["metadata"]["annotations"];
    assert_eq!(annotations["cloud.google.com/backend-config"], format!("{{\"default\":\"{}\"}}", site.named("web")));
    let said = site.applied(&site.state(vec![web(2)])).await;
    assert!(!said.contains("GCP"), "{said}");
    let mut slower = web(3);
    slower.healthcheck.as_mut().unwrap().timeout_seconds = 5;
    let said = site.applied(&site.state(vec![slower])).await;
    let changed = " ---> Updating LB health check\n ---> Existing HC: path=/ type=HTTP interval=1m1s timeout=1m0s success=1 failure=3\n \
                   --->      New HC: path=/ type=HTTP interval=6s timeout=5s success=1 failure=3\n";
    assert!(said.contains(changed), "{said}");
    assert_eq!(definition.check()["timeoutSec"], 5);
    site.world.server.admin().await.delete(&format!("/1.0/apps/{}", site.world.name)).send().await.ok(200);
    assert_eq!(site.names(&definition.name), Vec::<String>::new());
}
