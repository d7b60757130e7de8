//! Tenant isolation: what keeps the apps of a pool's teams from each other and from the nodes. See docs/isolation.md.

use k8s_openapi::{
    api::{
        core::v1::{
            Capabilities, LimitRange, LimitRangeItem, LimitRangeSpec, PodSecurityContext, PodSpec, SeccompProfile, SecurityContext,
        },
        networking::v1::{NetworkPolicy, NetworkPolicyIngressRule, NetworkPolicyPeer, NetworkPolicySpec},
    },
    apimachinery::pkg::{
        api::resource::Quantity,
        apis::meta::v1::{LabelSelector, LabelSelectorRequirement},
    },
};

use super::{
    labels::{Labels, own},
    meta,
    names::kube_name,
};
use crate::provisioner::kubernetes::settings::PoolSettings;

/// The user of pods that name none.
const USER: i64 = 1000;
/// Of everything that is made for isolation.
const MARK: &str = "tenant-isolation";
/// What a namespace of a pool's own admits.
pub const NAMESPACE_LABELS: [(&str, &str); 2] =
    [("pod-security.kubernetes.io/enforce", "restricted"), ("pod-security.kubernetes.io/warn", "restricted")];

/// Makes a pod fit for Kubernetes' `restricted` standard, and gives it no token of the cluster, where its pool is isolated.
pub fn harden(mut spec: PodSpec, pool: &PoolSettings) -> PodSpec {
    if !pool.isolation {
        return spec;
    }
    let pod = spec.security_context.take().unwrap_or_default();
    spec.security_context = Some(PodSecurityContext {
        run_as_user: pod.run_as_user.or(Some(USER)),
        run_as_non_root: Some(true),
        seccomp_profile: Some(SeccompProfile { type_: "RuntimeDefault".into(), localhost_profile: None }),
        ..pod
    });
    spec.automount_service_account_token = Some(false);
    for container in &mut spec.containers {
        container.security_context = Some(container_context());
    }
    spec
}

/// What users say of their pods, but for what would take a restriction away, where the pool is isolated.
pub fn annotations(said: &Labels, pool: &PoolSettings) -> Labels {
    let loosens = |key: &str| key.starts_with("container.apparmor.security.beta.kubernetes.io/");
    said.iter().filter(|(key, _)| !(pool.isolation && loosens(key))).map(|(key, value)| (key.clone(), value.clone())).collect()
}

/// Of each container.
pub fn container_context() -> SecurityContext {
    SecurityContext {
        allow_privilege_escalation: Some(false),
        capabilities: Some(Capabilities { drop: Some(vec!["ALL".into()]), add: None }),
        ..SecurityContext::default()
    }
}

/// Pods of a team in a pool are reached by those of the same team, and by pods that are no team's: routers, monitoring.
pub fn team(namespace: &str, pool: &str, team: &str) -> NetworkPolicy {
    let own_team =
        |label: &str| peer(LabelSelector { match_labels: Some([(own(label), team.to_owned())].into()), match_expressions: None });
    let nobodys =
        ["app-team", "job-team"].map(|label| LabelSelectorRequirement { key: own(label), operator: "DoesNotExist".into(), values: None });
    let nobodys = peer(LabelSelector { match_labels: None, match_expressions: Some(nobodys.into()) });
    let from = vec![own_team("app-team"), own_team("job-team"), nobodys];
    let of_team = Labels::from([(own("app-pool"), pool.to_owned()), (own("app-team"), team.to_owned())]);
    policy(&format!("tsuru-{}-{}", kube_name(pool), kube_name(team)), namespace, of_team, Some(from))
}

/// Nobody reaches the runs of a pool's jobs.
pub fn jobs(namespace: &str, pool: &str) -> NetworkPolicy {
    let of_jobs = Labels::from([(own("job-pool"), pool.to_owned()), (own("is-job"), "true".to_owned())]);
    policy(&format!("tsuru-{}-jobs", kube_name(pool)), namespace, of_jobs, None)
}

fn peer(pods: LabelSelector) -> NetworkPolicyPeer {
    // In every namespace.
    NetworkPolicyPeer { pod_selector: Some(pods), namespace_selector: Some(LabelSelector::default()), ip_block: None }
}

