//! What was written to the cluster, and what its controllers make of it: new units are there and ready at once.

use std::task::Waker;

use actix_web::web::Bytes;
use serde_json::{Map, Value, json};

use super::place::Place;

const PODS: &str = "/api/v1/pods";
const SETS: &str = "/apis/apps/v1/replicasets";
const DEPLOYMENTS: &str = "/apis/apps/v1/deployments";
const DEFINITIONS: &str = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
const REVISION: &str = "deployment.kubernetes.io/revision";
const HASH: &str = "pod-template-hash";
const BORN: &str = "2026-11-21T00:00:00Z";

/// Objects, and everything that happened to them.
#[derive(Default)]
pub struct Live {
    all: Vec<(Place, Value)>,
    news: Vec<News>,
    wakers: Vec<Waker>,
}

/// One thing that happened; its number is its place among all of them.
struct News {
    place: Place,
    line: Bytes,
}

impl Live {
    /// The number of what happened last.
    pub fn version(&self) -> usize {
        self.news.len() + 1
    }

    /// An object.
    pub fn get(&self, place: &Place) -> Option<&Value> {
        self.all.iter().find(|(known, _)| known == place).map(|(_, object)| object)
    }

    /// Objects of a place that have these labels.
    pub fn list(&self, place: &Place, labels: &str) -> Vec<&Value> {
        let wanted: Vec<(&str, &str)> = labels.split(',').filter_map(|label| label.split_once('=')).collect();
        let has = |object: &Value| wanted.iter().all(|(name, value)| at(object, &["metadata", "labels", name]) == Some(&json!(value)));
        self.all.iter().filter(|(known, object)| place.holds(known) && has(object)).map(|(_, object)| object).collect()
    }

    /// Writes an object; as it is before any controller saw it.
    pub fn write(&mut self, place: &Place, mut object: Value) -> Value {
        let old = self.get(place).cloned();
        let known = |path: &[&str]| old.as_ref().and_then(|old| at(old, path)).cloned();
        let same = old.is_some() && known(&["spec"]).as_ref() == object.get("spec");
        let before = known(&["metadata", "generation"]).and_then(|number| number.as_u64()).unwrap_or_default();
        let generation = if same { before } else { before + 1 };
        let uid = known(&["metadata", "uid"]).unwrap_or_else(|| json!(format!("uid-{}", self.version())));
        let given = [("uid", uid), ("creationTimestamp", json!(BORN)), ("generation", json!(generation))];
        set(&mut object, &["metadata"], given);
        if let Some(status) = known(&["status"]) {
            set(&mut object, &[], [("status", status)]);
        }
        let written = self.put(place, object);
        match place.kind.as_str() {
            DEPLOYMENTS if !same => self.roll_out(place, written.clone(), generation),
            DEFINITIONS => self.establish(place, written.clone()),
            _ => {}
        }
        written
    }

    /// Removes an object; false when it was not there.
    pub fn remove(&mut self, place: &Place) -> bool {
        let Some(index) = self.all.iter().position(|(known, _)| known == place) else { return false };
        let (_, object) = self.all.remove(index);
        self.tell("DELETED", place, &object);
        true
    }

    fn put(&mut self, place: &Place, mut object: Value) -> Value {
        set(&mut object, &["metadata"], [("resourceVersion", json!((self.version() + 1).to_string()))]);
        let known = self.all.iter_mut().find(|(known, _)| known == place);
        let what = if let Some((_, old)) = known {
            *old = object.clone();
            "MODIFIED"
        } else {
            self.all.push((place.clone(), object.clone()));
            "ADDED"
        };
        self.tell(what, place, &object);
        object
    }

    fn tell(&mut self, what: &str, place: &Place, object: &Value) {
        let line = format!("{}\n", json!({"type": what, "object": object}));
        self.news.push(News { place: place.clone(), line: line.into() });
        self.wakers.drain(..).for_each(Waker::wake);
    }

    /// What happened at a place after this number, with the number up to which that is; `waker` hears of more.
    pub fn after(&mut self, place: &Place, version: usize, waker: &Waker) -> (Vec<Bytes>, usize) {
        let news = self.news.iter().skip(version.saturating_sub(1)).filter(|news| place.holds(&news.place));
        let lines: Vec<Bytes> = news.map(|news| news.line.clone()).collect();
        if lines.is_empty() {
            self.wakers.push(waker.clone());
        }
        (lines, self.version())
    }

