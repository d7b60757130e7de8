//! What the recorded apps did not have.

use k8s_openapi::{
    api::{
        apps::v1::Deployment,
        core::v1::{Container, PodSpec},
    },
    apimachinery::pkg::util::intstr::IntOrString,
};
use serde_json::json;

use super::{samples::Sample, *};
use crate::{
    build::tsuru_yaml::{Healthcheck, Port, parse},
    provisioner::{JobState, Mount, VolumePlace},
    secret::Secret,
};

fn pod(deployment: Deployment) -> PodSpec {
    deployment.spec.unwrap().template.spec.unwrap()
}

fn made(sample: &Sample) -> PodSpec {
    pod(deployment::of(&sample.making()).unwrap())
}

fn container(sample: &Sample) -> Container {
    made(sample).containers.remove(0)
}

#[test]
fn hooks_run_around_the_start_and_the_pause_is_the_pools() {
    let mut sample = Sample::with(&[("dev:pre-stop-sleep", "0")]);
    sample.process.before = vec!["a".into(), "b".into()];
    sample.process.after = vec!["c".into(), "d".into()];
    let made = container(&sample);
    let script = "[ -d /home/application/current ] && cd /home/application/current; a && b && exec ./web";
    assert_eq!(made.command.unwrap(), ["/bin/sh", "-lc", script]);
    let lifecycle = made.lifecycle.unwrap();
    assert_eq!(lifecycle.post_start.unwrap().exec.unwrap().command.unwrap(), ["sh", "-c", "c && d"]);
    assert_eq!(lifecycle.pre_stop, None);
}

#[test]
fn the_grace_is_longer_by_the_pause() {
    assert_eq!(made(&Sample::with(&[("pre-stop-sleep", "5")])).termination_grace_period_seconds, Some(35));
}

#[test]
fn a_process_without_command_is_refused() {
    let mut sample = Sample::default();
    sample.process.command.clear();
    let refused = deployment::of(&sample.making()).unwrap_err().to_string();
    assert_eq!(refused, "no command declared in Procfile for process \"web\"");
}

#[test]
fn rollouts_are_as_fast_as_the_pool_wants() {
    let sample = Sample::with(&[("max-surge", "2"), ("max-unavailable", "50%")]);
    let strategy = deployment::of(&sample.making()).unwrap().spec.unwrap().strategy.unwrap().rolling_update.unwrap();
    let wanted = (Some(IntOrString::Int(2)), Some(IntOrString::String("50%".into())));
    assert_eq!((strategy.max_surge, strategy.max_unavailable), wanted);
}

#[test]
fn nodes_are_the_pools_unless_it_or_the_cluster_says_otherwise() {
    let mut sample = Sample::default();
    assert_eq!(made(&sample).node_selector.unwrap()["tsuru.io/pool"], "dev");
    sample.app.place.pool.affinity = Some("podAntiAffinity: {requiredDuringSchedulingIgnoredDuringExecution: []}".into());
    let beside = made(&sample);
    assert!(beside.node_selector.is_some() && beside.affinity.is_some());
    sample.app.place.pool.affinity = Some("nodeAffinity: {preferredDuringSchedulingIgnoredDuringExecution: []}".into());
    let own = made(&sample);
    assert!(own.node_selector.is_none() && own.affinity.unwrap().node_affinity.is_some());
    sample.pool = Sample::settings(&[("single-pool", "true")]);
    assert!(made(&sample).affinity.is_none());
    sample = Sample::with(&[("disable-default-node-selector", "true")]);
    assert!(made(&sample).node_selector.is_none());
    sample = Sample::default();
    sample.app.place.pool.affinity = Some("nodeAffinity: [".into());
    assert!(deployment::of(&sample.making()).unwrap_err().to_string().starts_with("cannot read the pool's label affinity: "));
}

