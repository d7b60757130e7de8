//! Finds apps: by what a caller asks for, among those the caller may see.

use std::{collections::BTreeMap, sync::Arc};

use regex::RegexBuilder;
use serde::{Deserialize, Serialize};

use super::{App, AppRouter, Metadata, create};
use crate::{
    auth::Caller,
    context::Context,
    error::{Error, Result},
    permission::ContextType::{self, Pool, Team},
    plan::Plan,
    provisioner::{DynProvisioner, Unit},
    router::address::{self, Addresses},
    store::{Document, Filter, Find, Spec, lenient},
};

/// Bytes of a name's pattern at most, and of what it compiles to.
const LONGEST_PATTERN: usize = 256;
const LARGEST_PATTERN: usize = 1 << 20;
const LATEST: &str = "latest";

/// Where an app names the contexts of permissions on it.
pub(super) const FIELDS: [(ContextType, &str); 3] = [(Team, "teams"), (ContextType::App, "name"), (Pool, "pool")];

/// What is asked for; empty: anything.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    /// A regular expression that the name fits.
    pub name: String,
    /// `python` or `python:v3`.
    pub platform: String,
    /// Owner team.
    pub team_owner: String,
    /// E-mail of the creator.
    pub owner: String,
    /// Pool.
    pub pool: String,
    /// One of the units is in one of these states.
    pub statuses: Vec<String>,
    /// It has all of these.
    pub tags: Vec<String>,
}

/// What lists tell of an app: nothing secret is read for them.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Listed {
    /// Name.
    pub name: String,
    /// Platform.
    #[serde(default, rename = "framework", deserialize_with = "lenient::or_default")]
    pub platform: String,
    /// Host names of its own.
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub cname: Vec<String>,
    /// The team that owns it.
    #[serde(default, rename = "teamowner")]
    pub team_owner: String,
    /// Plan.
    #[serde(default)]
    pub plan: Plan,
    /// Pool.
    #[serde(default)]
    pub pool: String,
    /// Free text.
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub description: String,
    /// Deploys so far.
    #[serde(default, deserialize_with = "lenient::int")]
    pub deploys: i64,
    /// Tags.
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub tags: Vec<String>,
    /// Routers.
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub routers: Vec<AppRouter>,
    /// Labels and annotations.
    #[serde(default)]
    pub metadata: Metadata,
}

impl Document for Listed {
    const SPEC: &'static Spec = &Spec { name: App::SPEC.name, indexes: App::SPEC.indexes, sealed: &[] };
}

/// Found apps by name, with what runs them.
#[derive(Clone, Default)]
pub struct Found {
    apps: Arc<Vec<Listed>>,
    /// By pool.
    running: BTreeMap<String, Running>,
    /// Where they answer by routers that are not of this server.
    pub addresses: Addresses,
}

/// What runs the apps of a pool.
#[derive(Clone)]
struct Running {
    provisioner: DynProvisioner,
    heard: Heard,
}

/// By what the same units are known again.
#[derive(Clone, PartialEq)]
enum Heard {
    /// Nothing was heard of them since.
    Count(u64),
    /// They are equal: of the apps that have some.
    Units(BTreeMap<String, Vec<Unit>>),
}

impl Found {
    fn of(ctx: &Context, apps: Arc<Vec<Listed>>, addresses: Addresses) -> Self {
        let mut running: BTreeMap<String, Running> = BTreeMap::new();
        for app in apps.iter() {
            if !running.contains_key(&app.pool) {
                running.insert(app.pool.clone(), Running::now(ctx.provisioners.now(&app.pool)));
            }
            if let Some(Running { provisioner, heard: Heard::Units(units) }) = running.get_mut(&app.pool) {
                let of_app = provisioner.units(&app.name);
                if !of_app.is_empty() {
                    units.insert(app.name.clone(), of_app);
                }
            }
        }
        Self { apps, running, addresses }
    }

