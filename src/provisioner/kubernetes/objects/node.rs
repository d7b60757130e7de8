//! Which nodes units go to, and how they spread.

use k8s_openapi::{
    api::core::v1::{Affinity, TopologySpreadConstraint},
    apimachinery::pkg::apis::meta::v1::LabelSelector,
};

use super::{
    Making,
    labels::{self, Labels},
};
use crate::error::{Error, Result};

/// Where pods of an app may go.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Nodes {
    /// Labels that a node must have.
    pub selector: Option<Labels>,
    /// What the pool says.
    pub affinity: Option<Affinity>,
}

/// By the pool's label on nodes, unless the pool or the cluster says otherwise.
pub fn of(m: &Making<'_>) -> Result<Nodes> {
    if m.pool.single_pool {
        return Ok(Nodes::default());
    }
    let affinity = m.app.place.pool.affinity.as_deref().map(affinity).transpose()?;
    let own_nodes = affinity.as_ref().is_some_and(|affinity| affinity.node_affinity.is_some());
    if own_nodes || m.pool.disable_node_selector {
        return Ok(Nodes { selector: None, affinity });
    }
    let selector = Labels::from([(labels::own("pool"), m.app.place.pool.name.clone())]);
    Ok(Nodes { selector: Some(selector), affinity })
}

fn affinity(text: &str) -> Result<Affinity> {
    serde_saphyr::from_str(text).map_err(|e| Error::refused(format!("cannot read the pool's label affinity: {e}")))
}

/// The cluster's constraints, for the pods of a process.
pub fn spread(m: &Making<'_>) -> Option<Vec<TopologySpreadConstraint>> {
    let mut own = labels::pod(m);
    own.retain(|name, _| [labels::APP, labels::PROCESS, labels::VERSION].contains(&name.as_str()));
    let constrained = |constraint: &TopologySpreadConstraint| TopologySpreadConstraint {
        label_selector: Some(LabelSelector { match_labels: Some(own.clone()), match_expressions: None }),
        ..constraint.clone()
    };
    super::some(m.pool.topology.iter().map(constrained).collect::<Vec<_>>())
}
