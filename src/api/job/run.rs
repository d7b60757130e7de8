//! Runs: `POST /jobs/{name}/trigger`, `DELETE /jobs/{name}/units/{unit}`.

use actix_web::http::StatusCode;
use bson::{Bson, doc};
use serde::Serialize;

use super::{create::short_json, load};
use crate::{
    api::{Answer, Call, answer, record::Recording},
    error::Error,
    event::Subject,
    job,
};

#[derive(Serialize)]
struct Done {
    status: &'static str,
}

/// Runs a job now.
pub async fn trigger(mut call: Call) -> Answer {
    let job = load(&call).await?;
    call.permit("job.run", &job.contexts())?;
    let job = call.record(Recording::of("job.run").as_kind("job.trigger"), job).await?;
    let done = job::trigger(&call.ctx, &job).await;
    job.end(done).await?;
    short_json(StatusCode::OK, &Done { status: "success" })
}

/// Ends a run.
pub async fn kill(mut call: Call) -> Answer {
    let unit = call.var("unit").to_owned();
    if unit.is_empty() {
        return Err(Error::invalid("missing unit"));
    }
    let force = call.inputs().await?.flag("force");
    let job = load(&call).await?;
    call.permit("job.unit.kill", &job.contexts())?;
    let data = Bson::Array(vec![Bson::Document(doc! { "unit": &unit, "force": force })]);
    let job = call.record(Recording::of("job.unit.kill").with_data(data), job).await?;
    let done = job::kill_unit(&call.ctx, &job, &unit, force).await;
    job.end(done).await?;
    answer::ok()
}
