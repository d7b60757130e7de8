//! Volumes of a cluster, wherever in it they are.

use async_trait::async_trait;
use k8s_openapi::api::core::v1::{PersistentVolume, PersistentVolumeClaim};
use kube::{
    Api, ResourceExt,
    api::{DeleteParams, ListParams},
};

use super::{
    Kubernetes,
    client::SHORT,
    objects::{labels, names, volume},
};
use crate::{
    error::Result,
    provisioner::{VolumePlace, Volumes},
};

#[async_trait]
impl Volumes for Kubernetes {
    fn check_volume(&self, place: &VolumePlace) -> Result<()> {
        if volume::options(place)?.is_persistent() { volume::of(place, "").map(drop) } else { Ok(()) }
    }

    async fn has_volume(&self, volume: &str) -> Result<bool> {
        let there = self.writer(SHORT).get(&self.storage(), &names::volume(volume)).await?;
        Ok(there.is_some() || !self.claims(volume).await?.is_empty())
    }

    async fn remove_volume(&self, volume: &str) -> Result<()> {
        let (writer, whole) = (self.writer(SHORT), DeleteParams::foreground());
        writer.remove_as(&self.storage(), &names::volume(volume), &whole).await?;
        for claim in self.claims(volume).await? {
            let api = Api::<PersistentVolumeClaim>::namespaced(self.client.clone(), &claim.namespace().unwrap_or_default());
            writer.remove_as(&api, &claim.name_any(), &whole).await?;
        }
        Ok(())
    }
}

impl Kubernetes {
    fn storage(&self) -> Api<PersistentVolume> {
        Api::all(self.client.clone())
    }

    /// The claims on a volume, in all namespaces.
    async fn claims(&self, volume: &str) -> Result<Vec<PersistentVolumeClaim>> {
        let api = Api::<PersistentVolumeClaim>::all(self.client.clone());
        let on_it = ListParams::default().labels(&format!("{}={volume}", labels::own("volume-name")));
        Ok(self.writer(SHORT).asked(|| api.list(&on_it)).await?.items)
    }
}
