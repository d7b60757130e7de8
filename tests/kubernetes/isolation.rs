//! Teams that are kept from each other and from the nodes.

use serde_json::json;

use super::rollout::{Site, web};

#[actix_web::test]
async fn an_isolated_pool_runs_restricted_pods_that_only_their_team_reaches() {
    let Some(site) = Site::with(&[("kube:tenant-isolation", "true")]).await else { return };
    let name = &site.world.name;
    // The standard is enforced here, so that what does not fit would not run.
    site.world.real.kubectl(&["label", "namespace", name, "pod-security.kubernetes.io/enforce=restricted"]);
    site.applied(&site.state(vec![web(1)])).await;
    let pod = &site.get("deployment", &format!("{name}-web"))["spec"]["template"]["spec"];
    assert_eq!((&pod["automountServiceAccountToken"], &pod["securityContext"]["runAsNonRoot"]), (&json!(false), &json!(true)));
    assert_eq!(site.names("networkpolicy"), ["tsuru-kube-demo", "tsuru-kube-jobs"]);
    let policy = site.get("networkpolicy", "tsuru-kube-demo");
    assert_eq!(policy["spec"]["podSelector"]["matchLabels"], json!({"tsuru.io/app-pool": "kube", "tsuru.io/app-team": "demo"}));
    assert_eq!(site.names("limitrange"), Vec::<String>::new(), "the namespace may be shared");
    // A second rollout finds all of it as it should be.
    let before = policy["metadata"]["resourceVersion"].clone();
    let mut again = web(1);
    again.restarted = 1;
    site.applied(&site.state(vec![again])).await;
    assert_eq!(site.get("networkpolicy", "tsuru-kube-demo")["metadata"]["resourceVersion"], before);
}
