//! A cluster's custom data, typed. Where tsuru's server takes a wrong value for none, so do we; where it refuses, we do, in its words.

use std::collections::BTreeMap;

use k8s_openapi::{api::core::v1::TopologySpreadConstraint, apimachinery::pkg::util::intstr::IntOrString};

use super::read;
use crate::{
    error::{Error, Result},
    provisioner::kubernetes::objects::{namespace, quantity},
    secret::Secret,
};

/// How values are found: a cluster's custom data, and `clusters:defaults` of the server's settings behind it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ClusterSettings {
    /// Custom data of the cluster.
    pub custom: BTreeMap<String, Secret>,
    /// `clusters:defaults`.
    pub defaults: BTreeMap<String, String>,
}

/// What holds for the apps of a pool.
#[derive(Clone, Debug)]
pub struct PoolSettings {
    /// `overcommit-factor` and those like it.
    pub factors: Factors,
    /// Not `disable-headless`.
    pub headless: bool,
    /// `max-surge`.
    pub max_surge: IntOrString,
    /// `max-unavailable`.
    pub max_unavailable: IntOrString,
    /// `disable-secrets`: private variables are written out.
    pub disable_secrets: bool,
    /// `ephemeral-storage`.
    pub ephemeral_storage: String,
    /// `pre-stop-sleep`, in seconds.
    pub pre_stop_sleep: i64,
    /// `disable-pdb`.
    pub disable_pdb: bool,
    /// `dns-config-ndots`.
    pub ndots: Option<i32>,
    /// `topology-spread-constraints`.
    pub topology: Vec<TopologySpreadConstraint>,
    /// `build-service-address` and those like it.
    pub build: Build,
    /// `single-pool`: all nodes are the pool's.
    pub single_pool: bool,
    /// `disable-default-node-selector`.
    pub disable_node_selector: bool,
    /// `base-services-annotations`.
    pub base_annotations: BTreeMap<String, String>,
    /// `all-services-annotations`.
    pub all_annotations: BTreeMap<String, String>,
    /// `enable-versioned-services`.
    pub versioned_services: bool,
    /// `docker-config-json`.
    pub docker_config: Option<Secret>,
    /// `tenant-isolation`: teams are kept from each other and from the nodes.
    pub isolation: bool,
}

/// What requests are divided by, and the limit of CPU is multiplied with; 0: not said.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Factors {
    /// `overcommit-factor`.
    pub both: f64,
    /// `cpu-overcommit-factor`.
    pub cpu: f64,
    /// `memory-overcommit-factor`.
    pub memory: f64,
    /// `cpu-burst-factor`.
    pub burst: f64,
}

/// Who builds.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Build {
    /// Its address, as gRPC names targets: `dns:///host:80`.
    pub address: String,
    /// Spoken to over TLS.
    pub tls: bool,
    /// Its certificate is not looked at.
    pub skip_verify: bool,
}

const EPHEMERAL: &str = "100Mi";
const PAUSE: i64 = 10;

impl ClusterSettings {
    /// The value of a key in a context: a pool, or a namespace.
    pub fn get(&self, context: &str, key: &str) -> Option<&str> {
        match self.custom.get(&format!("{context}:{key}")) {
            Some(own) => Some(own.expose()).filter(|value| !value.is_empty()),
            None => self.of_all(key),
        }
    }

    /// The value of a key that no context changes.
    pub fn of_all(&self, key: &str) -> Option<&str> {
        let own = self.custom.get(key).map(Secret::expose);
        own.or_else(|| self.defaults.get(key).map(String::as_str)).filter(|value| !value.is_empty())
    }

    fn truth(&self, context: &str, key: &str) -> Result<bool, String> {
        self.get(context, key).map_or(Ok(false), read::truth)
    }

    /// A wrong value is none.
    fn lenient(&self, context: &str, key: &str) -> bool {
        self.truth(context, key).unwrap_or_default()
    }

    /// The namespace of `App` resources.
    pub fn home(&self) -> &str {
        self.get("", "namespace").unwrap_or("tsuru")
    }

    /// The namespace of a pool's apps.
    pub fn namespace(&self, per_pool: bool, pool: &str) -> String {
        namespace::of_pool(self.custom.get("namespace").map_or("", Secret::expose), per_pool, pool)
    }

    /// Labels of a namespace that is made.
    pub fn namespace_labels(&self, namespace: &str) -> &str {
        self.get(namespace, "namespace-labels").unwrap_or_default()
    }

    /// The registry that is used alone, when there is one.
    pub fn registry(&self) -> Option<&str> {
        self.get("", "registry")
    }