fn policy(name: &str, namespace: &str, pods: Labels, from: Option<Vec<NetworkPolicyPeer>>) -> NetworkPolicy {
    let spec = NetworkPolicySpec {
        pod_selector: Some(LabelSelector { match_labels: Some(pods), match_expressions: None }),
        ingress: from.map(|from| vec![NetworkPolicyIngressRule { from: Some(from), ports: None }]),
        policy_types: Some(vec!["Ingress".into()]),
        egress: None,
    };
    NetworkPolicy { metadata: meta(name, namespace, marked()), spec: Some(spec) }
}

/// Containers that say nothing of their size have one, in a namespace of a pool's own.
pub fn limits(namespace: &str) -> LimitRange {
    let amounts = |cpu: &str, memory: &str| {
        let amount = |text: &str| Quantity(text.to_owned());
        Some([("cpu".to_owned(), amount(cpu)), ("memory".to_owned(), amount(memory))].into())
    };
    let item = LimitRangeItem {
        type_: "Container".into(),
        default: amounts("1", "512Mi"),
        default_request: amounts("50m", "64Mi"),
        ..LimitRangeItem::default()
    };
    LimitRange { metadata: meta("tsuru", namespace, marked()), spec: Some(LimitRangeSpec { limits: vec![item] }) }
}

fn marked() -> Labels {
    [(own(MARK), "true".to_owned()), ("app.kubernetes.io/managed-by".to_owned(), "tsuru".to_owned())].into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::provisioner::kubernetes::objects::{deployment, samples::Sample};

    /// Whether a pod with these labels is let in, read as Kubernetes does.
    fn lets_in(policy: &NetworkPolicy, from: &[(&str, &str)]) -> bool {
        let from: Labels = from.iter().map(|(key, value)| (own(key), (*value).to_owned())).collect();
        let rules = policy.spec.iter().flat_map(|spec| spec.ingress.iter().flatten());
        let mut peers = rules.flat_map(|rule| rule.from.iter().flatten()).filter_map(|peer| peer.pod_selector.as_ref());
        peers.any(|pods| {
            let has = pods.match_labels.iter().flatten().all(|(key, value)| from.get(key) == Some(value));
            has && pods.match_expressions.iter().flatten().all(|expression| !from.contains_key(&expression.key))
        })
    }

    #[test]
    fn a_team_is_reached_by_itself_and_by_what_is_no_teams() {
        let policy = team("ns", "dev", "crew");
        assert!(lets_in(&policy, &[("app-team", "crew")]) && lets_in(&policy, &[("job-team", "crew")]) && lets_in(&policy, &[]));
        assert!(!lets_in(&policy, &[("app-team", "other")]) && !lets_in(&policy, &[("job-team", "other")]));
        assert!(!lets_in(&jobs("ns", "dev"), &[]));
        assert_eq!(policy.metadata.name.as_deref(), Some("tsuru-dev-crew"));
    }

    #[test]
    fn pods_of_an_isolated_pool_are_restricted_and_others_are_as_tsuru_makes_them() {
        let pod = |custom: &[(&str, &str)]| deployment::of(&Sample::with(custom).making()).unwrap().spec.unwrap().template.spec.unwrap();
        let plain = pod(&[("other:tenant-isolation", "true")]);
        assert_eq!((plain.automount_service_account_token, &plain.containers[0].security_context), (None, &None));
        let hard = pod(&[("dev:tenant-isolation", "true")]);
        assert_eq!((hard.automount_service_account_token, &hard.containers[0].security_context), (Some(false), &Some(container_context())));
        let context = hard.security_context.unwrap();
        assert_eq!((context.run_as_user, context.run_as_non_root), (Some(1000), Some(true)));
        assert_eq!(context.seccomp_profile.unwrap().type_, "RuntimeDefault");
    }

    #[test]
    fn no_annotation_takes_a_restriction_away() {
        let said = Labels::from(
            [("container.apparmor.security.beta.kubernetes.io/blog-web", "unconfined"), ("note", "x")]
                .map(|(key, value)| (key.into(), value.into())),
        );
        let kept = |custom: &[(&str, &str)]| annotations(&said, &Sample::with(custom).pool).len();
        assert_eq!((kept(&[("tenant-isolation", "true")]), kept(&[])), (1, 2));
    }
}
