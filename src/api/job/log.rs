//! `GET /jobs/{name}/log`.

use super::load;
use crate::{
    api::{
        Answer, Call,
        app::log::answer,
        extract::go::{parse_bool, parse_int},
    },
    error::Error,
    event::Subject,
    job::provisioner,
    provisioner::LogQuery,
};

/// Lines when nothing was said.
const LINES: usize = 100;

/// What its runs said, and say.
pub async fn get(call: Call) -> Answer {
    let text = |name: &str| call.query.get(name).filter(|value| !value.is_empty());
    let number = text("lines").map(|lines| parse_int(lines).ok_or_else(|| Error::invalid("Parameter \"lines\" must be an integer.")));
    let lines = number.transpose()?.map_or(LINES, |lines| usize::try_from(lines).unwrap_or_default());
    let follow = text("follow").and_then(parse_bool).unwrap_or_default();
    let job = load(&call).await?;
    call.permit("job.read.logs", &job.contexts())?;
    let query = LogQuery { app: job.name.clone(), lines, follow, ..LogQuery::default() };
    let lines = provisioner(&call.ctx, &job).await?.job_logs(&job.key(), query).await?;
    answer(("job", job.name), lines, follow)
}