    /// Each app with its units.
    pub fn iter(&self) -> impl Iterator<Item = (&Listed, Vec<Unit>)> {
        self.apps.iter().map(|app| (app, self.running.get(&app.pool).map(|running| running.units(&app.name)).unwrap_or_default()))
    }
}

impl Running {
    /// The count is taken before units are looked at: a change in between makes what was seen old.
    fn now(provisioner: DynProvisioner) -> Self {
        let heard = provisioner.units_heard().map_or_else(|| Heard::Units(BTreeMap::new()), Heard::Count);
        Self { provisioner, heard }
    }

    fn units(&self, app: &str) -> Vec<Unit> {
        match &self.heard {
            Heard::Count(_) => self.provisioner.units(app),
            Heard::Units(units) => units.get(app).cloned().unwrap_or_default(),
        }
    }
}

impl PartialEq for Running {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.provisioner, &other.provisioner) && self.heard == other.heard
    }
}

/// The same documents, not only equal ones, and the same units.
impl PartialEq for Found {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.apps, &other.apps) && self.running == other.running && self.addresses == other.addresses
    }
}

/// Matching apps that the caller may see, in any status.
pub async fn list(ctx: &Context, caller: &Caller, wanted: &Wanted) -> Result<Found> {
    let Some(visible) = caller.grants.filter("app.read.info", &FIELDS) else { return Ok(Found::default()) };
    let by_name = Find { sort: Some(("name", false)), ..Find::default() };
    let apps = ctx.store.of::<Listed>().current(visible.and(wanted.filter()?), by_name).await?;
    let addresses = address::known(&ctx.store, &apps).await?;
    Ok(Found::of(ctx, apps, addresses))
}

impl Wanted {
    fn filter(&self) -> Result<Filter> {
        let mut filter = self.platform_filter();
        if !self.name.is_empty() {
            filter = filter.and(Filter::regex("name", checked_pattern(&self.name)?));
        }
        for (path, value) in [("teamowner", &self.team_owner), ("owner", &self.owner), ("pool", &self.pool)] {
            if !value.is_empty() {
                filter = filter.and(Filter::eq(path, value));
            }
        }
        let tags = create::tags(self.tags.clone());
        Ok(if tags.is_empty() { filter } else { filter.and(Filter::has_all("tags", tags)) })
    }

    fn platform_filter(&self) -> Filter {
        let (name, version) = self.platform.split_once(':').map_or((self.platform.as_str(), None), |(name, v)| (name, Some(v)));
        let of_version = match version {
            None => Filter::All,
            Some(LATEST) => Filter::Or(vec![Filter::any_of("platformversion", [LATEST, ""]), Filter::missing("platformversion")]),
            Some(other) => Filter::eq("platformversion", other),
        };
        if self.platform.is_empty() { Filter::All } else { Filter::eq("framework", name).and(of_version) }
    }

    /// True when one of the units is in a wanted state.
    pub fn in_status(&self, units: &[Unit]) -> bool {
        self.statuses.is_empty() || units.iter().any(|unit| self.statuses.iter().any(|status| status == unit.status.word()))
    }
}

/// The pattern, when it is one and stays small.
pub fn checked_pattern(pattern: &str) -> Result<&str> {
    let invalid = |why: String| Error::invalid(format!("Regular expression is invalid: {why}"));
    if pattern.len() > LONGEST_PATTERN {
        return Err(invalid(format!("it is longer than {LONGEST_PATTERN} bytes")));
    }
    let compiled = RegexBuilder::new(pattern).size_limit(LARGEST_PATTERN).build();
    compiled.map(|_| pattern).map_err(|e| invalid(e.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_are_bounded() {
        assert!(checked_pattern("^hel+o$").is_ok());
        for bad in ["[", "a{1000000}", &"a".repeat(300), "(?:a{1000}){1000}"] {
            assert!(matches!(checked_pattern(bad), Err(Error::Invalid(_))), "{bad}");
        }
    }
}
