//! Labels of objects, and what finds objects by them.

use std::{collections::BTreeMap, sync::LazyLock};

use regex::Regex;

use super::{Making, names};
use crate::{names::compile, provisioner::JobState};

/// Label to value.
pub type Labels = BTreeMap<String, String>;

/// What labels and annotations of tsuru's begin with.
pub const PREFIX: &str = "tsuru.io/";
/// The restarts of a deployment since it was deployed.
pub const RESTARTS: &str = "tsuru.io/restarts";
/// The process of an object.
pub const PROCESS: &str = "tsuru.io/app-process";
/// The app of an object.
pub const APP: &str = "tsuru.io/app-name";
/// The job of an object.
pub const JOB: &str = "tsuru.io/job-name";
/// The version of an object.
pub const VERSION: &str = "tsuru.io/app-version";
/// Requests go to what has it.
pub const ROUTABLE: &str = "tsuru.io/is-routable";
/// A pod of a base deployment.
pub const BASE: &str = "tsuru.io/is-isolated-run";
/// A pod of a deployment of one version beside others.
pub const VERSIONED: &str = "tsuru.io/is-isolated-run-version";

/// A key of tsuru's.
pub fn own(name: &str) -> String {
    format!("{PREFIX}{name}")
}

fn owned<const N: usize>(pairs: [(&str, &str); N]) -> Labels {
    pairs.map(|(name, value)| (own(name), value.to_owned())).into()
}

fn raw<const N: usize>(pairs: [(&str, &str); N]) -> Labels {
    pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).into()
}

/// What all objects of a process have in common, without what users set.
pub fn process(m: &Making<'_>) -> Labels {
    let (app, process) = (m.app.app.as_str(), m.process.name.as_str());
    let base = names::base(app, process);
    let mut labels = owned([
        ("is-tsuru", "true"),
        ("is-stopped", "false"),
        ("app-name", app),
        ("app-team", &m.app.place.team),
        ("app-process", process),
        ("app-platform", &m.app.platform),
        ("app-pool", &m.app.place.pool.name),
        ("is-service", "true"),
        ("is-build", "false"),
    ]);
    labels.extend(tags(&m.app.place.tags));
    labels.extend(raw([
        ("app", &base),
        ("app.kubernetes.io/name", app),
        ("app.kubernetes.io/component", "tsuru-app"),
        ("app.kubernetes.io/managed-by", "tsuru"),
        ("app.kubernetes.io/instance", &base),
    ]));
    labels
}

/// The same as it runs now: stopped or not, restarted or not, with what users set.
fn running(m: &Making<'_>) -> Labels {
    let mut labels = process(m);
    labels.insert(own("is-stopped"), (m.process.units == 0).to_string());
    if m.process.restarted > 0 {
        labels.insert(RESTARTS.into(), m.process.restarted.to_string());
    }
    labels.extend(m.process.pod.labels.clone());
    labels
}

/// Which of the two kinds of deployment it is.
fn kind(m: &Making<'_>) -> (String, String) {
    (if m.spot.base { BASE } else { VERSIONED }.into(), "false".into())
}

fn version(labels: &mut Labels, version: u32) {
    labels.insert(VERSION.into(), version.to_string());
    labels.extend(raw([("version", &format!("v{version}")), ("app.kubernetes.io/version", &format!("v{version}"))]));
}

/// Of a deployment.
pub fn deployment(m: &Making<'_>) -> Labels {
    let mut labels = running(m);
    labels.extend([kind(m)]);
    if m.spot.routable {
        labels.insert(ROUTABLE.into(), "true".into());
    }
    labels
}

/// Of the pods of a deployment.
pub fn pod(m: &Making<'_>) -> Labels {
    const KEPT: [&str; 9] =
        ["app-name", "app-process", "is-routable", "is-tsuru", "is-build", "app-team", "app-pool", "restarts", "app-platform"];
    let all = deployment(m);
    let mut labels: Labels = KEPT.iter().filter_map(|name| all.get_key_value(&own(name))).map(|(k, v)| (k.clone(), v.clone())).collect();
    labels.extend([kind(m), (VERSION.into(), m.process.version.to_string())]);
    labels.extend(m.process.pod.labels.clone());
    labels
}

/// What a deployment finds its pods by; that of an existing one never changes.
pub fn selector(m: &Making<'_>) -> Labels {
    if let Some(selector) = &m.spot.selector {
        return selector.clone();
    }
    let mut labels = any_version(m);
    labels.extend([kind(m)]);
    if !m.spot.base {
        labels.insert(VERSION.into(), m.process.version.to_string());
    }
    labels
}

fn any_version(m: &Making<'_>) -> Labels {
    owned([("app-name", &m.app.app), ("app-process", &m.process.name), ("is-build", "false")])
}

/// Of the services of a process whatever its version.
pub fn base_service(m: &Making<'_>) -> Labels {
    let mut labels = running(m);
    labels.insert(ROUTABLE.into(), "true".into());
    labels
}

/// Of the service that names each unit.
pub fn headless_service(m: &Making<'_>) -> Labels {
    let mut labels = base_service(m);
    labels.insert(own("is-headless-service"), "true".into());
    labels
}

/// Of the service of one version.
pub fn versioned_service(m: &Making<'_>) -> Labels {
    let mut labels = running(m);
    version(&mut labels, m.process.version);
    labels.extend([kind(m)]);
    labels
}

