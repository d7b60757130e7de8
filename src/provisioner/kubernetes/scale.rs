//! Processes that scale by themselves: what was asked for is in the cluster and nowhere else.

use std::{collections::BTreeMap, sync::Arc};

use async_trait::async_trait;
use k8s_openapi::api::{apps::v1::Deployment, autoscaling::v2::HorizontalPodAutoscaler as Horizontal};
use kube::{Api, Client, ResourceExt, api::ListParams};
use serde_json::Value;
use tokio_util::sync::CancellationToken;

use super::{
    Kubernetes,
    client::{SHORT, ask},
    objects::{
        Making,
        autoscale::{self, VERTICAL, Vertical},
        custom::{Custom, Kind},
        keda::{self, Keda},
        labels, names, spot,
    },
    observed,
    watch::Cache,
};
use crate::{
    error::{Error, Result},
    provisioner::{
        AppState,
        scaling::{Advice, Recommendation, Scaler, Scaling},
    },
};

/// Of KEDA's own, beside ours.
const OF_KEDA: &str = "scaledobject.keda.sh/name";
/// What tsuru's server made, and we.
const OURS: &str = ",tsuru.io/is-tsuru=true";

/// Whether a cluster has a kind that it may lack, for us.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Access {
    Open,
    Absent,
    Forbidden,
}

/// What scales, as it is known.
pub struct Scalers {
    horizontal: Arc<Cache<Horizontal>>,
    keda: Arc<Cache<Custom<Keda>>>,
    vertical: Arc<Cache<Custom<Vertical>>>,
}

impl Scalers {
    /// Begins to watch.
    pub fn start(client: &Client, end: &CancellationToken) -> Self {
        Self {
            horizontal: Cache::start(client.clone(), end.clone()),
            keda: Cache::start_if_there(client.clone(), end.clone()),
            vertical: Cache::start_if_there(client.clone(), end.clone()),
        }
    }
}

impl Kubernetes {
    /// Has what scales the processes of an app follow what was deployed; `makings` are all its deployments.
    pub async fn rescale(&self, makings: &[Making<'_>]) -> Result<()> {
        let Some(app) = makings.first().map(|m| m.app.app.as_str()) else { return Ok(()) };
        for scaling in self.scalings_seen(app) {
            match about(makings, &scaling) {
                Some(m) => self.write_scaler(m, &scaling).await?,
                None => self.unscale(app, &scaling.process).await?,
            }
        }
        for m in makings {
            self.advise(m).await?;
        }
        let stays = |object: &Custom<Vertical>| makings.iter().any(|m| names::base(app, &m.process.name) == object.name_any());
        for object in self.scalers.vertical.of(app).into_iter().filter(|object| !stays(object)) {
            self.drop_one::<Custom<Vertical>>(&object, SHORT).await?;
        }
        Ok(())
    }

    /// Removes everything that scales an app.
    pub async fn remove_scalers(&self, app: &str) -> Result<()> {
        for scaling in self.scalings_seen(app) {
            self.unscale(app, &scaling.process).await?;
        }
        for object in self.scalers.vertical.of(app) {
            self.drop_one::<Custom<Vertical>>(&object, SHORT).await?;
        }
        Ok(())
    }

    async fn write_scaler(&self, m: &Making<'_>, scaling: &Scaling) -> Result<()> {
        let (name, namespace) = (names::base(&m.app.app, &m.process.name), m.spot.namespace.as_str());
        let horizontal = Api::<Horizontal>::namespaced(self.client.clone(), namespace);
        let objects = Api::<Custom<Keda>>::namespaced(self.client.clone(), namespace);
        let writer = self.writer(SHORT);
        let keda = self.access::<Keda>(&self.scalers.keda).await?;
        if !scaling.needs_keda() {
            if keda == Access::Open {
                writer.remove_of(&m.app.app, &objects, &name).await?;
            }
            return writer.ensure(&horizontal, &autoscale::of(m, scaling)).await.map(drop);
        }
        match keda {
            Access::Open => {}
            Access::Absent => return Err(keda::absent()),
            Access::Forbidden => return Err(keda::forbidden()),
        }
        let wanted = keda::of(m, scaling)?;
        writer.remove_of(&m.app.app, &horizontal, &name).await?;
        // What KEDA and others note there stays.
        let over = |want: &Custom<Keda>, there: &Custom<Keda>| with_notes(want.clone(), there);
        writer.ensure_over(&objects, &wanted, over).await.map(drop)
    }

    /// Recommendations for a process that asks for them, where the cluster makes such.
    async fn advise(&self, m: &Making<'_>) -> Result<()> {
        let asked = m.process.pod.annotations.get(VERTICAL).is_some_and(|said| said == "true");
        let name = names::base(&m.app.app, &m.process.name);
        if asked && m.spot.base && self.access::<Vertical>(&self.scalers.vertical).await? == Access::Open {
            let api = Api::<Custom<Vertical>>::namespaced(self.client.clone(), &m.spot.namespace);
            self.writer(SHORT).ensure(&api, &autoscale::vertical(m)).await?;
        }
        let old = self.scalers.vertical.of(&m.app.app).into_iter().find(|object| object.name_any() == name && !asked);
        match old {
            Some(object) => self.drop_one::<Custom<Vertical>>(&object, SHORT).await,
            None => Ok(()),
        }
    }

    /// Whether the cluster has objects of this kind for us.
    async fn access<K: Kind>(&self, cache: &Cache<Custom<K>>) -> Result<Access> {
        let (api, one) = (Api::<Custom<K>>::all(self.client.clone()), ListParams::default().limit(1));
        match ask(&self.spec.name, SHORT, || api.list_metadata(&one)).await {
            Ok(_) => {
                cache.expect();
                Ok(Access::Open)
            }
            Err(kube::Error::Api(status)) if status.code == 404 => Ok(Access::Absent),
            Err(kube::Error::Api(status)) if status.code == 403 => Ok(Access::Forbidden),
            Err(e) => Err(self.told(&e)),
        }
    }

    /// Those of KEDA's; none where it is absent, or not for us.
    async fn list_keda(&self, app: &str) -> Result<Vec<Custom<Keda>>> {
        Ok(self.all_unless(&[403, 404], app, OURS, SHORT).await?.unwrap_or_default())
    }
}

#[async_trait]
impl Scaler for Kubernetes {
    async fn scalings(&self, app: &str) -> Result<Vec<Scaling>> {
        Ok(read(&self.all_of::<Horizontal>(app, OURS, SHORT).await?, &self.list_keda(app).await?))
    }

