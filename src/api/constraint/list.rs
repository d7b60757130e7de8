//! `GET /constraints`.

use serde::Serialize;

use crate::{
    api::{Answer, Call, answer},
    pool::Constraint,
};

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct View {
    pool_expr: String,
    field: String,
    values: Vec<String>,
    blacklist: bool,
}

/// All constraints.
pub async fn list(call: Call) -> Answer {
    call.permit("pool.read.constraints", &[])?;
    let all = call.ctx.store.of::<Constraint>().all().await?;
    let views: Vec<View> =
        all.iter().cloned().map(|c| View { pool_expr: c.pool_expr, field: c.field, values: c.values, blacklist: c.blacklist }).collect();
    answer::json_list(&views)
}
