//! Plans that volumes are made by.

use std::collections::BTreeMap;

use super::Plan;
use crate::{
    config::VolumePlans,
    error::{Error, Result},
};

/// All plans by the provisioner that makes their volumes.
pub fn by_provisioner(plans: &VolumePlans) -> BTreeMap<&str, Vec<Plan>> {
    let mut all: BTreeMap<&str, Vec<Plan>> = BTreeMap::new();
    for (name, provisioners) in plans {
        for (provisioner, opts) in provisioners {
            all.entry(provisioner).or_default().push(Plan { name: name.clone(), opts: opts.clone() });
        }
    }
    all
}

/// The plan of this name as this provisioner makes it.
pub fn find(plans: &VolumePlans, name: &str, provisioner: &str) -> Result<Plan> {
    let found = plans.get(name).and_then(|provisioners| provisioners.get(provisioner));
    let opts = found.cloned().ok_or_else(|| Error::refused(format!("key \"volume-plans:{name}:{provisioner}\" not found")))?;
    Ok(Plan { name: name.into(), opts })
}