/// What services whatever the version find pods by.
pub fn routable(m: &Making<'_>) -> Labels {
    let mut labels = any_version(m);
    labels.insert(ROUTABLE.into(), "true".into());
    labels
}

/// What the service of one version finds pods by.
pub fn of_version(m: &Making<'_>) -> Labels {
    let mut labels = any_version(m);
    labels.extend([kind(m), (VERSION.into(), m.process.version.to_string())]);
    labels
}

/// Of what scales or watches a process of a version.
pub fn scaler(m: &Making<'_>) -> Labels {
    let mut labels = process(m);
    version(&mut labels, m.process.version);
    labels
}

/// Of a disruption budget.
pub fn budget(app: &str, process: &str, team: &str) -> Labels {
    owned([("is-tsuru", "true"), ("app-name", app), ("app-process", process), ("app-team", team)])
}

/// Of an app's service account and secrets.
pub fn of_app(app: &str) -> Labels {
    owned([("is-tsuru", "true"), ("app-name", app)])
}

/// Of a job's service account and secret.
pub fn of_job(job: &str) -> Labels {
    owned([("is-tsuru", "true"), ("job-name", job)])
}

/// Of the pod of a command beside the units.
pub fn isolated(m: &Making<'_>) -> Labels {
    let mut labels = process(m);
    const KEPT: [&str; 7] = ["app-name", "app-process", "is-tsuru", "is-build", "app-team", "app-pool", "app-platform"];
    labels.retain(|name, _| KEPT.iter().any(|kept| *name == own(kept)));
    labels.insert(BASE.into(), "true".into());
    labels
}

/// Of a job, its cron job and its runs. What users set does not win over tsuru's.
pub fn job(job: &JobState) -> Labels {
    let place = &job.place;
    let mut labels = place.labels.clone();
    labels.extend(owned([
        ("is-tsuru", "true"),
        ("job-name", &job.job),
        ("job-team", &place.team),
        ("job-pool", &place.pool),
        ("is-job", "true"),
        ("job-manual", if job.schedule.is_none() { "true" } else { "false" }),
        ("is-service", "true"),
        ("is-build", "false"),
    ]));
    labels.extend(tags(&place.tags));
    labels.extend(raw([
        ("app.kubernetes.io/name", "tsuru-job"),
        ("app.kubernetes.io/instance", &job.job),
        ("app.kubernetes.io/component", "job"),
        ("app.kubernetes.io/managed-by", "tsuru"),
    ]));
    labels
}

/// Tags that can be labels: with one that cannot, Kubernetes would refuse the whole object.
pub fn tags(tags: &[String]) -> Labels {
    static NAME: LazyLock<Regex> = LazyLock::new(|| compile("^([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]$"));
    let label = |tag: &String| {
        let (key, value) = tag.split_once('=').unwrap_or((tag, ""));
        let name = format!("custom-tag-{key}");
        let valid = !key.is_empty() && name.len() <= 63 && NAME.is_match(&name) && is_value(value);
        valid.then(|| (own(&name), value.to_owned()))
    };
    tags.iter().filter_map(label).collect()
}

/// Whose an object is: of an app, a job or a volume of this name. `None`: it is nobody's.
pub fn owner(labels: &Labels) -> Option<(&'static str, &str)> {
    let kinds = [("app", APP), ("job", JOB), ("volume", "tsuru.io/volume-name")];
    kinds.into_iter().find_map(|(kind, key)| Some((kind, labels.get(key)?.as_str())))
}

/// True for what can be a label's name, with a host name before it or without.
pub fn is_key(text: &str) -> bool {
    static PREFIX: LazyLock<Regex> = LazyLock::new(|| compile("^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$"));
    let (prefix, name) = text.split_once('/').map_or((None, text), |(prefix, name)| (Some(prefix), name));
    let host = |prefix: &str| prefix.len() <= 253 && PREFIX.is_match(prefix);
    !name.is_empty() && is_value(name) && prefix.is_none_or(host)
}

/// True for what can be a label's value.
pub fn is_value(text: &str) -> bool {
    static VALUE: LazyLock<Regex> = LazyLock::new(|| compile("^(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?$"));
    text.len() <= 63 && VALUE.is_match(text)
}

/// Labels and annotations are looked up as one, with and without the prefix; annotations win.
pub fn lookup<'a>(labels: Option<&'a Labels>, annotations: Option<&'a Labels>, name: &str) -> Option<&'a str> {
    let keys = [own(name), name.to_owned()];
    let found = keys.iter().find_map(|key| annotations.and_then(|all| all.get(key)).or_else(|| labels.and_then(|all| all.get(key))));
    found.map(String::as_str)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_become_labels_where_they_can() {
        let tag = |text: &str| text.to_owned();
        let found =
            tags(&[tag("web"), tag("a=b.c"), tag("=x"), tag("with space"), "t".repeat(60), tag("end-"), tag("b=c=d"), tag("e=f g")]);
        let expected = raw([("tsuru.io/custom-tag-web", ""), ("tsuru.io/custom-tag-a", "b.c")]);
        assert_eq!(found, expected);
    }

    #[test]
    fn annotations_shadow_labels() {
        let (labels, annotations) = (owned([("app-version", "1")]), owned([("app-version", "2")]));
        assert_eq!(lookup(Some(&labels), Some(&annotations), "app-version"), Some("2"));
        assert_eq!(lookup(Some(&labels), None, "app-version"), Some("1"));
        assert_eq!(lookup(None, None, "app-version"), None);
    }
}
