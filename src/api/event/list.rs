//! `GET /events`.

use chrono::{DateTime, Utc};
use serde::Deserialize;

use super::view::EventView;
use crate::{
    api::{Answer, Call, answer, extract::go},
    clock::Time,
    event::list::{self, Wanted},
};

#[derive(Default, Deserialize)]
#[serde(default)]
struct Input {
    target: TargetInput,
    kindtype: String,
    ownertype: String,
    ownername: String,
    #[serde(deserialize_with = "go::time")]
    since: Option<DateTime<Utc>>,
    #[serde(deserialize_with = "go::time")]
    until: Option<DateTime<Utc>>,
    running: Option<bool>,
    erroronly: bool,
    limit: i64,
    skip: i64,
    sort: String,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct TargetInput {
    #[serde(rename = "type")]
    kind: String,
    value: String,
}

impl Input {
    fn wanted(self, kinds: Vec<String>) -> Wanted {
        let time = |time: Option<DateTime<Utc>>| time.map(|time| Time::from_millis(time.timestamp_millis()));
        Wanted {
            target_type: self.target.kind,
            target_value: self.target.value,
            kind_type: self.kindtype,
            kinds,
            owner_type: self.ownertype,
            owner: self.ownername,
            since: time(self.since),
            until: time(self.until),
            running: self.running,
            failed: self.erroronly,
            limit: self.limit,
            skip: self.skip,
            sort: self.sort,
        }
    }
}

/// The newest events that the caller may see.
pub async fn list(mut call: Call) -> Answer {
    let input: Input = call.input().await?;
    let kinds = call.query.iter().filter(|(key, value)| key.eq_ignore_ascii_case("kindname") && !value.is_empty());
    let wanted = input.wanted(kinds.map(|(_, value)| value.to_owned()).collect());
    let events = list::list(&call.ctx.store, &wanted, &call.caller()?.grants).await?;
    let views: Vec<EventView> = events.into_iter().map(EventView::from).collect();
    answer::json_list(&views)
}
