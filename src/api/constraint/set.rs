//! `PUT /constraints`.

use serde::Deserialize;

use crate::{
    api::{Answer, Call, answer, record::New},
    error::{Error, Result},
    event::{Target, TargetType},
    pool::limit::{self, Limit},
    store::Store,
};

#[derive(Default, Deserialize)]
#[serde(default)]
struct Input {
    #[serde(rename = "poolexpr")]
    pool_expr: String,
    field: String,
    values: Vec<String>,
    blacklist: bool,
}

/// Sets a constraint, adds to one, or (without values) removes one.
pub async fn set(mut call: Call) -> Answer {
    call.permit("pool.update.constraints.set", &[])?;
    let input: Input = call.input().await?;
    if input.pool_expr.is_empty() {
        return Err(Error::invalid("You must provide a Pool Expression"));
    }
    let append = call.inputs().await?.flag("append");
    let new = New { target: Target::new(TargetType::Pool, &input.pool_expr), events_permission: "pool.read.events", contexts: Vec::new() };
    let event = call.record_new("pool.update.constraints.set", new).await?;
    let done = change(&call.ctx.store, input, append).await;
    event.end(done).await?;
    answer::ok()
}

async fn change(store: &Store, input: Input, append: bool) -> Result<()> {
    let field = input.field.parse()?;
    if append {
        return limit::append(store, &input.pool_expr, field, &input.values).await;
    }
    let limit = Limit { pool_expr: input.pool_expr, field, values: input.values, blacklist: input.blacklist };
    limit::set(store, &limit).await
}
