//! What a caller holds, and the check against it.

use super::{Context, ContextType, Role, role::RoleInstance, scheme};
use crate::store::Filter;

/// One permission in one context.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    /// Canonical name; empty is everything.
    pub permission: String,
    /// Where it holds.
    pub context: Context,
    /// The group it comes from; empty when it is the caller's own.
    pub group: String,
}

/// Everything a caller holds.
#[derive(Clone, Debug, Default)]
pub struct Grants(pub Vec<Grant>);

impl Grants {
    /// The grants of these roles. Roles that are gone grant nothing.
    pub fn of_roles(held: &[RoleInstance], group: &str, roles: &[Role]) -> Self {
        let mut grants = Vec::new();
        for instance in held {
            let Some(role) = roles.iter().find(|role| role.name == instance.name) else { continue };
            let context = Context::new(role.context_type, instance.context_value.as_str());
            let names = role.permissions().chain(role.dynamic_scheme_names.iter().map(String::as_str));
            grants.extend(names.map(|name| Grant { permission: name.into(), context: context.clone(), group: group.into() }));
        }
        Self(grants)
    }

    /// True when `permission` is held globally or in one of `contexts`.
    pub fn allow(&self, permission: &str, contexts: &[Context]) -> bool {
        debug_assert!(scheme::find(permission).is_some() || permission.starts_with("service-action."), "unknown permission {permission:?}");
        self.0.iter().any(|grant| {
            scheme::covers(&grant.permission, permission)
                && (grant.context.kind == ContextType::Global || contexts.contains(&grant.context))
        })
    }

    /// The contexts in which `permission` is held, each once.
    pub fn contexts(&self, permission: &str) -> Vec<Context> {
        let mut found = Vec::new();
        for grant in self.0.iter().filter(|grant| scheme::covers(&grant.permission, permission)) {
            if !found.contains(&grant.context) {
                found.push(grant.context.clone());
            }
        }
        found
    }

    /// The names in which `permission` is held in contexts of this type; `None` when it is held globally: no limit.
    pub fn names(&self, permission: &str, kind: ContextType) -> Option<Vec<String>> {
        let contexts = self.contexts(permission);
        if contexts.iter().any(|context| context.kind == ContextType::Global) {
            return None;
        }
        Some(contexts.into_iter().filter(|context| context.kind == kind).map(|context| context.value).collect())
    }

    /// The documents in which `permission` is held, when each of these fields names a context of its type; `None`: in none of them.
    pub fn filter(&self, permission: &str, fields: &[(ContextType, &str)]) -> Option<Filter> {
        let contexts = self.contexts(permission);
        if contexts.iter().any(|context| context.kind == ContextType::Global) {
            return Some(Filter::All);
        }
        let of = |(kind, field): &(ContextType, &str)| {
            let values: Vec<&str> = contexts.iter().filter(|context| context.kind == *kind).map(|context| context.value.as_str()).collect();
            (!values.is_empty()).then(|| Filter::any_of(*field, values))
        };
        let any: Vec<Filter> = fields.iter().filter_map(of).collect();
        (!any.is_empty()).then_some(Filter::Or(any))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grants(permission: &str, context: Context) -> Grants {
        Grants(vec![Grant { permission: permission.into(), context, group: String::new() }])
    }

    #[test]
    fn a_global_grant_satisfies_any_context() {
        assert!(grants("app", Context::global()).allow("app.create", &[]));
    }

    #[test]
    fn a_narrow_grant_satisfies_only_its_own_context() {
        let held = grants("app.create", Context::team("a"));
        assert!(held.allow("app.create", &[Context::team("b"), Context::team("a")]));
        assert!(!held.allow("app.create", &[Context::team("b")]));
        assert!(!held.allow("app.create", &[Context::app("a")]));
        assert!(!held.allow("app.create", &[]));
    }

    #[test]
    fn nobody_finds_more_than_their_contexts() {
        let fields = [(ContextType::Team, "teams"), (ContextType::App, "name"), (ContextType::Pool, "pool")];
        let found = |places: &[Context]| {
            let held = places.iter().flat_map(|place| grants("app.read", place.clone()).0);
            Grants(held.collect()).filter("app.read.info", &fields)
        };
        assert_eq!(found(&[]), None);
        assert_eq!(found(&[Context::user("a@b.co")]), None);
        assert_eq!(found(&[Context::global(), Context::team("t")]), Some(Filter::All));
        let own = Filter::Or(vec![Filter::any_of("teams", ["t"]), Filter::any_of("name", ["x"])]);
        assert_eq!(found(&[Context::app("x"), Context::team("t")]), Some(own));
    }
}
