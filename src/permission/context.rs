//! Contexts: the things a grant can be limited to.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::error::Error;

/// What kind of thing a grant is limited to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ContextType {
    /// Everything.
    Global,
    /// One app.
    App,
    /// What a team owns or was granted.
    Team,
    /// One user.
    User,
    /// What lives in a pool.
    Pool,
    /// One service.
    Service,
    /// One service instance.
    ServiceInstance,
    /// One volume.
    Volume,
    /// One router.
    Router,
    /// One job.
    Job,
}

const WORDS: [(ContextType, &str); 10] = [
    (ContextType::Global, "global"),
    (ContextType::App, "app"),
    (ContextType::Team, "team"),
    (ContextType::User, "user"),
    (ContextType::Pool, "pool"),
    (ContextType::Service, "service"),
    (ContextType::ServiceInstance, "service-instance"),
    (ContextType::Volume, "volume"),
    (ContextType::Router, "router"),
    (ContextType::Job, "job"),
];

impl ContextType {
    /// tsuru's word for it.
    pub fn word(self) -> &'static str {
        WORDS.iter().find(|(kind, _)| *kind == self).map_or("", |(_, word)| word)
    }
}

impl fmt::Display for ContextType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

impl FromStr for ContextType {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        WORDS
            .iter()
            .find(|(_, word)| *word == text)
            .map(|(kind, _)| *kind)
            .ok_or_else(|| Error::invalid(format!("invalid context type {text:?}")))
    }
}

/// A kind of thing and its name; the name is empty for global.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Context {
    /// The kind.
    #[serde(rename = "ctxtype")]
    pub kind: ContextType,
    /// The name.
    pub value: String,
}

impl Context {
    /// This kind of thing with this name.
    pub fn new(kind: ContextType, value: impl Into<String>) -> Self {
        Self { kind, value: value.into() }
    }

    /// Everything.
    pub fn global() -> Self {
        Self::new(ContextType::Global, "")
    }

    /// An app.
    pub fn app(name: &str) -> Self {
        Self::new(ContextType::App, name)
    }

    /// A team.
    pub fn team(name: &str) -> Self {
        Self::new(ContextType::Team, name)
    }

    /// A user.
    pub fn user(email: &str) -> Self {
        Self::new(ContextType::User, email)
    }

    /// A pool.
    pub fn pool(name: &str) -> Self {
        Self::new(ContextType::Pool, name)
    }
}
