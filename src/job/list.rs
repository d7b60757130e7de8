//! Finds jobs: by what a caller asks for, among those the caller may see.

use super::Job;
use crate::{
    app::{create::tags, list::checked_pattern},
    auth::Caller,
    context::Context,
    error::Result,
    permission::ContextType,
    store::{Filter, Find},
};

/// What is asked for; empty: anything.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    /// A regular expression that the name fits.
    pub name: String,
    /// Owner team.
    pub team_owner: String,
    /// E-mail of the creator.
    pub owner: String,
    /// Pool.
    pub pool: String,
    /// It has all of these.
    pub tags: Vec<String>,
}

/// Matching jobs that the caller may see, by name.
pub async fn list(ctx: &Context, caller: &Caller, wanted: &Wanted) -> Result<Vec<Job>> {
    let Some(visible) = visible(caller) else { return Ok(Vec::new()) };
    let by_name = Find { sort: Some(("name", false)), ..Find::default() };
    Ok(ctx.store.of::<Job>().find_with(visible.and(wanted.filter()?), by_name).await?)
}

/// What the caller may see; `None`: nothing.
fn visible(caller: &Caller) -> Option<Filter> {
    let contexts = caller.grants.contexts("job.read");
    if contexts.iter().any(|context| context.kind == ContextType::Global) {
        return Some(Filter::All);
    }
    let of = |kind, path: &str| {
        let values: Vec<&str> = contexts.iter().filter(|context| context.kind == kind).map(|context| context.value.as_str()).collect();
        (!values.is_empty()).then(|| Filter::any_of(path, values))
    };
    let any: Vec<Filter> =
        [of(ContextType::Team, "teamowner"), of(ContextType::Job, "name"), of(ContextType::Pool, "pool")].into_iter().flatten().collect();
    (!any.is_empty()).then_some(Filter::Or(any))
}

impl Wanted {
    fn filter(&self) -> Result<Filter> {
        let mut filter = Filter::All;
        if !self.name.is_empty() {
            filter = filter.and(Filter::regex("name", checked_pattern(&self.name)?));
        }
        for (path, value) in [("teamowner", &self.team_owner), ("owner", &self.owner), ("pool", &self.pool)] {
            if !value.is_empty() {
                filter = filter.and(Filter::eq(path, value));
            }
        }
        let tags = tags(self.tags.clone());
        Ok(if tags.is_empty() { filter } else { filter.and(Filter::has_all("tags", tags)) })
    }
}
