//! `POST /pools`.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::{
    api::{
        Answer, Call, answer,
        record::{New, Recording},
    },
    cluster::know,
    error::Error,
    event::{Target, TargetType},
    permission::Context,
    pool::{self, Pool},
    provisioner::registry,
};

#[derive(Deserialize)]
#[serde(default)]
#[derive(Default)]
struct Input {
    name: String,
    public: bool,
    default: bool,
    force: bool,
    provisioner: String,
    labels: BTreeMap<String, String>,
}

/// Makes a pool.
pub async fn add(mut call: Call) -> Answer {
    call.permit("pool.create", &[])?;
    let input: Input = call.input().await?;
    if input.name.is_empty() {
        return Err(Error::invalid("Pool name is required."));
    }
    registry::check(&input.provisioner)?;
    if call.ctx.store.is_shared() && input.provisioner == registry::LOCAL {
        // Its lists of apps and pools would fail for everybody.
        return Err(Error::invalid("tsuru's server, which uses this database too, has no provisioner \"local\": leave it empty"));
    }
    let new = New {
        target: Target::new(TargetType::Pool, &input.name),
        events_permission: "pool.read.events",
        contexts: vec![Context::pool(&input.name)],
    };
    let event = call.record_new(taking_over("pool.create", input.default), new).await?;
    let pool = Pool { name: input.name, default: input.default, provisioner: input.provisioner, labels: input.labels };
    let done = pool::change::add(&call.ctx.store, pool, input.public, input.force).await;
    event.end(done).await?;
    know::tell(&call.ctx).await;
    answer::created()
}

/// There is one default pool at most: who makes one locks out whoever else does.
pub(super) fn taking_over(permission: &'static str, default: bool) -> Recording {
    let recording = Recording::of(permission);
    if default { recording.and_lock(Target::new(TargetType::Global, "default-pool")) } else { recording }
}
