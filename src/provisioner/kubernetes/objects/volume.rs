//! Volumes: the storage, the claim on it, and where pods see it.

use k8s_openapi::{
    api::core::v1::{
        EphemeralVolumeSource, PersistentVolume, PersistentVolumeClaim, PersistentVolumeClaimSpec, PersistentVolumeClaimTemplate,
        PersistentVolumeClaimVolumeSource, PersistentVolumeSpec, Volume, VolumeMount, VolumeResourceRequirements,
    },
    apimachinery::pkg::{
        api::resource::Quantity,
        apis::meta::v1::{LabelSelector, ObjectMeta},
    },
};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::{Making, labels, labels::Labels, meta, names, quantity};
use crate::{
    error::{Error, Result},
    provisioner::VolumePlace,
};

const EMPTY: &str = "emptyDir";
const EPHEMERAL: &str = "ephemeral";

/// What a volume's plan and its own options come to.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Options {
    /// Kubernetes' name of the kind of storage; empty: a storage class makes it.
    pub plugin: String,
    /// The storage class.
    pub storage_class: String,
    /// How much.
    pub capacity: String,
    /// `ReadWriteOnce`, `ReadWriteMany`.
    pub access_modes: Vec<String>,
}

/// Refused unless it can be made.
pub fn options(volume: &VolumePlace) -> Result<Options> {
    let plan = |name: &str| volume.plan_opts.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    let own = |name: &str| volume.opts.get(name).cloned();
    let refuse = |text: &str| Err(Error::refused(text));
    let (plugin, storage_class) = (plan("plugin"), plan("storage-class"));
    let inline = [EMPTY, EPHEMERAL].contains(&plugin.as_str());
    match (plugin.is_empty(), storage_class.is_empty()) {
        (true, true) => return refuse("both volume plan plugin and storage-class are empty"),
        (false, false) if !inline => return refuse("both volume plan plugin and storage-class cannot be set"),
        _ => {}
    }
    if plugin == EMPTY {
        return Ok(Options { plugin, ..Options::default() });
    }
    let capacity = own("capacity").unwrap_or_else(|| plan("capacity"));
    match quantity::parse(&capacity) {
        None if !capacity.is_empty() => {
            return refuse(
                "unable to parse `capacity` opt: quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'",
            );
        }
        None | Some(0.0) => return refuse("capacity is mandatory either in plan or as volume opts"),
        Some(_) => {}
    }
    let modes = own("access-modes").unwrap_or_else(|| plan("access-modes"));
    if modes.is_empty() {
        return refuse("access-modes is mandatory either in plan or as volume opts");
    }
    Ok(Options { plugin, storage_class, capacity, access_modes: modes.split(',').map(str::to_owned).collect() })
}

impl Options {
    /// It outlives the pods.
    pub fn is_persistent(&self) -> bool {
        self.plugin != EMPTY && self.plugin != EPHEMERAL
    }

    fn claim(&self) -> PersistentVolumeClaimSpec {
        let storage = [("storage".to_owned(), Quantity(self.capacity.clone()))].into();
        PersistentVolumeClaimSpec {
            access_modes: Some(self.access_modes.clone()),
            resources: Some(VolumeResourceRequirements { requests: Some(storage), limits: None }),
            storage_class_name: Some(self.storage_class.clone()),
            ..PersistentVolumeClaimSpec::default()
        }
    }
}

/// What a persistent volume is in the cluster: its storage, unless a class makes that, and the claim.
pub fn of(volume: &VolumePlace, namespace: &str) -> Result<(Option<PersistentVolume>, PersistentVolumeClaim)> {
    let options = options(volume)?;
    let mut claim = options.claim();
    let mut storage = None;
    if !options.plugin.is_empty() {
        storage = Some(persistent(volume, &options)?);
        claim.volume_name = Some(names::volume(&volume.name));
        let own = Labels::from([(labels::own("volume-name"), volume.name.clone())]);
        claim.selector = Some(LabelSelector { match_labels: Some(own), match_expressions: None });
    }
    let metadata = meta(names::claim(&volume.name), namespace, labels(volume));
    Ok((storage, PersistentVolumeClaim { metadata, spec: Some(claim), status: None }))
}

fn labels(volume: &VolumePlace) -> Labels {
    let pairs = [
        ("is-tsuru", "true"),
        ("volume-name", &volume.name),
        ("volume-pool", &volume.pool),
        ("volume-plan", &volume.plan),
        ("volume-team", &volume.team),
    ];
    pairs.map(|(name, value)| (labels::own(name), value.to_owned())).into()
}

fn persistent(volume: &VolumePlace, options: &Options) -> Result<PersistentVolume> {
    let spec = PersistentVolumeSpec {
        capacity: Some([("storage".to_owned(), Quantity(options.capacity.clone()))].into()),
        access_modes: Some(options.access_modes.clone()),
        ..source(volume, options)?
    };
    let metadata = ObjectMeta { name: Some(names::volume(&volume.name)), labels: Some(labels(volume)), ..ObjectMeta::default() };
    Ok(PersistentVolume { metadata, spec: Some(spec), status: None })
}