    /// It is spoken to without TLS.
    pub fn registry_insecure(&self) -> bool {
        self.lenient("", "registry-insecure")
    }

    /// No platforms are built here.
    pub fn disable_platform_build(&self) -> bool {
        self.lenient("", "disable-platform-build")
    }

    /// Ends of jobs become events.
    pub fn job_events(&self) -> Result<bool> {
        self.truth("", "job-event-creation").map_err(Error::refused)
    }

    /// The image of debug containers.
    pub fn debug_image(&self) -> &str {
        self.get("", "debug-container-image").unwrap_or("tsuru/netshoot")
    }

    /// Who builds for a pool; empty: for platforms.
    pub fn build(&self, pool: &str) -> Build {
        Build {
            address: self.get(pool, "build-service-address").unwrap_or_default().into(),
            tls: self.lenient(pool, "build-service-tls"),
            skip_verify: self.lenient(pool, "build-service-tls-skip-verify"),
        }
    }

    /// What holds for the apps of a pool.
    pub fn pool(&self, pool: &str) -> Result<PoolSettings> {
        let share =
            |key: &str, usual: IntOrString| self.get(pool, key).map_or(Ok(usual), read::share).map_err(|why| misconfigured(key, &why));
        let storage = self.get(pool, "ephemeral-storage").filter(|text| quantity::parse(text).is_some());
        // Custom data only, as tsuru's server reads it.
        let selector = self.custom.get("disable-default-node-selector").map_or(Ok(false), |text| read::truth(text.expose()));
        let wrong = |why| Error::refused(format!("error while parsing cluster custom data entry: disable-default-node-selector: {why}"));
        Ok(PoolSettings {
            factors: self.factors(pool)?,
            headless: !self.truth(pool, "disable-headless").map_err(Error::refused)?,
            max_surge: share("max-surge", IntOrString::String("100%".into()))?,
            max_unavailable: share("max-unavailable", IntOrString::Int(0))?,
            disable_secrets: self.lenient(pool, "disable-secrets"),
            ephemeral_storage: storage.unwrap_or(EPHEMERAL).into(),
            pre_stop_sleep: self.get(pool, "pre-stop-sleep").and_then(|text| text.parse().ok()).unwrap_or(PAUSE),
            disable_pdb: self.lenient(pool, "disable-pdb"),
            ndots: self.get(pool, "dns-config-ndots").and_then(|text| text.parse().ok()).filter(|dots| *dots > 0),
            topology: self.get(pool, "topology-spread-constraints").map_or(Ok(Vec::new()), topology)?,
            build: self.build(pool),
            single_pool: self.truth("", "single-pool").map_err(|why| misconfigured("single pool value", &why))?,
            disable_node_selector: selector.map_err(wrong)?,
            base_annotations: self.annotations("base")?,
            all_annotations: self.annotations("all")?,
            versioned_services: self.truth("", "enable-versioned-services").map_err(Error::refused)?,
            docker_config: self.get("", "docker-config-json").map(Secret::from),
            isolation: self.truth(pool, "tenant-isolation").map_err(|why| misconfigured("tenant isolation", &why))?,
        })
    }

    fn factors(&self, pool: &str) -> Result<Factors> {
        let read = |key: &str| self.get(pool, key).map_or(Ok(0.0), read::number);
        let factor = |key: &str| {
            let name = key.trim_end_matches("-factor").replace('-', " ");
            read(key).map_err(|why| misconfigured(&format!("{name} factor"), &why))
        };
        Ok(Factors {
            both: factor("overcommit-factor")?.max(1.0),
            cpu: factor("cpu-overcommit-factor")?,
            memory: factor("memory-overcommit-factor")?,
            burst: Some(factor("cpu-burst-factor")?).filter(|burst| *burst >= 1.0).unwrap_or_default(),
        })
    }

    fn annotations(&self, which: &str) -> Result<BTreeMap<String, String>> {
        let Some(text) = self.get("", &format!("{which}-services-annotations")) else { return Ok(BTreeMap::new()) };
        serde_saphyr::from_str(text).map_err(|e| Error::refused(format!("could not to parse {which} services annotations: {e}")))
    }
}

fn misconfigured(what: &str, why: &str) -> Error {
    Error::refused(format!("misconfigured cluster {what}: {why}"))
}

