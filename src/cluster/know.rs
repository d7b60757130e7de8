//! Which cluster runs which pool: told to the provisioners, at once after a change here and soon after one of another server.

use std::{
    collections::BTreeMap,
    sync::Arc,
    time::{Duration, Instant},
};

use super::{Cluster, KUBERNETES};
use crate::{
    context::Context,
    error::Result,
    pool::Pool,
    provisioner::{
        kubernetes::{ClusterSpec, settings::ClusterSettings},
        registry::LOCAL,
    },
    store::{Filter, Find},
};

/// How often changes of other servers are looked for.
const EVERY: Duration = Duration::from_secs(1);
/// What did not change is told again after so long: a connection that could not be made is tried then.
const AGAIN: Duration = Duration::from_secs(5);

/// The provisioner of a pool: its own, else the one of the settings.
pub fn named<'a>(ctx: &'a Context, pool: &'a Pool) -> &'a str {
    if pool.provisioner.is_empty() { &ctx.config.provisioner } else { &pool.provisioner }
}

/// The cluster that a pool's apps run in; none for pools of this machine.
pub async fn spec_of(ctx: &Context, pool: &Pool) -> Result<Option<ClusterSpec>> {
    if named(ctx, pool) == LOCAL {
        return Ok(None);
    }
    Ok(Cluster::of_pool(&ctx.store, pool).await?.map(|cluster| cluster.spec(&ctx.config.cluster_defaults)))
}

/// All clusters that apps can run in, by name.
pub async fn specs(ctx: &Context) -> Result<Vec<ClusterSpec>> {
    let mut clusters = ctx.store.of::<Cluster>().find(Filter::eq("provisioner", KUBERNETES)).await?;
    clusters.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(clusters.iter().map(|cluster| cluster.spec(&ctx.config.cluster_defaults)).collect())
}

/// Tells the provisioners of all pools and clusters.
pub async fn refresh(ctx: &Context) -> Result<()> {
    know(ctx, &read(ctx).await?).await;
    Ok(())
}

/// All pools and clusters; the same ones again while nobody changed them.
type Read = (Arc<Vec<Pool>>, Arc<Vec<Cluster>>);

async fn read(ctx: &Context) -> Result<Read> {
    let pools = ctx.store.of::<Pool>().current(Filter::All, Find::default()).await?;
    Ok((pools, ctx.store.of::<Cluster>().current(Filter::All, Find::default()).await?))
}

async fn know(ctx: &Context, (pools, clusters): &Read) {
    let of_pool = |pool: &Pool| {
        let found = Cluster::among(clusters, KUBERNETES, pool);
        found.filter(|_| named(ctx, pool) != LOCAL).map(|cluster| cluster.spec(&ctx.config.cluster_defaults))
    };
    let known: BTreeMap<_, _> = pools.iter().map(|pool| (pool.name.clone(), (named(ctx, pool).to_owned(), of_pool(pool)))).collect();
    ctx.provisioners.know(known).await;
}

/// The same after a change, which is done: what is wrong is told to the log.
pub async fn tell(ctx: &Context) {
    if let Err(e) = refresh(ctx).await {
        tracing::warn!(error = %e, "clusters could not be read");
    }
}

/// Goes on telling them, until the server ends.
pub async fn keep(ctx: Context) {
    let mut known: Option<(Read, Instant)> = None;
    let mut tick = tokio::time::interval(EVERY);
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tick.tick().await;
        match read(&ctx).await {
            Ok(read) if known.as_ref().is_some_and(|(known, since)| same(known, &read) && since.elapsed() < AGAIN) => {}
            Ok(read) => {
                know(&ctx, &read).await;
                known = Some((read, Instant::now()));
            }
            Err(e) => tracing::warn!(error = %e, "clusters could not be read"),
        }
    }
}

fn same(one: &Read, other: &Read) -> bool {
    Arc::ptr_eq(&one.0, &other.0) && Arc::ptr_eq(&one.1, &other.1)
}

impl Cluster {
    /// As its provisioner knows it; `defaults` are of every cluster.
    fn spec(&self, defaults: &BTreeMap<String, String>) -> ClusterSpec {
        ClusterSpec {
            name: self.name.clone(),
            addresses: self.addresses.clone(),
            ca: self.ca_cert.0.clone(),
            cert: self.client_cert.0.clone(),
            key: self.client_key.0.clone(),
            settings: ClusterSettings {
                custom: self.custom_data.iter().map(|(key, value)| (key.clone(), value.0.clone())).collect(),
                defaults: defaults.clone(),
            },
            kube_config: self.kube_config.clone(),
            proxy: self.http_proxy.clone(),
            local: self.local,
        }
    }
}
