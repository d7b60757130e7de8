//! Namespaces: where an app's objects are.

use std::collections::BTreeMap;

use k8s_openapi::{api::core::v1::Namespace, apimachinery::pkg::apis::meta::v1::ObjectMeta};

use super::names::kube_name;

/// The namespace of the apps of a pool. `own` is the cluster's `namespace`, `per_pool` gives each pool one.
pub fn of_pool(own: &str, per_pool: bool, pool: &str) -> String {
    let prefix = match (own, per_pool) {
        ("", true) => "tsuru",
        ("", false) => "default",
        (own, _) => own,
    };
    if per_pool && !pool.is_empty() { format!("{prefix}-{}", kube_name(pool)) } else { prefix.into() }
}

/// A namespace with its labels: its name, and those of the cluster's `namespace-labels`, `a=b,c=d`.
pub fn namespace(name: &str, labels: &str) -> Namespace {
    let mut all = BTreeMap::from([("name".to_owned(), name.to_owned())]);
    let pairs = labels.split(',').filter_map(|pair| pair.split_once('=')).filter(|(_, value)| !value.contains('='));
    all.extend(pairs.map(|(key, value)| (key.trim().to_owned(), value.trim().to_owned())));
    let metadata = ObjectMeta { name: Some(name.into()), labels: Some(all), ..ObjectMeta::default() };
    Namespace { metadata, ..Namespace::default() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pools_share_a_namespace_unless_each_has_one() {
        let names = [of_pool("", false, "dev"), of_pool("", true, "My_pool"), of_pool("apps", false, "dev"), of_pool("apps", true, "dev")];
        assert_eq!(names, ["default", "tsuru-my-pool", "apps", "apps-dev"]);
    }

    #[test]
    fn labels_are_pairs() {
        let found = namespace("n", "a = 1, broken, c=d=e,f=").metadata.labels.unwrap();
        assert_eq!(found, [("name", "n"), ("a", "1"), ("f", "")].map(|(k, v)| (k.to_owned(), v.to_owned())).into());
    }
}