/// What a constraint in custom data may leave out, Kubernetes' own type has as required.
pub(super) fn topology(text: &str) -> Result<Vec<TopologySpreadConstraint>> {
    let fault = |why: String| Error::refused(format!("failed to parse JSON object for topologySpreadConstraint: {why}"));
    let mut all: Vec<TopologySpreadConstraint> = serde_json::from_str(text).map_err(|e| fault(e.to_string()))?;
    if all.iter().any(|one| one.max_skew < 1 || one.topology_key.is_empty()) {
        return Err(Error::refused("maxskew and topologykey are required in each topologySpreadConstraint"));
    }
    for one in all.iter_mut().filter(|one| one.when_unsatisfiable.is_empty()) {
        one.when_unsatisfiable = "ScheduleAnyway".into();
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(custom: &[(&str, &str)]) -> ClusterSettings {
        let custom = custom.iter().map(|(key, value)| ((*key).to_owned(), (*value).into())).collect();
        let defaults = [("max-surge", "50%"), ("pre-stop-sleep", "3")].map(|(key, value)| (key.to_owned(), value.to_owned()));
        ClusterSettings { custom, defaults: defaults.into() }
    }

    fn why(custom: &[(&str, &str)]) -> String {
        settings(custom).pool("dev").unwrap_err().to_string()
    }

    #[test]
    fn a_pools_value_wins_over_the_clusters_and_that_over_the_defaults() {
        let all = settings(&[("dev:max-surge", "1"), ("max-surge", "2"), ("other:pre-stop-sleep", "9"), (":registry", "r.io")]);
        assert_eq!(all.pool("dev").unwrap().max_surge, IntOrString::Int(1));
        assert_eq!(all.pool("other").unwrap().max_surge, IntOrString::Int(2));
        assert_eq!((all.pool("dev").unwrap().pre_stop_sleep, all.pool("other").unwrap().pre_stop_sleep), (3, 9));
        assert_eq!(all.registry(), Some("r.io"));
        assert_eq!(settings(&[]).pool("dev").unwrap().max_surge, IntOrString::String("50%".into()));
    }

    #[test]
    fn nothing_said_is_what_tsuru_does() {
        let pool = ClusterSettings::default().pool("dev").unwrap();
        assert_eq!((pool.max_surge, pool.max_unavailable), (IntOrString::String("100%".into()), IntOrString::Int(0)));
        assert_eq!((pool.pre_stop_sleep, pool.ephemeral_storage.as_str(), pool.headless), (10, "100Mi", true));
        assert_eq!(pool.factors, Factors { both: 1.0, ..Factors::default() });
        assert_eq!((ClusterSettings::default().home(), ClusterSettings::default().namespace(false, "dev")), ("tsuru", "default".into()));
    }

    #[test]
    fn wrong_values_that_tsuru_passes_over_are_passed_over() {
        let custom = [("ephemeral-storage", "big"), ("pre-stop-sleep", "x"), ("disable-pdb", "maybe"), ("dns-config-ndots", "x")];
        let pool = settings(&custom).pool("dev").unwrap();
        assert_eq!((pool.ephemeral_storage.as_str(), pool.pre_stop_sleep, pool.disable_pdb, pool.ndots), ("100Mi", 10, false, None));
    }

    #[test]
    fn wrong_values_that_tsuru_refuses_are_named() {
        let float = "strconv.ParseFloat: parsing \"x\": invalid syntax";
        assert_eq!(why(&[("overcommit-factor", "x")]), format!("misconfigured cluster overcommit factor: {float}"));
        assert_eq!(why(&[("dev:cpu-burst-factor", "x")]), format!("misconfigured cluster cpu burst factor: {float}"));
        let truth = "strconv.ParseBool: parsing \"x\": invalid syntax";
        assert_eq!(why(&[("single-pool", "x")]), format!("misconfigured cluster single pool value: {truth}"));
        assert!(why(&[("disable-default-node-selector", "x")]).ends_with(truth));
        assert!(why(&[("max-surge", "lots")]).contains("max-surge"));
        assert!(why(&[("base-services-annotations", "[")]).starts_with("could not to parse base services annotations: "));
        assert!(why(&[("topology-spread-constraints", "{")]).starts_with("failed to parse JSON object"));
        let short = why(&[("topology-spread-constraints", r#"[{"maxSkew": 1}]"#)]);
        assert_eq!(short, "maxskew and topologykey are required in each topologySpreadConstraint");
    }

    #[test]
    fn constraints_need_not_say_what_happens_otherwise() {
        let pool = settings(&[("topology-spread-constraints", r#"[{"maxSkew": 1, "topologyKey": "zone"}]"#)]).pool("dev").unwrap();
        assert_eq!(pool.topology[0].when_unsatisfiable, "ScheduleAnyway");
    }
}
