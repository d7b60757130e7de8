//! Finds jobs: by what a caller asks for, among those the caller may see.

use super::Job;
use crate::{
    app::{create::tags, list::checked_pattern},
    auth::Caller,
    context::Context,
    error::Result,
    permission::ContextType::{self, Pool, Team},
    store::{Filter, Find},
};

/// Where a job names the contexts of permissions on it.
const FIELDS: [(ContextType, &str); 3] = [(Team, "teamowner"), (ContextType::Job, "name"), (Pool, "pool")];

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
    let Some(visible) = caller.grants.filter("job.read", &FIELDS) else { return Ok(Vec::new()) };
    let by_name = Find { sort: Some(("name", false)), ..Find::default() };
    Ok(ctx.store.of::<Job>().find_with(visible.and(wanted.filter()?), by_name).await?)
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
