//! `GET /apps/{app}`.

use std::{collections::BTreeMap, sync::Arc};

use serde::Serialize;

use super::{
    autoscale::{AdviceView, AutoscaleView, UsageView},
    view::{self, InternalView, MetadataView, QuotaView, RouterView, UnitView},
};
use crate::{
    api::{Answer, Call, answer, plan::view::PlanView, volume::view::BindView},
    app::{App, autoscale, quota},
    build::tsuru_yaml::{Healthcheck, Startupcheck},
    context::Context,
    error::Result,
    event::Subject,
    provisioner::AppState,
    service::Instance,
    volume::{self, Bind},
};

/// An app with everything about it.
#[derive(Serialize)]
pub struct Info {
    name: String,
    platform: String,
    teams: Vec<String>,
    plan: PlanView,
    cname: Vec<String>,
    owner: String,
    pool: String,
    description: String,
    deploys: i64,
    teamowner: String,
    tags: Vec<String>,
    metadata: MetadataView,
    units: Vec<UnitView>,
    #[serde(rename = "internalAddresses", skip_serializing_if = "Vec::is_empty")]
    internal_addresses: Vec<InternalView>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    autoscale: Vec<AutoscaleView>,
    #[serde(rename = "unitsMetrics", skip_serializing_if = "Vec::is_empty")]
    units_metrics: Vec<UsageView>,
    #[serde(rename = "autoscaleRecommendation", skip_serializing_if = "Vec::is_empty")]
    advice: Vec<AdviceView>,
    provisioner: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    cluster: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    processes: Vec<ProcessView>,
    routers: Vec<RouterView>,
    #[serde(rename = "volumeBinds", skip_serializing_if = "Vec::is_empty")]
    volume_binds: Vec<BindView>,
    #[serde(rename = "serviceInstanceBinds")]
    service_instance_binds: Vec<ServiceView>,
    #[serde(skip_serializing_if = "String::is_empty")]
    ip: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    router: String,
    routeropts: BTreeMap<String, String>,
    quota: QuotaView,
    #[serde(skip_serializing_if = "String::is_empty")]
    error: String,
}

#[derive(Default, Serialize)]
struct ProcessView {
    name: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    plan: String,
    metadata: MetadataView,
    #[serde(skip_serializing_if = "Option::is_none")]
    healthcheck: Option<Healthcheck>,
    #[serde(skip_serializing_if = "Option::is_none")]
    startupcheck: Option<Startupcheck>,
}

#[derive(Serialize)]
struct ServiceView {
    service: String,
    instance: String,
    plan: String,
}

impl From<&Instance> for ServiceView {
    fn from(instance: &Instance) -> Self {
        Self { service: instance.service_name.clone(), instance: instance.name.clone(), plan: instance.plan.clone() }
    }
}

/// Everything about an app.
pub async fn info(call: Call) -> Answer {
    let app = call.app().await?;
    call.permit("app.read.info", &app.contexts())?;
    answer::json(&of(&call.ctx, app).await?)
}

/// What is stored about the app, and what runs.
pub async fn of(ctx: &Context, app: App) -> Result<Info> {
    let bound = Bound::load(ctx, std::slice::from_ref(&app)).await?;
    bound.info(ctx, app).await
}

/// The same about several apps.
pub async fn of_all(ctx: &Context, apps: Vec<App>) -> Result<Vec<Info>> {
    let bound = Bound::load(ctx, &apps).await?;
    let mut infos = Vec::new();
    for app in apps {
        infos.push(bound.info(ctx, app).await?);
    }
    Ok(infos)
}

/// What is bound to some apps.
struct Bound {
    volumes: Arc<Vec<Bind>>,
    instances: Arc<Vec<Instance>>,
}

impl Bound {
    async fn load(ctx: &Context, apps: &[App]) -> Result<Self> {
        let names: Vec<&str> = apps.iter().map(|app| app.name.as_str()).collect();
        let volumes = volume::shown_of(&ctx.store, &names).await?;
        Ok(Self { volumes, instances: Instance::shown_of(&ctx.store, &names).await? })
    }

    async fn info(&self, ctx: &Context, app: App) -> Result<Info> {
        let provisioner = ctx.runs(&app);
        let units = provisioner.units(&app.name);
        let routers = view::routers(ctx, &app, &units).await;
        let state = provisioner.seen(&app.name);
        let volume_binds = self.volumes.iter().filter(|bind| bind.id.app == app.name);
        let bound = self.instances.iter().filter(|instance| instance.apps.contains(&app.name));
        let specs = autoscale::seen(ctx, &app).await?;
        let advice = provisioner.scaler().map(|scaler| scaler.advice(&app.name)).unwrap_or_default();
        let (usage, unknown) = match provisioner.usage(&app.name) {
            Ok(usage) => (usage, None),
            Err(why) => (Vec::new(), Some(format!("unable to get units metrics: {why}"))),
        };
        let error = Some(app.error.clone()).filter(|error| !error.is_empty()).or_else(|| provisioner.trouble(&app.name)).or(unknown);
        let first = app.routers.first().cloned().unwrap_or_default();
        Ok(Info {
            quota: quota::of(&app, &units).into(),
            processes: processes(&app, state),
            internal_addresses: provisioner.internal_addresses(&app.name).into_iter().map(InternalView::from).collect(),
            units: view::units(&app.platform, units),
            ip: routers.first().map(|router| router.address.clone()).unwrap_or_default(),
            router: first.name,
            routeropts: first.opts,
            routers,
            autoscale: specs.into_iter().map(AutoscaleView::from).collect(),
            units_metrics: usage.into_iter().map(UsageView::from).collect(),
            advice: advice.into_iter().map(AdviceView::from).collect(),
            provisioner: provisioner.name(),
            cluster: provisioner.cluster(&app.name),
            platform: platform(&app),
            volume_binds: volume_binds.cloned().map(BindView::from).collect(),
            service_instance_binds: bound.map(ServiceView::from).collect(),
            name: app.name,
            teams: app.teams,
            plan: app.plan.into(),
            cname: app.cname,
            owner: app.owner,
            pool: app.pool,
            description: app.description,
            deploys: app.deploys,
            teamowner: app.team_owner,
            tags: app.tags,
            metadata: app.metadata.into(),
            error: error.unwrap_or_default(),
        })
    }
}

/// `python`, or `python:v3` when the app stays with a version.
fn platform(app: &App) -> String {
    match app.platform_version.as_str() {
        "" | "latest" => app.platform.clone(),
        version => format!("{}:{version}", app.platform),
    }
}

/// What runs, and what the app says about its processes, by name.
fn processes(app: &App, state: Option<AppState>) -> Vec<ProcessView> {
    let mut all: BTreeMap<String, ProcessView> = BTreeMap::new();
    for process in state.map(|state| state.processes).unwrap_or_default() {
        let (healthcheck, startupcheck) = (process.healthcheck.map(Healthcheck::in_full), process.startupcheck);
        all.insert(process.name.clone(), ProcessView { name: process.name, healthcheck, startupcheck, ..ProcessView::default() });
    }
    for process in &app.processes {
        let view = all.entry(process.name.clone()).or_default();
        view.name.clone_from(&process.name);
        view.plan.clone_from(&process.plan);
        view.metadata = process.metadata.clone().into();
    }
    all.into_values().collect()
}
