//! `GET /volumeplans`

use std::collections::BTreeMap;

use super::view::PlanView;
use crate::{
    api::{Answer, Call, answer},
    error::Error,
    volume::plan,
};

/// The plans that volumes can be made by, for those who may make one somewhere.
pub async fn plans(call: Call) -> Answer {
    if call.caller()?.grants.contexts("volume.create").is_empty() {
        return Err(Error::forbidden());
    }
    let plans = plan::by_provisioner(&call.ctx.config.volume_plans);
    if plans.is_empty() {
        return answer::no_content();
    }
    let view = |(provisioner, plans): (&_, Vec<_>)| (String::from(provisioner), plans.into_iter().map(PlanView::from).collect::<Vec<_>>());
    answer::json(&plans.into_iter().map(|(name, plans)| view((name, plans))).collect::<BTreeMap<_, _>>())
}
