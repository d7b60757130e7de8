//! Objects in a cluster are those that tsuru's server made of the same documents: at each recorded moment, field by field.
//!
//! What runs (versions, units, restarts, what is routable) is read back from the recorded deployments, as it is of an app that is
//! taken over; everything else comes from the database's documents by way of our own types.

mod make;
pub mod recorded;

use std::collections::{BTreeMap, BTreeSet};

use impaas::provisioner::kubernetes::objects::filled;
use serde_json::Value;

use self::{
    make::World,
    recorded::{Moment, moments},
};

/// Kind and name.
type Key = String;

fn key(object: &Value) -> Key {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    format!("{}/{}", text(&object["kind"]), text(&object["metadata"]["name"]))
}

/// Recorded objects that nothing in the documents asks for, and since when.
const LEFT_BEHIND: [(&str, &str); 5] = [
    // tsuru's server leaves the service accounts of removed apps and jobs; these are of an earlier recording.
    ("ServiceAccount/app-dock", "app-create"),
    ("ServiceAccount/app-hello", "app-create"),
    ("ServiceAccount/job-cleanup", "app-create"),
    // Deleted with the volume; Kubernetes keeps them until the last pod that mounted it is gone.
    ("PersistentVolume/hostvol-tsuru", "token-assign"),
    ("PersistentVolumeClaim/hostvol-tsuru-claim", "token-assign"),
];

/// Every path where two values differ.
fn differences(path: &str, recorded: &Value, ours: &Value, found: &mut Vec<String>) {
    match (recorded, ours) {
        (Value::Object(a), Value::Object(b)) => {
            let keys: BTreeSet<&String> = a.keys().chain(b.keys()).collect();
            for key in keys {
                let at = format!("{path}/{key}");
                differences(&at, a.get(key).unwrap_or(&Value::Null), b.get(key).unwrap_or(&Value::Null), found);
            }
        }
        (Value::Array(a), Value::Array(b)) if a.len() == b.len() => {
            for (i, (one, other)) in a.iter().zip(b).enumerate() {
                differences(&format!("{path}/{i}"), one, other, found);
            }
        }
        _ if recorded == ours => {}
        _ => found.push(format!("{path}: recorded {recorded}, ours {ours}")),
    }
}

fn by_key(objects: impl IntoIterator<Item = Value>) -> BTreeMap<Key, Value> {
    objects.into_iter().map(|object| (key(&object), filled::without(object))).collect()
}

/// What differs at a moment.
fn compare(moment: &Moment, before: &[Moment]) -> Vec<String> {
    let recorded = by_key(moment.objects.values().cloned());
    let ours = by_key(World::of(moment, before).objects());
    let mut found = Vec::new();
    for (key, object) in &ours {
        match recorded.get(key) {
            Some(same) => differences(key, same, object, &mut found),
            None => found.push(format!("{key}: not recorded")),
        }
    }
    let passed: Vec<&str> = before.iter().chain([moment]).map(|moment| moment.name.as_str()).collect();
    let left = |key: &str| LEFT_BEHIND.iter().any(|(known, since)| *known == key && passed.contains(since));
    found.extend(recorded.keys().filter(|key| !ours.contains_key(*key) && !left(key)).map(|key| format!("{key}: not made")));
    found
}

#[test]
fn objects_are_those_that_tsuru_made_at_every_recorded_moment() {
    let moments = moments();
    assert_eq!(moments.len(), 19);
    let mut faults = Vec::new();
    for (i, moment) in moments.iter().enumerate() {
        assert!(!moment.objects.is_empty(), "{}", moment.name);
        faults.extend(compare(moment, &moments[..i]).into_iter().map(|fault| format!("{}: {fault}", moment.name)));
    }
    assert!(faults.is_empty(), "{} differences:\n{}", faults.len(), faults.join("\n"));
}

#[test]
fn a_changed_field_is_a_difference() {
    let moments = moments();
    let mut moment = moments[2].clone();
    let deployment = moment.objects.get_mut("Deployment/hello-web").unwrap();
    deployment["spec"]["template"]["spec"]["terminationGracePeriodSeconds"] = 41.into();
    let faults = compare(&moment, &moments[..2]);
    assert_eq!(faults, ["Deployment/hello-web/spec/template/spec/terminationGracePeriodSeconds: recorded 41, ours 40"]);
}

#[test]
fn the_first_restart_of_an_adopted_app_changes_the_restart_label_only() {
    let moments = moments();
    for (i, moment) in moments.iter().enumerate().filter(|(_, moment)| moment.has("Deployment/hello-web")) {
        let world = World::of(moment, &moments[..i]);
        let (before, after) = (by_key(world.objects()), by_key(world.restarted().objects()));
        let mut found = Vec::new();
        for (key, object) in after.iter().filter(|(key, _)| key.starts_with("Deployment/") || key.starts_with("Secret/")) {
            differences(key, before.get(key).unwrap_or(&Value::Null), object, &mut found);
        }
        let others: Vec<_> = found.iter().filter(|fault| !fault.contains("/labels/tsuru.io/restarts: ")).collect();
        let started = moment.name == "app-stop";
        assert!(started || others.is_empty(), "{}: {others:?}", moment.name);
        assert!(!found.is_empty());
    }
}

#[test]
fn a_variable_that_is_unset_is_gone_from_an_adopted_app() {
    let moments = moments();
    let at = moments.iter().position(|moment| moment.name == "app-start").unwrap();
    let mut world = World::of(&moments[at], &moments[..at]);
    world.unset("hello", "SECRET");
    let objects = by_key(world.objects());
    let text = objects["Deployment/hello-web"].to_string() + &objects["Secret/tsuru-app-hello-web"].to_string();
    assert!(!text.contains("\"SECRET\"") && text.contains("GREETING"), "{text}");
}
