//! Objects of an app in all namespaces, asked for now.

use std::time::Duration;

use k8s_openapi::NamespaceResourceScope;
use kube::{Api, Resource, ResourceExt, api::ListParams};

use super::{Kubernetes, objects::labels, write::Object};
use crate::error::Result;

impl Kubernetes {
    /// The objects of an app; `more` says which labels they have besides.
    pub async fn all_of<K: Object>(&self, app: &str, more: &str, patience: Duration) -> Result<Vec<K>> {
        Ok(self.all_unless(&[], app, more, patience).await?.unwrap_or_default())
    }

    /// The same of a kind that the cluster may lack: `None` then.
    pub async fn all_if_there<K: Object>(&self, app: &str, more: &str, patience: Duration) -> Result<Option<Vec<K>>> {
        self.all_unless(&[404], app, more, patience).await
    }

    /// `None` where one of these codes is the answer.
    pub async fn all_unless<K: Object>(&self, codes: &[u16], app: &str, more: &str, patience: Duration) -> Result<Option<Vec<K>>> {
        let api = Api::<K>::all(self.client.clone());
        let of_app = ListParams::default().labels(&format!("{}={app}{more}", labels::APP));
        let found = self.writer(patience).unless(codes, || api.list(&of_app)).await?;
        Ok(found.map(|list| list.items))
    }

    /// Removes an object.
    pub async fn drop_one<K: Object + Resource<Scope = NamespaceResourceScope>>(&self, object: &K, patience: Duration) -> Result<()> {
        let api = Api::<K>::namespaced(self.client.clone(), &object.namespace().unwrap_or_default());
        self.writer(patience).remove(&api, &object.name_any()).await.map(drop)
    }
}
