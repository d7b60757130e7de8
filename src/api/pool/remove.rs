//! `DELETE /pools/{name}`.

use crate::{
    api::{Answer, Call, answer},
    cluster::know,
    pool::{Pool, change},
};

/// Removes a pool without apps.
pub async fn remove(mut call: Call) -> Answer {
    call.permit("pool.delete", &[])?;
    change::check_empty(&call.ctx.store, call.var("name")).await?;
    let pool = Pool::load(&call.ctx.store, call.var("name")).await?;
    let pool = call.record("pool.delete", pool).await?;
    let done = change::remove(&call.ctx.store, &pool).await;
    pool.end(done).await?;
    know::tell(&call.ctx).await;
    answer::ok()
}
