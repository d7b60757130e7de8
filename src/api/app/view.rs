//! Parts of apps as clients see them.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::{
    app::{App, AppRouter, Metadata, MetadataItem, router},
    context::Context,
    provisioner::{InternalAddress, Unit},
    quota::Quota,
    router::{API, LOCAL, address::Addresses},
};

/// A unit. Nothing about hosts but their address is known here; clients expect the fields.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct UnitView {
    #[serde(rename = "ID")]
    id: String,
    name: String,
    app_name: String,
    process_name: String,
    #[serde(rename = "Type")]
    kind: String,
    #[serde(rename = "InternalIP")]
    internal_ip: String,
    status: &'static str,
    status_reason: String,
    address: Option<()>,
    addresses: Option<()>,
    version: u32,
    routable: bool,
    restarts: u32,
    created_at: String,
    ready: Option<bool>,
    host_addr: &'static str,
    host_port: &'static str,
    #[serde(rename = "IP")]
    ip: String,
}

/// The units of an app of this platform.
pub fn units(platform: &str, units: Vec<Unit>) -> Vec<UnitView> {
    units.into_iter().map(|unit| UnitView::of(unit, platform)).collect()
}

impl UnitView {
    fn of(unit: Unit, platform: &str) -> Self {
        Self {
            name: unit.id.clone(),
            id: unit.id,
            app_name: unit.app,
            process_name: unit.process,
            kind: platform.into(),
            internal_ip: unit.internal_ip,
            status: unit.status.word(),
            status_reason: unit.reason,
            address: None,
            addresses: None,
            version: unit.version,
            routable: unit.routable,
            restarts: unit.restarts,
            created_at: unit.created_at.rfc3339(),
            ready: Some(unit.ready),
            host_addr: "",
            host_port: "",
            ip: unit.ip,
        }
    }

    /// A run of a job: it is nowhere, and nobody asks it whether it is ready.
    pub fn of_run(run: Unit) -> Self {
        let nowhere = Unit { app: String::new(), process: String::new(), ip: String::new(), version: 0, routable: false, ..run };
        Self { ready: None, ..Self::of(nowhere, "") }
    }
}

/// A limit and what is used of it.
#[derive(Serialize)]
pub struct QuotaView {
    limit: i64,
    inuse: i64,
}

impl From<Quota> for QuotaView {
    fn from(quota: Quota) -> Self {
        Self { limit: quota.limit, inuse: quota.in_use }
    }
}

/// Labels and annotations; `null` where they are not told.
#[derive(Default, Serialize)]
pub struct MetadataView {
    labels: Option<Vec<ItemView>>,
    annotations: Option<Vec<ItemView>>,
}

#[derive(Serialize)]
struct ItemView {
    name: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    value: String,
}

impl From<Metadata> for MetadataView {
    fn from(metadata: Metadata) -> Self {
        let view = |items: Vec<MetadataItem>| Some(items.into_iter().map(|item| ItemView { name: item.name, value: item.value }).collect());
        Self { labels: view(metadata.labels), annotations: view(metadata.annotations) }
    }
}

/// Where other apps reach a process.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct InternalView {
    domain: String,
    protocol: String,
    port: u16,
    target_port: u16,
    version: String,
    process: String,
}

impl From<InternalAddress> for InternalView {
    fn from(address: InternalAddress) -> Self {
        Self {
            domain: address.domain,
            protocol: address.protocol,
            port: address.port,
            target_port: address.target_port,
            version: address.version,
            process: address.process,
        }
    }
}

/// A router of an app.
#[derive(Serialize)]
pub struct RouterView {
    name: String,
    opts: BTreeMap<String, String>,
    /// Where the app answers; empty until something is deployed.
    pub address: String,
    addresses: Option<Vec<String>>,
    #[serde(rename = "type")]
    kind: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    status: String,
    #[serde(rename = "status-detail", skip_serializing_if = "String::is_empty")]
    detail: String,
}

/// The app's routers, with their state: all are asked at the same time.
pub async fn routers(ctx: &Context, app: &App, units: &[Unit]) -> Vec<RouterView> {
    let with_state = brief_routers(ctx, &app.name, app.deploys, &app.routers, &Addresses::default())
        .into_iter()
        .map(|router| async move { if router.name == LOCAL { router.local(app, units) } else { router.elsewhere(ctx, app).await } });
    futures_util::future::join_all(with_state).await
}

impl RouterView {
    fn local(self, app: &App, units: &[Unit]) -> Self {
        let (status, detail) = match units {
            [] if app.deploys == 0 => ("not ready", "waiting for deploy"),
            units if units.iter().any(|unit| unit.routable && unit.ready) => ("ready", ""),
            _ => ("not ready", ""),
        };
        Self { addresses: Some(vec![self.address.clone()]), kind: LOCAL.into(), status: status.into(), detail: detail.into(), ..self }
    }

    async fn elsewhere(self, ctx: &Context, app: &App) -> Self {
        let found = router::look(ctx, app, &self.name).await;
        Self {
            address: found.addresses.first().cloned().unwrap_or_default(),
            addresses: (!found.addresses.is_empty()).then_some(found.addresses),
            kind: crate::router::find(ctx, &self.name).await.map_or_else(|_| API.to_owned(), |router| router.kind),
            status: found.status,
            detail: found.detail,
            ..self
        }
    }
}

/// An app's routers, as lists show them.
pub fn brief_routers(ctx: &Context, app: &str, deploys: i64, routers: &[AppRouter], known: &Addresses) -> Vec<RouterView> {
    let local = if deploys == 0 { String::new() } else { ctx.provisioners.local().address(app) };
    let elsewhere = |router: &str| known.of(app, router).unwrap_or_default().to_owned();
    let brief = |router: &AppRouter| RouterView {
        name: router.name.clone(),
        opts: router.opts.clone(),
        address: if router.name == LOCAL { local.clone() } else { elsewhere(&router.name) },
        addresses: None,
        kind: String::new(),
        status: String::new(),
        detail: String::new(),
    };
    routers.iter().map(brief).collect()
}
