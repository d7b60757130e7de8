//! `POST /plans`.

use actix_web::HttpResponse;
use serde::Deserialize;

use super::view::{Burst, PlanView};
use crate::{
    api::{
        Answer, Call,
        record::{New, Recording},
    },
    error::{Error, Result},
    event::{Target, TargetType},
    plan::{StoredPlan, change},
};

#[derive(Default, Deserialize)]
#[serde(default)]
struct Input {
    name: String,
    memory: i64,
    cpumilli: i64,
    #[serde(rename = "cpuBurst")]
    cpu_burst: Option<Burst>,
    #[serde(rename = "runtimeClassName")]
    runtime_class: String,
    default: bool,
}

/// Makes a plan and shows it.
pub async fn create(mut call: Call) -> Answer {
    let plan = asked(&mut call).await?;
    call.permit("plan.create", &[])?;
    let new = New { target: Target::new(TargetType::Plan, &plan.name), events_permission: "plan.read.events", contexts: Vec::new() };
    let mut recording = Recording::of("plan.create");
    if plan.default {
        recording = recording.and_lock(Target::new(TargetType::Global, "default-plan"));
    }
    let event = call.record_new(recording, new).await?;
    let done = change::create(&call.ctx.store, &plan).await;
    event.end(done).await?;
    let body = serde_json::to_string(&PlanView::from(plan)).map_err(Error::internal)?;
    Ok(HttpResponse::Created().content_type("text/plain; charset=utf-8").body(format!("{body}\n")))
}

/// Forms say less than JSON, and sizes with units.
async fn asked(call: &mut Call) -> Result<StoredPlan> {
    let input = if call.is_json() {
        call.input().await?
    } else {
        let form = call.inputs().await?;
        Input {
            name: form.text("name").into(),
            memory: change::bytes(form.text("memory")),
            cpumilli: form.text("cpumilli").parse().unwrap_or(0),
            default: form.flag("default"),
            ..Input::default()
        }
    };
    Ok(StoredPlan {
        name: input.name,
        memory: input.memory,
        cpu_milli: input.cpumilli,
        cpu_burst: input.cpu_burst.map(Into::into),
        runtime_class: input.runtime_class,
        default: input.default,
    })
}
