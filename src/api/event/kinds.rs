//! `GET /events/kinds`.

use super::view::NamedView;
use crate::{
    api::{Answer, Call, answer},
    event::list,
};

/// The kinds of all events so far.
pub async fn kinds(call: Call) -> Answer {
    let views: Vec<NamedView> = list::kinds(&call.ctx.store).await?.into_iter().map(NamedView::from).collect();
    answer::json_list(&views)
}
