//! What the API server and the cluster's controllers fill into objects. Everything that is not listed here is ours.

use serde::Serialize;
use serde_json::Value;

use crate::error::{Error, Result};

/// A value that is filled in.
enum Is {
    /// Whatever it is.
    Any,
    /// This text.
    Text(&'static str),
    /// This number.
    Number(i64),
    /// `false`.
    No,
    /// `{}`.
    Nothing,
}

use Is::{Any, No, Nothing, Number, Text};

/// Where pods are described.
const PODS: [(&str, &str); 3] =
    [("Deployment", "spec template spec"), ("CronJob", "spec jobTemplate spec template spec"), ("Job", "spec template spec")];

/// Below [`PODS`].
const OF_PODS: &[(&str, Is)] = &[
    ("dnsPolicy", Text("ClusterFirst")),
    ("schedulerName", Text("default-scheduler")),
    // The old name of serviceAccountName.
    ("serviceAccount", Any),
    // By the image's tag.
    ("containers * imagePullPolicy", Any),
    ("containers * terminationMessagePath", Text("/dev/termination-log")),
    ("containers * terminationMessagePolicy", Text("File")),
    ("containers * ports * protocol", Text("TCP")),
    ("containers * readinessProbe successThreshold", Number(1)),
    ("containers * livenessProbe successThreshold", Number(1)),
    ("containers * startupProbe successThreshold", Number(1)),
];

/// By kind; `*` is every element of a list.
const OF_KINDS: &[(&str, &str, Is)] = &[
    ("Deployment", "metadata annotations deployment.kubernetes.io/revision", Any),
    ("Deployment", "spec progressDeadlineSeconds", Number(600)),
    ("Service", "spec clusterIPs", Any),
    ("Service", "spec internalTrafficPolicy", Text("Cluster")),
    ("Service", "spec ipFamilies", Any),
    ("Service", "spec ipFamilyPolicy", Text("SingleStack")),
    ("Service", "spec sessionAffinity", Text("None")),
    ("Secret", "type", Text("Opaque")),
    ("HorizontalPodAutoscaler", "spec behavior scaleUp", Any),
    ("CronJob", "spec failedJobsHistoryLimit", Number(1)),
    ("CronJob", "spec successfulJobsHistoryLimit", Number(3)),
    ("CronJob", "spec jobTemplate metadata", Nothing),
    ("CronJob", "spec jobTemplate spec template spec securityContext", Nothing),
    ("CronJob", "spec jobTemplate spec template spec terminationGracePeriodSeconds", Number(30)),
    ("Job", "spec backoffLimit", Number(6)),
    ("Job", "spec completionMode", Text("NonIndexed")),
    ("Job", "spec completions", Number(1)),
    ("Job", "spec parallelism", Number(1)),
    ("Job", "spec manualSelector", No),
    ("Job", "spec suspend", No),
    ("Job", "spec podReplacementPolicy", Text("TerminatingOrFailed")),
    ("Job", "spec selector", Any),
    ("Job", "spec template metadata labels batch.kubernetes.io/controller-uid", Any),
    ("Job", "spec template metadata labels batch.kubernetes.io/job-name", Any),
    ("Job", "spec template metadata labels controller-uid", Any),
    ("Job", "spec template metadata labels job-name", Any),
    ("Job", "spec template spec securityContext", Nothing),
    ("Job", "spec template spec terminationGracePeriodSeconds", Number(30)),
    ("PersistentVolume", "metadata annotations pv.kubernetes.io/bound-by-controller", Any),
    ("PersistentVolume", "metadata finalizers", Any),
    ("PersistentVolume", "spec claimRef", Any),
    ("PersistentVolume", "spec hostPath type", Text("")),
    ("PersistentVolume", "spec persistentVolumeReclaimPolicy", Text("Retain")),
    ("PersistentVolume", "spec volumeMode", Text("Filesystem")),
    ("PersistentVolumeClaim", "metadata annotations pv.kubernetes.io/bind-completed", Any),
    ("PersistentVolumeClaim", "metadata finalizers", Any),
    ("PersistentVolumeClaim", "spec volumeMode", Text("Filesystem")),
];

/// Of everything.
const OF_ALL: &[(&str, Is)] = &[
    ("metadata uid", Any),
    ("metadata resourceVersion", Any),
    ("metadata creationTimestamp", Any),
    ("metadata generation", Any),
    ("metadata managedFields", Any),
    ("metadata ownerReferences * uid", Any),
    ("status", Any),
];

/// True when the object that is there is the one that is wanted. A default that is not listed here makes this false: then it is written
/// again, which changes nothing.
pub fn is_same<T: Serialize>(wanted: &T, there: &T) -> Result<bool> {
    let whole = |object: &T| serde_json::to_value(object).map_err(Error::internal);
    let (wanted, there) = (whole(wanted)?, whole(there)?);
    Ok(owners(&wanted) == owners(&there) && without(wanted) == without(there))
}

/// What the object goes with: an owner that was made anew is another one, and the object would go with the old one.
fn owners(object: &Value) -> Vec<&Value> {
    let owners = object.pointer("/metadata/ownerReferences").and_then(Value::as_array);
    owners.into_iter().flatten().filter_map(|owner| owner.get("uid")).collect()
}

/// The object as it was written.
pub fn without(mut object: Value) -> Value {
    let text = |value: Option<&Value>| value.and_then(Value::as_str).unwrap_or_default().to_owned();
    let kind = text(object.get("kind"));
    let mut remove = |path: &str, is: &Is| take(&mut object, &path.split(' ').collect::<Vec<_>>(), is);
    for (path, is) in OF_ALL {
        remove(path, is);
    }
    for (_, path, is) in OF_KINDS.iter().filter(|(of, _, _)| *of == kind) {
        remove(path, is);
    }
    for (_, pods) in PODS.iter().filter(|(of, _)| *of == kind) {
        for (path, is) in OF_PODS {
            remove(&format!("{pods} {path}"), is);
        }
    }
    // Addresses are given, but for services without one.
    if kind == "Service" && text(object.pointer("/spec/clusterIP")) != "None" {
        take(&mut object, &["spec", "clusterIP"], &Any);
    }
    take(&mut object, &["metadata", "annotations"], &Nothing);
    object
}

fn take(value: &mut Value, path: &[&str], is: &Is) {
    match (path, value) {
        ([last], Value::Object(fields)) if fields.get(*last).is_some_and(|found| matches(found, is)) => {
            fields.remove(*last);
        }
        (["*", rest @ ..], Value::Array(items)) => items.iter_mut().for_each(|item| take(item, rest, is)),
        ([first, rest @ ..], Value::Object(fields)) => {
            if let Some(inner) = fields.get_mut(*first) {
                take(inner, rest, is);
            }
        }
        _ => {}
    }
}

fn matches(found: &Value, is: &Is) -> bool {
    match is {
        Any => true,
        Text(text) => found == text,
        Number(number) => found == number,
        No => found == false,
        Nothing => found.as_object().is_some_and(serde_json::Map::is_empty),
    }
}

#[cfg(test)]
mod tests {
    use k8s_openapi::api::apps::v1::Deployment;
    use serde_json::json;

