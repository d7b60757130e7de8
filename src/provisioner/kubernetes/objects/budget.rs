//! Disruption budgets: how many units a cluster may take away at once for its own reasons.

use k8s_openapi::{
    api::policy::v1::{PodDisruptionBudget, PodDisruptionBudgetSpec},
    apimachinery::pkg::{apis::meta::v1::LabelSelector, util::intstr::IntOrString},
};

use super::{Making, labels, meta, names};

const SAID: &str = "app.tsuru.io/k8s-pdb-max-unavailable";
const USUAL: &str = "10%";

/// Of a process; none where the pool wants none.
pub fn of(m: &Making<'_>) -> Option<PodDisruptionBudget> {
    if m.pool.disable_pdb {
        return None;
    }
    let (app, process) = (m.app.app.as_str(), m.process.name.as_str());
    let most = m.process.pod.annotations.get(SAID).map_or(USUAL, String::as_str);
    let mut found = labels::routable(m);
    found.remove(&labels::own("is-build"));
    let spec = PodDisruptionBudgetSpec {
        max_unavailable: Some(IntOrString::String(most.into())),
        selector: Some(LabelSelector { match_labels: Some(found), match_expressions: None }),
        ..PodDisruptionBudgetSpec::default()
    };
    let metadata = meta(names::base(app, process), &m.spot.namespace, labels::budget(app, process, &m.app.place.team));
    Some(PodDisruptionBudget { metadata, spec: Some(spec), status: None })
}
