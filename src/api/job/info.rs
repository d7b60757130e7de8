//! `GET /jobs/{name}`.

use serde::Serialize;

use super::{load, view::JobView};
use crate::{
    api::{Answer, Call, answer, app::view::UnitView},
    event::Subject,
    job,
    service::Instance,
};

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Info {
    #[serde(skip_serializing_if = "Option::is_none")]
    cluster: Option<String>,
    job: JobView,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    units: Vec<UnitView>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    service_instance_binds: Vec<Bind>,
}

#[derive(Serialize)]
struct Bind {
    service: String,
    instance: String,
    plan: String,
}

/// A job, its runs and what it is bound to.
pub async fn info(call: Call) -> Answer {
    let job = load(&call).await?;
    call.permit("job.read", &job.contexts())?;
    let provisioner = job::provisioner(&call.ctx, &job).await?;
    let units = provisioner.job_units(&job.key()).await?;
    let bound = Instance::shown_of_job(&call.ctx.store, &job.name).await?;
    let bind =
        |instance: &Instance| Bind { service: instance.service_name.clone(), instance: instance.name.clone(), plan: instance.plan.clone() };
    answer::json(&Info {
        cluster: provisioner.cluster(&job.name),
        job: JobView::from(&job),
        units: units.into_iter().map(UnitView::of_run).collect(),
        service_instance_binds: bound.iter().map(bind).collect(),
    })
}