    fn scalings_seen(&self, app: &str) -> Vec<Scaling> {
        let (horizontal, keda) = (self.scalers.horizontal.of(app), self.scalers.keda.of(app));
        read(horizontal.iter().map(AsRef::as_ref), keda.iter().map(AsRef::as_ref))
    }

    async fn scale(&self, app: &AppState, scaling: &Scaling) -> Result<()> {
        let deployments: Vec<Deployment> = self.all_of(&app.app, OURS, SHORT).await?;
        let pool = self.spec.settings.pool(&app.place.pool.name)?;
        let namespace = deployments.first().and_then(ResourceExt::namespace).unwrap_or_default();
        let spots = spot::all(app, &namespace, &observed::existing(&deployments));
        let process = app.processes.iter().find(|process| process.name == scaling.process && process.version == scaling.version);
        let found = process.and_then(|process| Some((process, spots.get(&(process.version, process.name.clone()))?)));
        let (process, spot) = found.ok_or_else(|| Error::internal(format!("no deployment of process {:?}", scaling.process)))?;
        self.write_scaler(&Making { app, process, spot, pool: &pool, server: &self.server }, scaling).await
    }

    async fn unscale(&self, app: &str, process: &str) -> Result<()> {
        let name = names::base(app, process);
        for object in self.all_of::<Horizontal>(app, OURS, SHORT).await?.iter().filter(|object| object.name_any() == name) {
            self.drop_one(object, SHORT).await?;
        }
        for object in self.list_keda(app).await?.iter().filter(|object| object.name_any() == name) {
            self.drop_one(object, SHORT).await?;
        }
        Ok(())
    }

    fn advice(&self, app: &str) -> Vec<Advice> {
        self.scalers.vertical.of(app).iter().map(|object| advice(object)).collect()
    }
}

/// The deployment that a scaling is about: of the version it was made for while that runs, else of the first one that answers requests.
fn about<'a, 'b>(makings: &'b [Making<'a>], scaling: &Scaling) -> Option<&'b Making<'a>> {
    let own = || makings.iter().filter(|m| m.process.name == scaling.process);
    let kept = own().find(|m| m.process.version == scaling.version && m.process.units > 0);
    kept.or_else(|| own().min_by_key(|m| (!m.spot.routable, m.process.version)))
}

fn with_notes(mut want: Custom<Keda>, there: &Custom<Keda>) -> Custom<Keda> {
    want.metadata.finalizers.clone_from(&there.metadata.finalizers);
    for (key, value) in there.labels().iter().filter(|(key, _)| key.starts_with("scaledobject.keda.sh/")) {
        want.labels_mut().insert(key.clone(), value.clone());
    }
    want
}

/// What was asked for, read from the objects that do it.
fn read<'a>(horizontal: impl IntoIterator<Item = &'a Horizontal>, keda: impl IntoIterator<Item = &'a Custom<Keda>>) -> Vec<Scaling> {
    let mut all = BTreeMap::new();
    for object in horizontal.into_iter().filter(|object| !object.labels().contains_key(OF_KEDA)) {
        all.insert(process(object), with_labels(autoscale::read(object), object));
    }
    for object in keda {
        all.insert(process(object), with_labels(keda::read(&object.spec), object));
    }
    all.into_values().collect()
}

fn process(object: &impl ResourceExt) -> String {
    object.labels().get(labels::PROCESS).cloned().unwrap_or_default()
}

fn with_labels(scaling: Scaling, object: &impl ResourceExt) -> Scaling {
    let version = object.labels().get(labels::VERSION).and_then(|version| version.parse().ok());
    Scaling { process: process(object), version: version.unwrap_or_default(), ..scaling }
}

/// What a vertical autoscaler recommends for its own container.
fn advice(object: &Custom<Vertical>) -> Advice {
    let all = object.status.pointer("/recommendation/containerRecommendations").and_then(Value::as_array);
    let own = all.into_iter().flatten().find(|one| one.get("containerName").and_then(Value::as_str) == Some(&object.name_any()));
    let text = |kind: &str, what: &str| {
        let value = own.and_then(|own| own.pointer(&format!("/{kind}/{what}")));
        value.and_then(Value::as_str).unwrap_or("0").to_owned()
    };
    let kinds = if own.is_some() { &["target", "uncappedTarget", "lowerBound", "upperBound"][..] } else { &[] };
    let recommendation = |kind: &&str| Recommendation { kind: (*kind).into(), cpu: text(kind, "cpu"), memory: text(kind, "memory") };
    Advice { process: process(object), recommendations: kinds.iter().map(recommendation).collect() }
}
