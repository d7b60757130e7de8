//! Disruption budgets: how many units a cluster may take away at once for its own reasons.

use k8s_openapi::{
    api::policy::v1::{PodDisruptionBudget, PodDisruptionBudgetSpec},
    apimachinery::pkg::{apis::meta::v1::LabelSelector, util::intstr::IntOrString},
};

use super::{Making, labels, meta, names};
use crate::provisioner::kubernetes::settings::share;

const SAID: &str = "app.tsuru.io/k8s-pdb-max-unavailable";
const USUAL: &str = "10%";

/// Of a process; none where the pool wants none.
pub fn of(m: &Making<'_>) -> Option<PodDisruptionBudget> {
    if m.pool.disable_pdb {
        return None;
    }
    let (app, process) = (m.app.app.as_str(), m.process.name.as_str());
    let said = m.process.pod.annotations.get(SAID).and_then(|text| share(text).ok()).filter(lets_go);
    let mut found = labels::routable(m);
    found.remove(&labels::own("is-build"));
    let spec = PodDisruptionBudgetSpec {
        max_unavailable: Some(said.unwrap_or_else(|| IntOrString::String(USUAL.into()))),
        selector: Some(LabelSelector { match_labels: Some(found), match_expressions: None }),
        ..PodDisruptionBudgetSpec::default()
    };
    let metadata = meta(names::base(app, process), &m.spot.namespace, labels::budget(app, process, &m.app.place.team));
    Some(PodDisruptionBudget { metadata, spec: Some(spec), status: None })
}

/// An app that lets none of its units go would keep a node from being emptied for ever.
fn lets_go(most: &IntOrString) -> bool {
    !matches!(most, IntOrString::Int(0))
        && !matches!(most, IntOrString::String(text) if text.trim_end_matches('%').bytes().all(|b| b == b'0'))
}
