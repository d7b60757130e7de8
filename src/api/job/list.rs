//! `GET /jobs`.

use super::view::JobView;
use crate::{
    api::{Answer, Call, answer},
    error::Error,
    job::list::{self, Wanted},
};

/// The jobs that the caller may see.
pub async fn list(call: Call) -> Answer {
    let text = |name: &str| call.query.get(name).unwrap_or_default().to_owned();
    let wanted = Wanted {
        name: text("name"),
        team_owner: text("teamOwner"),
        owner: text("owner"),
        pool: text("pool"),
        tags: call.query.all("tag").map(str::to_owned).collect(),
    };
    let jobs = list::list(&call.ctx, call.caller()?, &wanted).await?;
    if jobs.is_empty() {
        return answer::no_content();
    }
    // tsuru does not say that it is JSON.
    let views: Vec<JobView> = jobs.iter().map(JobView::from).collect();
    answer::text(format!("{}\n", serde_json::to_string(&views).map_err(Error::internal)?))
}
