//! Objects of kinds that a cluster may lack.

use std::{borrow::Cow, fmt::Debug, marker::PhantomData};

use k8s_openapi::{NamespaceResourceScope, apimachinery::pkg::apis::meta::v1::ObjectMeta};
use kube::Resource;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A kind that somebody else defined.
pub trait Kind: Clone + Debug + Send + Sync + 'static {
    /// `keda.sh`.
    const GROUP: &'static str;
    /// `v1`.
    const VERSION: &'static str;
    /// `ScaledObject`.
    const KIND: &'static str;
    /// `scaledobjects`.
    const PLURAL: &'static str;
}

/// An object of such a kind.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(bound = "", rename_all = "camelCase")]
pub struct Custom<K: Kind> {
    #[serde(default = "api_version::<K>")]
    api_version: String,
    #[serde(default = "kind::<K>")]
    kind: String,
    /// Its name and labels.
    pub metadata: ObjectMeta,
    /// What is wanted.
    #[serde(default)]
    pub spec: Value,
    /// What became of it.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub status: Value,
    #[serde(skip)]
    of: PhantomData<K>,
}

fn api_version<K: Kind>() -> String {
    format!("{}/{}", K::GROUP, K::VERSION)
}

fn kind<K: Kind>() -> String {
    K::KIND.into()
}

impl<K: Kind> Custom<K> {
    /// One that wants this.
    pub fn new(metadata: ObjectMeta, spec: Value) -> Self {
        Self { api_version: api_version::<K>(), kind: kind::<K>(), metadata, spec, status: Value::Null, of: PhantomData }
    }
}

impl<K: Kind> Resource for Custom<K> {
    type DynamicType = ();
    type Scope = NamespaceResourceScope;

    fn kind((): &()) -> Cow<'_, str> {
        K::KIND.into()
    }

    fn group((): &()) -> Cow<'_, str> {
        K::GROUP.into()
    }

    fn version((): &()) -> Cow<'_, str> {
        K::VERSION.into()
    }

    fn plural((): &()) -> Cow<'_, str> {
        K::PLURAL.into()
    }

    fn meta(&self) -> &ObjectMeta {
        &self.metadata
    }

    fn meta_mut(&mut self) -> &mut ObjectMeta {
        &mut self.metadata
    }
}
