//! `PUT /pools/{name}`.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::add::taking_over;
use crate::{
    api::{Answer, Call, answer},
    pool::{
        Pool,
        change::{self, Changes},
    },
};

#[derive(Default, Deserialize)]
#[serde(default)]
struct Input {
    default: Option<bool>,
    public: Option<bool>,
    force: bool,
    labels: Option<BTreeMap<String, String>>,
}

/// Changes a pool.
pub async fn update(mut call: Call) -> Answer {
    call.permit("pool.update", &[])?;
    let input: Input = call.input().await?;
    let pool = Pool::load(&call.ctx.store, call.var("name")).await?;
    let mut pool = call.record(taking_over("pool.update", input.default == Some(true)), pool).await?;
    let changes = Changes { default: input.default, public: input.public, force: input.force, labels: input.labels };
    let done = change::update(&call.ctx.store, &mut pool, changes).await;
    pool.end(done).await?;
    answer::ok()
}