/// The volume's options as the plugin's own: texts, or what they look like where the plugin wants that. What it does not know is left out.
fn source<T: DeserializeOwned>(volume: &VolumePlace, options: &Options) -> Result<T> {
    let texts = |shape: fn(&String) -> Value| {
        let opts: Map<String, Value> = volume.opts.iter().map(|(name, value)| (name.clone(), shape(value))).collect();
        Value::Object(Map::from_iter([(options.plugin.clone(), Value::Object(opts))]))
    };
    let read = serde_json::from_value(texts(|value| Value::String(value.clone())));
    let looked_at = || serde_json::from_value(texts(|value| serde_json::from_str(value).unwrap_or_else(|_| Value::String(value.clone()))));
    read.or_else(|_| looked_at()).map_err(|e| Error::refused(format!("unable to decode as pv spec: {e}")))
}

/// The volumes that a process mounts, as its pods have them.
pub fn of_pod(m: &Making<'_>) -> Result<Vec<Volume>> {
    let mut seen: Vec<&str> = Vec::new();
    let mut volumes = Vec::new();
    for mount in &m.process.mounts {
        if !seen.contains(&mount.volume.as_str()) {
            seen.push(&mount.volume);
            volumes.push(in_pod(m, &mount.volume)?);
        }
    }
    Ok(volumes)
}

fn in_pod(m: &Making<'_>, name: &str) -> Result<Volume> {
    let known = m.app.place.volumes.iter().find(|volume| volume.name == name);
    let known = known.ok_or_else(|| Error::refused(format!("volume {name:?} not found")))?;
    let options = options(known)?;
    let mut volume = match options.plugin.as_str() {
        EMPTY => source(known, &options)?,
        EPHEMERAL => Volume { ephemeral: Some(ephemeral(known, &options)), ..Volume::default() },
        _ => Volume { persistent_volume_claim: Some(claimed(m, name)), ..Volume::default() },
    };
    volume.name = names::volume(name);
    Ok(volume)
}

fn ephemeral(volume: &VolumePlace, options: &Options) -> EphemeralVolumeSource {
    let metadata = Some(ObjectMeta { labels: Some(labels(volume)), ..ObjectMeta::default() });
    EphemeralVolumeSource { volume_claim_template: Some(PersistentVolumeClaimTemplate { metadata, spec: options.claim() }) }
}

fn claimed(m: &Making<'_>, name: &str) -> PersistentVolumeClaimVolumeSource {
    let all_read_only = m.process.mounts.iter().filter(|mount| mount.volume == name).all(|mount| mount.read_only);
    PersistentVolumeClaimVolumeSource { claim_name: names::claim(name), read_only: all_read_only.then_some(true) }
}

/// Where a process sees its volumes.
pub fn mounts(m: &Making<'_>) -> Vec<VolumeMount> {
    let mount = |mount: &crate::provisioner::Mount| VolumeMount {
        name: names::volume(&mount.volume),
        mount_path: mount.path.clone(),
        read_only: mount.read_only.then_some(true),
        ..VolumeMount::default()
    };
    m.process.mounts.iter().map(mount).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn volume(plan: Value, opts: &[(&str, &str)]) -> VolumePlace {
        VolumePlace {
            name: "v".into(),
            plan_opts: plan.as_object().cloned().unwrap_or_default(),
            opts: opts.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
            ..VolumePlace::default()
        }
    }

    const SIZE: [(&str, &str); 2] = [("capacity", "1Gi"), ("access-modes", "ReadWriteOnce,ReadWriteMany")];

    #[test]
    fn a_class_makes_the_storage_of_a_claim() {
        let (storage, claim) = of(&volume(json!({"storage-class": "fast"}), &SIZE), "ns").unwrap();
        assert!(storage.is_none());
        let spec = claim.spec.unwrap();
        assert_eq!((spec.storage_class_name.as_deref(), spec.volume_name), (Some("fast"), None));
        assert_eq!(spec.access_modes.unwrap(), ["ReadWriteOnce", "ReadWriteMany"]);
        assert_eq!(claim.metadata.namespace.as_deref(), Some("ns"));
    }

    #[test]
    fn a_plugin_takes_the_options_in_their_own_types() {
        let opts = [&SIZE[..], &[("server", "h"), ("path", "/p"), ("readOnly", "true")]].concat();
        let (storage, claim) = of(&volume(json!({"plugin": "nfs"}), &opts), "ns").unwrap();
        let nfs = storage.unwrap().spec.unwrap().nfs.unwrap();
        assert_eq!((nfs.server.as_str(), nfs.path.as_str(), nfs.read_only), ("h", "/p", Some(true)));
        assert_eq!(claim.spec.unwrap().volume_name.as_deref(), Some("v-tsuru"));
    }

    #[test]
    fn what_cannot_be_made_is_refused() {
        let why = |plan: Value, opts: &[(&str, &str)]| options(&volume(plan, opts)).unwrap_err().to_string();
        assert_eq!(why(json!({}), &[]), "both volume plan plugin and storage-class are empty");
        assert_eq!(why(json!({"plugin": "nfs", "storage-class": "x"}), &[]), "both volume plan plugin and storage-class cannot be set");
        assert_eq!(why(json!({"plugin": "nfs"}), &[]), "capacity is mandatory either in plan or as volume opts");
        assert!(why(json!({"plugin": "nfs"}), &[("capacity", "big")]).starts_with("unable to parse `capacity` opt"));
        assert_eq!(why(json!({"plugin": "nfs", "capacity": "1Gi"}), &[]), "access-modes is mandatory either in plan or as volume opts");
        assert!(options(&volume(json!({"plugin": "emptyDir"}), &[])).is_ok());
        assert!(!options(&volume(json!({"plugin": "ephemeral", "storage-class": "x"}), &SIZE)).unwrap().is_persistent());
    }
}
