//! `GET` and `POST /events/blocks`, `DELETE /events/blocks/{uuid}`.

use std::collections::BTreeMap;

use bson::{Bson, bson, oid::ObjectId};
use serde::{Deserialize, Serialize};

use super::id;
use crate::{
    api::{
        Answer, Call, answer,
        extract::go,
        record::{New, Recording},
    },
    clock::Time,
    error::Error,
    event::{
        Target, TargetType,
        block::{self, Block, BlockTarget},
    },
};

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct View {
    #[serde(rename = "ID")]
    id: String,
    start_time: String,
    end_time: String,
    kind_name: String,
    owner_name: String,
    target: TargetView,
    conditions: Option<BTreeMap<String, String>>,
    reason: String,
    active: bool,
}

#[derive(Default, Serialize, Deserialize)]
#[serde(default)]
struct TargetView {
    #[serde(rename = "Type")]
    kind: String,
    #[serde(rename = "Value")]
    value: String,
}

impl From<Block> for View {
    fn from(block: Block) -> Self {
        Self {
            id: block.id.to_hex(),
            start_time: block.start_time.rfc3339(),
            end_time: block.end_time.rfc3339(),
            kind_name: block.kind,
            owner_name: block.owner,
            target: TargetView { kind: block.target.kind, value: block.target.value },
            conditions: (!block.conditions.is_empty()).then_some(block.conditions),
            reason: block.reason,
            active: block.active,
        }
    }
}

/// All blocks, or those that hold, or those that do not any more.
pub async fn list(call: Call) -> Answer {
    call.permit("event-block.read", &[])?;
    let asked = call.query.get("active").filter(|text| !text.is_empty());
    let active = asked.map(|text| go::parse_bool(text).unwrap_or(false));
    let views: Vec<View> = block::list(&call.ctx.store, active).await?.into_iter().map(View::from).collect();
    answer::json_list(&views)
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Input {
    kindname: String,
    ownername: String,
    target: TargetView,
    conditions: BTreeMap<String, String>,
    reason: String,
}

impl Input {
    fn block(self) -> Block {
        Block {
            id: ObjectId::new(),
            start_time: Time::now(),
            end_time: Time::zero(),
            kind: self.kindname,
            owner: self.ownername,
            target: BlockTarget { kind: self.target.kind, value: self.target.value },
            conditions: self.conditions,
            reason: self.reason,
            active: true,
        }
    }
}

fn about(id: ObjectId) -> New {
    New { target: Target::new(TargetType::EventBlock, id.to_hex()), events_permission: "event-block.read.events", contexts: Vec::new() }
}

/// Blocks what fits from now on.
pub async fn add(mut call: Call) -> Answer {
    call.permit("event-block.add", &[])?;
    let input: Input = call.input().await?;
    if input.reason.is_empty() {
        return Err(Error::invalid("reason is required"));
    }
    let block = input.block();
    let event = call.record_new("event-block.add", about(block.id)).await?;
    let done = block::add(&call.ctx.store, &block).await;
    event.end(done).await?;
    answer::ok()
}

/// Lifts a block.
pub async fn remove(mut call: Call) -> Answer {
    call.permit("event-block.remove", &[])?;
    let id = id(call.var("uuid"))?;
    let data: Bson = bson!([{ "name": "ID", "value": id.to_hex() }]);
    let event = call.record_new(Recording::of("event-block.remove").with_data(data), about(id)).await?;
    let done = block::lift(&call.ctx.store, id).await;
    event.end(done).await?;
    answer::ok()
}