#[test]
fn units_spread_by_their_own_labels() {
    let sample = Sample::with(&[("topology-spread-constraints", r#"[{"maxSkew": 1, "topologyKey": "zone"}]"#)]);
    let spread = made(&sample).topology_spread_constraints.unwrap().remove(0);
    let labels = spread.label_selector.unwrap().match_labels.unwrap();
    assert_eq!(
        labels.into_iter().collect::<Vec<_>>(),
        [
            ("tsuru.io/app-name".to_owned(), "blog".to_owned()),
            ("tsuru.io/app-process".to_owned(), "web".to_owned()),
            ("tsuru.io/app-version".to_owned(), "1".to_owned()),
        ]
    );
}

#[test]
fn names_gates_runtimes_and_users_are_passed_on() {
    let mut sample = Sample::with(&[("dns-config-ndots", "2")]);
    sample.server.uid = None;
    sample.process.pod.runtime_class = "gvisor".into();
    sample.app.place.readiness_gates = vec!["gate".into()];
    let main = made(&sample);
    assert_eq!(main.dns_config.unwrap().options.unwrap()[0].value.as_deref(), Some("2"));
    assert_eq!((main.runtime_class_name.as_deref(), main.security_context.unwrap().run_as_user), (Some("gvisor"), None));
    assert_eq!(main.readiness_gates.unwrap()[0].condition_type, "gate");
    sample.process.pod.main = false;
    assert!(made(&sample).readiness_gates.is_none());
}

#[test]
fn ports_of_the_yaml_are_in_the_environment_the_probes_and_the_services() {
    let mut sample = Sample::default();
    let ports = [Port { port: 80, target_port: 8080, ..Port::default() }, Port { port: 53, protocol: "udp".into(), ..Port::default() }];
    sample.process.pod.ports = Some(ports.to_vec());
    sample.process.healthcheck = Some(Healthcheck { path: "/".into(), ..Healthcheck::default() });
    let made = container(&sample);
    let env: Vec<_> = made.env.unwrap().into_iter().map(|env| (env.name, env.value.unwrap())).collect();
    assert!(env.contains(&("PORT_web".into(), "8080,53".into())) && !env.iter().any(|(name, _)| name == "PORT"), "{env:?}");
    assert_eq!(made.readiness_probe.unwrap().http_get.unwrap().port, IntOrString::Int(8080));
    let services = service::all(&[sample.making()]);
    let shape = |service: &k8s_openapi::api::core::v1::Service| {
        let ports = service.spec.clone().unwrap().ports.unwrap();
        ports.into_iter().map(|port| format!("{} {}", port.name.unwrap(), port.port)).collect::<Vec<_>>()
    };
    assert_eq!(
        services.iter().map(shape).collect::<Vec<_>>(),
        [["http-default-1 80", "udp-default-2 53"], ["http-headless-1 80", "http-headless-2 53"]]
    );
}

#[test]
fn a_process_that_serves_nothing_has_no_service_probe_or_port() {
    let mut sample = Sample::default();
    sample.process.pod.ports = Some(Vec::new());
    sample.process.healthcheck = Some(Healthcheck { path: "/".into(), ..Healthcheck::default() });
    let made = container(&sample);
    assert!(made.readiness_probe.is_none() && made.ports.is_none());
    assert!(!made.env.unwrap().iter().any(|env| env.name.to_lowercase().starts_with("port")));
    assert!(service::all(&[sample.making()]).is_empty());
}

#[test]
fn services_have_the_annotations_of_the_cluster_and_the_app() {
    let custom = [("base-services-annotations", "a: base"), ("all-services-annotations", "b: all"), ("enable-versioned-services", "true")];
    let mut sample = Sample::with(&custom);
    let said = [("app.tsuru.io/k8s-service".to_owned(), r#"{"c": "app"}"#.to_owned())];
    sample.process.pod.annotations = said.into();
    let annotations: Vec<_> = service::all(&[sample.making()]).into_iter().map(|service| service.metadata.annotations).collect();
    let keys = |found: &Option<labels::Labels>| found.iter().flat_map(|all| all.keys().cloned()).collect::<String>();
    assert_eq!(annotations.iter().map(keys).collect::<Vec<_>>(), ["b", "abc", ""]);
}

#[test]
fn an_existing_service_keeps_what_it_was_given() {
    let sample = Sample::default();
    let wanted = service::base(&sample.making());
    let mut there = wanted.clone();
    there.metadata.resource_version = Some("7".into());
    let spec = there.spec.as_mut().unwrap();
    spec.cluster_ip = Some("10.0.0.7".into());
    spec.ports.as_mut().unwrap()[0].node_port = Some(30_000);
    assert_eq!(service::over(wanted, &there), there);
}

#[test]
fn the_service_of_units_is_written_with_the_base_deployment_only() {
    let first = Sample::default();
    let mut second = Sample::default();
    second.process.version = 2;
    second.spot = Spot { name: "blog-web-v2".into(), base: false, routable: false, ..first.spot.clone() };
    let makings = [first.making(), second.making()];
    let names =
        |version: u32| service::of_deploy(&makings, version).into_iter().filter_map(|service| service.metadata.name).collect::<Vec<_>>();
    assert_eq!(names(2), ["blog-web-v1", "blog-web-v2", "blog-web"]);
    assert_eq!(names(1), ["blog-web-v1", "blog-web-v2", "blog-web", "blog-web-units"]);
}

#[test]
fn budgets_are_as_the_app_and_the_pool_want() {
    let mut sample = Sample::default();
    sample.process.pod.annotations = [("app.tsuru.io/k8s-pdb-max-unavailable".to_owned(), "2".to_owned())].into();
    let budget = budget::of(&sample.making()).unwrap();
    assert_eq!(budget.spec.unwrap().max_unavailable, Some(IntOrString::Int(2)));
    for none in ["0", "00%", "0%", "two", "%"] {
        sample.process.pod.annotations = [("app.tsuru.io/k8s-pdb-max-unavailable".to_owned(), none.to_owned())].into();
        let most = budget::of(&sample.making()).unwrap().spec.unwrap().max_unavailable;
        assert_eq!(most, Some(IntOrString::String("10%".into())), "{none}");
    }
    sample.pool = Sample::settings(&[("disable-pdb", "true")]);
    assert_eq!(budget::of(&sample.making()), None);
}

#[test]
fn images_of_the_registry_are_pulled_with_its_login() {
    let mut sample = Sample::default();
    assert!(made(&sample).image_pull_secrets.is_none());
    sample.server.registry_user = "u".to_owned();
    sample.server.registry_password = Secret::from("p");
    assert_eq!(made(&sample).image_pull_secrets.unwrap()[0].name, "docker-config-tsuru");
    let data = pull_secret::secret(&sample.making()).unwrap().data.unwrap();
    let config: serde_json::Value = serde_json::from_slice(&data[".dockerconfigjson"].0).unwrap();
    assert_eq!(config, json!({"auths": {"r.io": {"auth": "dTpw"}}}));
    sample.process.pod.image = "other.io/x".into();
    assert!(made(&sample).image_pull_secrets.is_none());
}

#[test]
fn accounts_have_the_annotations_that_users_set_for_them() {
    let mut sample = Sample::default();
    let said = [("app.tsuru.io/service-account-annotations".to_owned(), r#"{"role": "r"}"#.to_owned())];
    sample.app.place.annotations = said.into();
    assert_eq!(account::of_app(&sample.app, "ns").metadata.annotations.unwrap()["role"], "r");
    sample.app.place.annotations = [("app.tsuru.io/service-account-annotations".to_owned(), "{".to_owned())].into();
    assert_eq!(account::of_app(&sample.app, "ns").metadata.annotations, None);
}

#[test]
fn volumes_that_live_with_the_pod_are_in_it() {
    let mut sample = Sample::default();
    let volume = |name: &str, plan: serde_json::Value, opts: &[(&str, &str)]| VolumePlace {
        name: name.into(),
        plan_opts: plan.as_object().unwrap().clone(),
        opts: opts.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect(),
        ..VolumePlace::default()
    };
    let size = [("capacity", "1Gi"), ("access-modes", "ReadWriteOnce")];
    sample.app.place.volumes = vec![
        volume("cache", json!({"plugin": "emptyDir"}), &[("medium", "Memory")]),
        volume("scratch", json!({"plugin": "ephemeral", "storage-class": "fast"}), &size),
        volume("data", json!({"storage-class": "fast"}), &size),
    ];
    let mount = |volume: &str, path: &str| Mount { volume: volume.into(), path: path.into(), read_only: true };
    sample.process.mounts = vec![mount("cache", "/c"), mount("scratch", "/s"), mount("data", "/d"), mount("data", "/e")];
    let volumes = made(&sample).volumes.unwrap();
    assert_eq!(volumes.len(), 3);
    assert_eq!(volumes[0].empty_dir.as_ref().unwrap().medium.as_deref(), Some("Memory"));
    let template = volumes[1].ephemeral.as_ref().unwrap().volume_claim_template.as_ref().unwrap();
    assert_eq!(template.spec.storage_class_name.as_deref(), Some("fast"));
    assert_eq!(volumes[2].persistent_volume_claim.as_ref().unwrap().read_only, Some(true));
    assert_eq!(container(&sample).volume_mounts.unwrap().len(), 4);
    sample.app.place.volumes.clear();
    assert_eq!(deployment::of(&sample.making()).unwrap_err().to_string(), "volume \"cache\" not found");
}

#[test]
fn a_command_beside_the_units_has_all_of_its_plan_and_no_secret_to_refer_to() {
    let mut sample = Sample::with(&[("overcommit-factor", "4")]);
    sample.process.env = [("KEY".to_owned(), "value".into())].into();
    sample.process.memory = 1 << 30;
    let beside = isolated::Beside { name: "blog-isolated-run-1", command: &["ls".into()], terminal: false, deadline: 60 };
    let made = isolated::of(&sample.making(), &beside).unwrap();
    assert_eq!(made.metadata.labels.unwrap()["tsuru.io/is-isolated-run"], "true");
    let mut spec = made.spec.unwrap();
    assert_eq!((spec.active_deadline_seconds, spec.restart_policy.as_deref()), (Some(60), Some("Never")));
    let container = spec.containers.remove(0);
    assert_eq!((container.command.unwrap(), container.tty), (vec!["ls".to_owned()], None));
    assert_eq!(container.env.unwrap()[0].value.as_deref(), Some("value"));
    assert_eq!(container.resources.unwrap().requests.unwrap()["memory"].0, "1Gi");
}

#[test]
fn the_app_resource_says_the_ports_of_the_yaml_in_full() {
    let mut sample = Sample::default();
    sample.process.pod.groups = parse("kubernetes: {groups: {g: {web: {ports: [{port: 80}]}}}}").unwrap().kubernetes;
    let resource = app_resource::of(&sample.app, "tsuru", "ns", &[sample.making()]);
    let port = json!({"name": "http-default-1", "protocol": "TCP", "port": 80, "target_port": 80});
    assert_eq!(resource.data["spec"]["configs"], json!({"groups": {"g": {"web": {"ports": [port]}}}}));
    assert_eq!(app_resource::definition().metadata.name.as_deref(), Some("apps.tsuru.io"));
}

#[test]
fn labels_that_users_set_on_a_job_do_not_win() {
    let mut job = JobState { job: "j".into(), ..JobState::default() };
    job.place.labels = [("tsuru.io/job-name", "other"), ("course", "1")].map(|(k, v)| (k.to_owned(), v.to_owned())).into();
    let labels = labels::job(&job);
    assert_eq!((labels["tsuru.io/job-name"].as_str(), labels["course"].as_str()), ("j", "1"));
    assert_eq!(job::schedule(&job), "* * 31 2 *");
    assert_eq!(job::twice("x"), "manual job \"x\" already exists (cronjobs can only be triggered once per minute)");
}

#[test]
fn private_variables_of_jobs_are_in_their_secret_in_the_order_they_were_set() {
    let mut job = JobState { job: "j".into(), ..JobState::default() };
    job.env = [("A", "1"), ("B", "2"), ("TSURU_SERVICES", "{}")].map(|(name, value)| (name.to_owned(), value.into())).into();
    job.place.order = vec!["B".into(), "A".into()];
    job.place.public = ["A".to_owned()].into();
    let cron = job::of(&job, "ns", &Sample::settings(&[]));
    let env = cron.spec.unwrap().job_template.spec.unwrap().template.spec.unwrap().containers.remove(0).env.unwrap();
    assert_eq!(env.iter().map(|env| (env.name.as_str(), env.value.as_deref())).collect::<Vec<_>>(), [("B", None), ("A", Some("1"))]);
    assert_eq!(secret::of_job(&job, "ns", None).data.unwrap().into_keys().collect::<Vec<_>>(), ["B"]);
}