    use super::*;

    fn deployment(spec: Value) -> Deployment {
        serde_json::from_value(json!({"metadata": {"name": "d"}, "spec": spec})).unwrap()
    }

    #[test]
    fn what_the_server_filled_in_makes_no_difference() {
        let wanted = deployment(json!({"selector": {}, "template": {"spec": {"containers": [{"name": "c"}]}}}));
        let container = json!({"name": "c", "imagePullPolicy": "Always", "terminationMessagePath": "/dev/termination-log"});
        let pod = json!({"containers": [container], "dnsPolicy": "ClusterFirst", "serviceAccount": "a"});
        let mut there = deployment(json!({"selector": {}, "progressDeadlineSeconds": 600, "template": {"spec": pod}}));
        there.metadata.resource_version = Some("7".into());
        assert!(is_same(&wanted, &there).unwrap());
    }

    #[test]
    fn an_owner_that_was_made_anew_is_another_one() {
        let owned = |uid: &str| -> Deployment {
            let owner = json!({"apiVersion": "v1", "kind": "Service", "name": "s", "uid": uid});
            serde_json::from_value(json!({"metadata": {"name": "d", "ownerReferences": [owner]}})).unwrap()
        };
        assert!(is_same(&owned("1"), &owned("1")).unwrap());
        assert!(!is_same(&owned("1"), &owned("2")).unwrap());
    }

    #[test]
    fn everything_else_does_also_what_is_not_wanted_any_more() {
        let with = |pod: Value| deployment(json!({"selector": {}, "template": {"spec": pod}}));
        let wanted = with(json!({"containers": [{"name": "c", "env": [{"name": "A"}]}]}));
        let more = with(json!({"containers": [{"name": "c", "env": [{"name": "A"}, {"name": "B"}]}]}));
        let volume = with(json!({"containers": [{"name": "c", "env": [{"name": "A"}]}], "volumes": [{"name": "v"}]}));
        let dns = with(json!({"containers": [{"name": "c", "env": [{"name": "A"}]}], "dnsPolicy": "Default"}));
        assert!([more, volume, dns].iter().all(|there| !is_same(&wanted, there).unwrap()));
    }
}
