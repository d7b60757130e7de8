//! Keeps what isolates the teams of a pool in place: called before units, jobs or commands of a pool are made.

use k8s_openapi::api::{
    core::v1::{LimitRange, Namespace},
    networking::v1::NetworkPolicy,
};
use kube::{Api, Client};

use super::{
    objects::isolation::{self, NAMESPACE_LABELS},
    settings::ServerSettings,
    write::Writer,
};
use crate::error::Result;

/// Where it is kept in place.
#[derive(Clone, Copy)]
pub struct Isolated<'a> {
    /// The cluster.
    pub client: &'a Client,
    /// How it is written to.
    pub writer: Writer<'a>,
    /// What the server's settings say.
    pub server: &'a ServerSettings,
    /// The namespace of the pool's apps.
    pub namespace: &'a str,
    /// The pool.
    pub pool: &'a str,
}

impl Isolated<'_> {
    /// For the apps and jobs of a team. What a namespace admits is only said where the pool has one of its own: in one that pools share
    /// it would be said for all of them.
    pub async fn ensure(&self, team: &str) -> Result<()> {
        let policies = Api::<NetworkPolicy>::namespaced(self.client.clone(), self.namespace);
        for policy in [isolation::team(self.namespace, self.pool, team), isolation::jobs(self.namespace, self.pool)] {
            self.writer.ensure(&policies, &policy).await?;
        }
        if self.server.pool_namespaces {
            let limits = Api::<LimitRange>::namespaced(self.client.clone(), self.namespace);
            self.writer.ensure(&limits, &isolation::limits(self.namespace)).await?;
            self.label_namespace().await?;
        }
        Ok(())
    }

    async fn label_namespace(&self) -> Result<()> {
        let labelled = |there: Option<&Namespace>| {
            Ok(there.map(|there| {
                let mut want = there.clone();
                let labels = want.metadata.labels.get_or_insert_default();
                labels.extend(NAMESPACE_LABELS.map(|(key, value)| (key.to_owned(), value.to_owned())));
                want
            }))
        };
        self.writer.change(&Api::<Namespace>::all(self.client.clone()), self.namespace, labelled).await.map(drop)
    }
}
