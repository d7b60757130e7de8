//! `GET /plans`.

use super::view::PlanView;
use crate::{
    api::{Answer, Call, answer},
    plan,
};

/// All plans.
pub async fn list(call: Call) -> Answer {
    let views: Vec<PlanView> = plan::all(&call.ctx.store).await?.into_iter().map(PlanView::from).collect();
    answer::json_list(&views)
}
