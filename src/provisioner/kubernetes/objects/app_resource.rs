//! The `App` resource: what other programs of tsuru's read about an app in the cluster.

use std::collections::{BTreeMap, BTreeSet};

use k8s_openapi::{
    apiextensions_apiserver::pkg::apis::apiextensions::v1::{
        CustomResourceDefinition, CustomResourceDefinitionNames, CustomResourceDefinitionSpec, CustomResourceDefinitionVersion,
        CustomResourceValidation, JSONSchemaProps,
    },
    apimachinery::pkg::apis::meta::v1::ObjectMeta,
};
use kube::{
    api::{ApiResource, DynamicObject},
    core::GroupVersionKind,
};
use serde_json::{Value, json};

use super::{Making, budget, names, ports, service};
use crate::provisioner::AppState;

/// Its definition's name.
pub const CRD: &str = "apps.tsuru.io";

/// The kind of [`of`].
pub fn kind() -> ApiResource {
    ApiResource::from_gvk(&GroupVersionKind::gvk("tsuru.io", "v1", "App"))
}

/// The definition of the kind.
pub fn definition() -> CustomResourceDefinition {
    let schema =
        JSONSchemaProps { type_: Some("object".into()), x_kubernetes_preserve_unknown_fields: Some(true), ..JSONSchemaProps::default() };
    let version = CustomResourceDefinitionVersion {
        name: "v1".into(),
        served: true,
        storage: true,
        schema: Some(CustomResourceValidation { open_api_v3_schema: Some(schema) }),
        ..CustomResourceDefinitionVersion::default()
    };
    let names = CustomResourceDefinitionNames {
        plural: "apps".into(),
        singular: Some("app".into()),
        kind: "App".into(),
        list_kind: Some("AppList".into()),
        ..CustomResourceDefinitionNames::default()
    };
    let spec = CustomResourceDefinitionSpec {
        group: "tsuru.io".into(),
        names,
        scope: "Namespaced".into(),
        versions: vec![version],
        ..CustomResourceDefinitionSpec::default()
    };
    CustomResourceDefinition { metadata: ObjectMeta { name: Some(CRD.into()), ..ObjectMeta::default() }, spec, status: None }
}

/// Of an app. `home` is the namespace of these resources, `namespace` that of the app's objects; `makings` are its deployments.
pub fn of(app: &AppState, home: &str, namespace: &str, makings: &[Making<'_>]) -> DynamicObject {
    let mut deployments: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
    let mut services: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
    let mut budgets: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
    for m in makings {
        let process = m.process.name.as_str();
        deployments.entry(process).or_default().insert(m.spot.name.clone());
        if let Some(name) = budget::of(m).and_then(|budget| budget.metadata.name) {
            budgets.entry(process).or_default().insert(name);
        }
    }
    for process in deployments.keys() {
        let own: Vec<_> = makings.iter().filter(|m| m.process.name == *process).copied().collect();
        let names: BTreeSet<String> = service::all(&own).into_iter().filter_map(|service| service.metadata.name).collect();
        if !names.is_empty() {
            services.insert(process, names);
        }
    }
    let data = json!({"spec": {
        "namespaceName": namespace,
        "serviceAccountName": names::account(&app.app),
        "deployments": deployments,
        "services": services,
        "podDisruptionBudgets": budgets,
        "configs": configs(makings),
    }});
    DynamicObject::new(&app.app, &kind()).within(home).data(data)
}

/// `kubernetes` of the newest version's `tsuru.yaml`, in full.
fn configs(makings: &[Making<'_>]) -> Value {
    let newest = makings.iter().max_by_key(|m| m.process.version).and_then(|m| m.process.pod.groups.as_ref());
    let Some(kubernetes) = newest else { return Value::Null };
    let mut kubernetes = kubernetes.clone();
    let all = kubernetes.groups.values_mut().flat_map(BTreeMap::values_mut).filter_map(|process| process.ports.as_mut());
    for said in all {
        *said = said.iter().enumerate().map(|(i, port)| ports::in_full(port, i)).collect();
    }
    serde_json::to_value(kubernetes).unwrap_or_default()
}