    /// As the controllers of deployments and the node do it, without the time that they take.
    fn roll_out(&mut self, place: &Place, mut deployment: Value, revision: u64) {
        let hash = format!("h{revision}");
        let text = |path: &[&str]| at(&deployment, path).cloned().unwrap_or_default();
        let (mut labels, spec) = (text(&["spec", "template", "metadata", "labels"]), text(&["spec", "template", "spec"]));
        let units = text(&["spec", "replicas"]).as_u64().unwrap_or(1);
        let owner = json!([{"apiVersion": "apps/v1", "kind": "Deployment", "name": place.name, "uid": text(&["metadata", "uid"])}]);
        set(&mut labels, &[], [(HASH, json!(hash))]);
        set(&mut deployment, &["metadata", "annotations"], [(REVISION, json!(revision.to_string()))]);
        let set_name = format!("{}-{hash}", place.name);
        let metadata = json!({"name": set_name, "namespace": place.namespace, "labels": labels, "ownerReferences": owner,
            "annotations": {REVISION: revision.to_string()}});
        let template = json!({"metadata": {"labels": labels}, "spec": spec});
        let selector = json!({"matchLabels": labels});
        let own = json!({"metadata": metadata, "spec": {"replicas": units, "selector": selector, "template": template}});
        self.put(&place.beside(SETS, &set_name), own);
        for number in 0..units {
            let name = format!("{set_name}-{number}");
            let pod = pod(&name, &place.namespace, &labels, &spec);
            self.put(&place.beside(PODS, &name), pod);
        }
        let older = format!("{}-h{}-", place.name, revision - 1);
        let pods = self.all.iter().map(|(known, _)| known.clone());
        let gone: Vec<Place> = pods.filter(|known| known.kind == PODS && known.name.starts_with(&older)).collect();
        for pod in &gone {
            self.remove(pod);
        }
        let counts = ["replicas", "updatedReplicas", "readyReplicas", "availableReplicas"].map(|count| (count, json!(units)));
        set(&mut deployment, &["status"], counts);
        set(&mut deployment, &["status"], [("observedGeneration", json!(revision))]);
        self.put(place, deployment);
    }

    fn establish(&mut self, place: &Place, mut definition: Value) {
        let condition = json!([{"type": "Established", "status": "True", "lastTransitionTime": BORN, "reason": "", "message": ""}]);
        set(&mut definition, &["status"], [("conditions", condition)]);
        self.put(place, definition);
    }
}

/// A unit that runs.
fn pod(name: &str, namespace: &str, labels: &Value, spec: &Value) -> Value {
    let container = at(spec, &["containers"]).and_then(|all| all.get(0)).and_then(|one| one.get("name")).cloned().unwrap_or_default();
    let container = json!({"name": container, "image": "i", "imageID": "i", "ready": true, "restartCount": 0, "started": true,
        "state": {"running": {"startedAt": BORN}}});
    json!({
        "metadata": {"name": name, "namespace": namespace, "labels": labels, "uid": name, "creationTimestamp": BORN},
        "spec": spec,
        "status": {"phase": "Running", "podIP": "10.1.0.1", "hostIP": "10.0.0.1", "startTime": BORN, "containerStatuses": [container],
            "conditions": [{"type": "Ready", "status": "True"}]},
    })
}

fn at<'a>(value: &'a Value, path: &[&str]) -> Option<&'a Value> {
    path.iter().try_fold(value, |value, name| value.get(name))
}

/// Sets fields of what is at a path, which is made where it is missing.
fn set<const N: usize>(value: &mut Value, path: &[&str], fields: [(&str, Value); N]) {
    let mut inner = value;
    for name in path {
        inner = object(inner).entry((*name).to_owned()).or_insert(Value::Null);
    }
    object(inner).extend(fields.map(|(name, value)| (name.to_owned(), value)));
}

/// As an object, whatever it was.
fn object(value: &mut Value) -> &mut Map<String, Value> {
    if !value.is_object() {
        *value = json!({});
    }
    match value {
        Value::Object(map) => map,
        _ => unreachable!("it was made one"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_deployment_has_its_units_at_once_and_each_change_is_told() {
        let (mut live, place) = (Live::default(), Place::read("/apis/apps/v1/namespaces/n/deployments/a-web").unwrap());
        let wanted = |image: &str| {
            let labels = json!({"app": "a"});
            let pods = json!({"metadata": {"labels": labels}, "spec": {"containers": [{"name": "a-web", "image": image}]}});
            json!({"metadata": {"name": "a-web", "namespace": "n"}, "spec": {"replicas": 2, "template": pods}})
        };
        for (image, version) in [("i:1", 1), ("i:1", 1), ("i:2", 2)] {
            live.write(&place, wanted(image));
            let now = live.get(&place).unwrap();
            assert_eq!((&now["metadata"]["generation"], &now["status"]["observedGeneration"]), (&json!(version), &json!(version)));
            let pods = live.list(&Place::read("/api/v1/pods").unwrap(), "app=a");
            let hashes: Vec<_> = pods.iter().map(|pod| pod["metadata"]["labels"][HASH].clone()).collect();
            assert_eq!(hashes, vec![json!(format!("h{version}")); 2]);
        }
        let (told, now) = live.after(&Place::read("/api/v1/pods").unwrap(), 1, Waker::noop());
        assert_eq!((told.len(), now), (6, live.version()));
    }
}
