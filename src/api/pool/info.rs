//! `GET /pools/{name}`.

use super::view::PoolView;
use crate::{
    api::{Answer, Call, answer},
    permission::Context,
    pool::{Pool, info::Known},
};

/// One pool.
pub async fn info(call: Call) -> Answer {
    let name = call.var("name");
    call.permit("pool.read", &[Context::pool(name)])?;
    let pool = Pool::load(&call.ctx.store, name).await?;
    let volume_plans = call.ctx.config.volume_plans.keys().cloned().collect();
    let known = Known::load(&call.ctx, volume_plans).await?;
    answer::json(&PoolView::from(known.info(pool)))
}
