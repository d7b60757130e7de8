//! Which events a webhook hears of.

use serde::{Deserialize, Serialize};

use super::Webhook;
use crate::{
    event::{
        Allowed, Target,
        document::{ExtraTarget, Named},
    },
    permission::{Context, scheme},
    store::{Document, Spec, lenient},
};

/// What an event must be like; an empty list says nothing.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct EventFilter {
    /// Types of what it is about.
    #[serde(rename = "targettypes", deserialize_with = "lenient::or_default")]
    pub target_types: Vec<String>,
    /// Names of what it is about.
    #[serde(rename = "targetvalues", deserialize_with = "lenient::or_default")]
    pub target_values: Vec<String>,
    /// `permission`, `internal`.
    #[serde(rename = "kindtypes", deserialize_with = "lenient::or_default")]
    pub kind_types: Vec<String>,
    /// Kinds, and what is below them.
    #[serde(rename = "kindnames", deserialize_with = "lenient::or_default")]
    pub kind_names: Vec<String>,
    /// Failed ones.
    #[serde(rename = "erroronly")]
    pub error_only: bool,
    /// Others.
    #[serde(rename = "successonly")]
    pub success_only: bool,
}

/// An event that ended, as far as filters care.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Ended {
    /// Identity.
    #[serde(rename = "_id")]
    pub id: bson::oid::ObjectId,
    /// What it was about.
    pub target: Target,
    /// And what else.
    #[serde(default, rename = "extratargets", deserialize_with = "lenient::or_default")]
    pub extra_targets: Vec<ExtraTarget>,
    /// What it was.
    pub kind: Named,
    /// Why it failed; empty: it did not.
    #[serde(default)]
    pub error: String,
    /// Who may see it.
    #[serde(default)]
    pub allowed: Allowed,
}

impl Document for Ended {
    const SPEC: &'static Spec = &Spec { name: "events", indexes: &[], sealed: &[] };
}

impl Webhook {
    /// True when it hears of this event: a wanted one, of its own team.
    pub fn hears(&self, event: &Ended) -> bool {
        event.allowed.contexts.contains(&Context::team(&self.team_owner)) && self.event_filter.wants(event)
    }
}

impl EventFilter {
    /// True for an event that is like this.
    pub fn wants(&self, event: &Ended) -> bool {
        let targets = || std::iter::once(&event.target).chain(event.extra_targets.iter().map(|extra| &extra.target));
        let any = |wanted: &[String], fits: &dyn Fn(&String) -> bool| wanted.is_empty() || wanted.iter().any(fits);
        let outcome = if event.error.is_empty() { !self.error_only } else { !self.success_only };
        any(&self.target_types, &|kind| targets().any(|target| target.kind.word() == *kind))
            && any(&self.target_values, &|value| targets().any(|target| target.value == *value))
            && any(&self.kind_types, &|kind| event.kind.kind == *kind)
            && any(&self.kind_names, &|name| !name.is_empty() && scheme::covers(name, &event.kind.name))
            && outcome
    }
}

#[cfg(test)]
mod tests {
    use bson::oid::ObjectId;

    use super::*;
    use crate::event::TargetType;

    fn deploy(error: &str) -> Ended {
        let extra = ExtraTarget { target: Target::new(TargetType::Pool, "dev"), lock: false };
        Ended {
            id: ObjectId::new(),
            target: Target::new(TargetType::App, "blog"),
            extra_targets: vec![extra],
            kind: Named { kind: "permission".into(), name: "app.update.env.set".into() },
            error: error.into(),
            allowed: Allowed::default(),
        }
    }

    fn of(change: impl FnOnce(&mut EventFilter)) -> EventFilter {
        let mut filter = EventFilter::default();
        change(&mut filter);
        filter
    }

    #[test]
    fn an_empty_filter_wants_everything() {
        assert!(EventFilter::default().wants(&deploy("")) && EventFilter::default().wants(&deploy("boom")));
    }

    #[test]
    fn targets_are_also_the_extra_ones() {
        assert!(of(|f| f.target_types = vec!["team".into(), "pool".into()]).wants(&deploy("")));
        assert!(of(|f| f.target_values = vec!["dev".into()]).wants(&deploy("")));
        assert!(!of(|f| f.target_types = vec!["team".into()]).wants(&deploy("")));
        assert!(!of(|f| f.target_values = vec!["de".into()]).wants(&deploy("")));
    }

    #[test]
    fn a_kind_stands_for_those_below_it() {
        for (name, wanted) in
            [("app", true), ("app.update.env", true), ("app.update.env.set", true), ("app.up", false), ("app.deploy", false)]
        {
            assert_eq!(of(|f| f.kind_names = vec![name.into()]).wants(&deploy("")), wanted, "{name}");
        }
        assert!(!of(|f| f.kind_types = vec!["internal".into()]).wants(&deploy("")));
    }

    #[test]
    fn failures_and_successes_can_be_left_out() {
        assert!(of(|f| f.error_only = true).wants(&deploy("boom")) && !of(|f| f.error_only = true).wants(&deploy("")));
        assert!(of(|f| f.success_only = true).wants(&deploy("")) && !of(|f| f.success_only = true).wants(&deploy("boom")));
    }
}
