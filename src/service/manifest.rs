//! What a broker says can be done with its instances, and what each of it is called: so that roles can allow one and not the other.

mod pattern;

use std::collections::{BTreeMap, BTreeSet};

use regex::Regex;
use serde::{Deserialize, Serialize};
use std::sync::LazyLock;

use self::pattern::Pattern;
use super::Service;
use crate::{
    auth::Caller,
    context::Context,
    error::{Error, Result},
    event::Locked,
    names::compile,
    permission::{self, ContextType, Role, scheme},
    store::{Filter, Update, lenient},
};

const METHODS: [&str; 7] = ["DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"];
const PERMISSION: &str = "service-instance.update.proxy";

static ACTION: LazyLock<Regex> = LazyLock::new(|| compile(r"^[a-z0-9-]+(\.[a-z0-9-]+)*$"));

/// A manifest as stored and shown.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Manifest {
    /// It counts.
    pub enabled: bool,
    /// What it does not name is refused.
    pub strict_actions: bool,
    /// The permission to use the proxy is enough.
    pub legacy_compat: bool,
    /// What can be done.
    #[serde(deserialize_with = "lenient::or_default")]
    pub operations: Vec<Operation>,
}

/// One thing that can be done.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Operation {
    /// Method.
    pub method: String,
    /// Path below the instance, with `{name}` for any segment.
    pub path: String,
    /// What it is called.
    pub action: String,
}

/// Roles that a manifest would leave with permissions that mean nothing.
#[derive(Debug, Serialize)]
pub struct Conflicts {
    /// The service.
    pub service: String,
    /// What would go.
    pub conflicts: Vec<Conflict>,
}

/// One action that would go, and who holds it.
#[derive(Debug, Serialize)]
pub struct Conflict {
    /// The action.
    pub action: String,
    /// The roles.
    pub roles: BTreeSet<String>,
}

/// `service-action.mysql.backups.list`
fn dynamic(service: &str, action: &str) -> String {
    format!("service-action.{service}.{action}")
}

/// True when the caller holds a permission of manifests by its own name or a parent's. Holding everything else is not enough, as in tsuru.
fn holds(caller: &Caller, name: &str, contexts: &[permission::Context]) -> bool {
    let own = caller.grants.0.iter().filter(|grant| grant.permission.starts_with("service-action"));
    own.filter(|grant| scheme::covers(&grant.permission, name))
        .any(|grant| grant.context.kind == ContextType::Global || contexts.contains(&grant.context))
}

impl Service {
    /// The kind of the event of a proxied request, if the caller may make it. `path` is below the instance.
    pub fn authorize(&self, caller: &Caller, method: &str, path: &str, contexts: &[permission::Context]) -> Result<String> {
        let legacy = || caller.permit(PERMISSION, contexts);
        let Some(manifest) = self.manifest.as_ref().filter(|manifest| manifest.enabled) else {
            return legacy().map(|()| PERMISSION.into());
        };
        let named = manifest.find(method, path).map(|operation| dynamic(&self.name, &operation.action));
        if let Some(name) = named.as_ref().filter(|name| holds(caller, name, contexts)) {
            return Ok(name.clone());
        }
        let falls_back = match (&named, manifest.strict_actions) {
            (Some(_), _) => manifest.legacy_compat,
            (None, strict) => !strict,
        };
        if !falls_back {
            return Err(Error::forbidden());
        }
        legacy().map(|()| named.unwrap_or_else(|| PERMISSION.into()))
    }
}

impl Manifest {
    /// The operation that a request is: of those that fit, the one that says most about it.
    fn find(&self, method: &str, path: &str) -> Option<&Operation> {
        let fits = |operation: &&Operation| operation.method == method || (method == "HEAD" && operation.method == "GET");
        let patterns = self.operations.iter().filter(fits).filter_map(|operation| Some((Pattern::parse(&operation.path).ok()?, operation)));
        let matching = patterns.filter(|(pattern, _)| pattern.matches(path));
        matching.min_by(|(one, _), (other, _)| one.closeness(other)).map(|(_, operation)| operation)
    }

    fn actions(&self) -> BTreeSet<&str> {
        self.operations.iter().map(|operation| operation.action.as_str()).collect()
    }

    /// 400 unless every operation has a name, a method and a path of its own.
    fn check(&self) -> Result<()> {
        let mut actions = BTreeSet::new();
        let mut known: Vec<(&Operation, Pattern)> = Vec::new();
        for operation in &self.operations {
            let Operation { method, path, action } = operation;
            let fault = match () {
                () if action.is_empty() => format!("manifest action is required for operation {path:?}"),
                () if !actions.insert(action) => format!("duplicate manifest operation action {action:?}"),
                () if !METHODS.contains(&method.as_str()) => format!("invalid manifest method {method:?} for operation {action:?}"),
                () if !ACTION.is_match(action) => format!("invalid manifest action {action:?} for operation {path:?}"),
                () if path.trim().is_empty() => format!("manifest path is required for operation {action:?}"),
                () if known.iter().any(|(other, _)| other.method == *method && pattern::same(&other.path, path)) => {
                    format!("duplicate manifest route {method} {path}")
                }
                () => String::new(),
            };
            if !fault.is_empty() {
                return Err(Error::invalid(fault));
            }
            let route = |why: String| Error::invalid(format!("invalid manifest route {:?}: {why}", format!("{method} {path}")));
            let parsed = Pattern::parse(path).map_err(route)?;
            if let Some((other, _)) = known.iter().find(|(other, pattern)| other.method == *method && pattern.conflicts(&parsed)) {
                return Err(route(format!("it conflicts with {:?}", format!("{} {}", other.method, other.path))));
            }
            known.push((operation, parsed));
        }
        Ok(())
    }
}

/// Replaces the manifest of a service, unless roles hold what it does not name any more.
pub async fn set(ctx: &Context, service: &mut Locked<Service>, manifest: Manifest) -> Result<Option<Conflicts>> {
    manifest.check()?;
    let before = service.manifest.clone().unwrap_or_default();
    let removed: Vec<&str> = before.actions().difference(&manifest.actions()).copied().collect();
    let roles = if removed.is_empty() { Vec::new() } else { ctx.store.of::<Role>().find(Filter::All).await? };
    let conflicts = conflicts(&service.name, &removed, &manifest, &roles);
    if !conflicts.is_empty() {
        return Ok(Some(Conflicts { service: service.name.clone(), conflicts }));
    }
    let name = service.name.clone();
    service.change(&ctx.store, name, Update::set("manifest", manifest)).await?;
    Ok(None)
}

/// A role's permission counts while it covers any action that stays.
fn conflicts(service: &str, removed: &[&str], next: &Manifest, roles: &[Role]) -> Vec<Conflict> {
    let stay: Vec<String> = next.actions().into_iter().map(|action| dynamic(service, action)).collect();
    let mut holders: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
    for role in roles {
        let lost = role.dynamic_scheme_names.iter().filter(|grant| !stay.iter().any(|name| scheme::covers(grant, name)));
        for grant in lost {
            for action in removed.iter().filter(|action| scheme::covers(grant, &dynamic(service, action))) {
                holders.entry(action).or_default().insert(role.name.clone());
            }
        }
    }
    holders.into_iter().map(|(action, roles)| Conflict { action: action.into(), roles }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn operation(method: &str, path: &str, action: &str) -> Operation {
        Operation { method: method.into(), path: path.into(), action: action.into() }
    }

    fn manifest(operations: &[(&str, &str, &str)]) -> Manifest {
        let operations = operations.iter().map(|(method, path, action)| operation(method, path, action)).collect();
        Manifest { enabled: true, operations, ..Manifest::default() }
    }

    #[test]
    fn a_request_is_the_operation_that_says_most_about_it() {
        let manifest = manifest(&[
            ("GET", "/backups", "list"),
            ("GET", "/backups/{id}", "show"),
            ("GET", "/backups/latest", "latest"),
            ("POST", "backups", "make"),
            ("GET", "/files/", "files"),
        ]);
        let found = |method: &str, path: &str| manifest.find(method, path).map(|operation| operation.action.as_str());
        assert_eq!(found("GET", "/backups"), Some("list"));
        assert_eq!(found("HEAD", "/backups"), Some("list"));
        assert_eq!(found("GET", "/backups/7"), Some("show"));
        assert_eq!(found("GET", "/backups/latest"), Some("latest"));
        assert_eq!(found("POST", "/backups"), Some("make"));
        assert_eq!(found("GET", "/files/a/b"), Some("files"));
        assert_eq!([found("DELETE", "/backups"), found("GET", "/backups/7/x"), found("GET", "/files"), found("GET", "/")], [None; 4]);
    }

    #[test]
    fn wrong_manifests_are_refused_with_the_words_of_the_contract() {
        for (operations, text) in [
            (vec![("GET", "/a", "")], r#"manifest action is required for operation "/a""#),
            (vec![("GET", "/a", "x"), ("GET", "/b", "x")], r#"duplicate manifest operation action "x""#),
            (vec![("get", "/a", "x")], r#"invalid manifest method "get" for operation "x""#),
            (vec![("GET", "/a", "X")], r#"invalid manifest action "X" for operation "/a""#),
            (vec![("GET", " ", "x")], r#"manifest path is required for operation "x""#),
            (vec![("GET", "/a", "x"), ("GET", "a", "y")], "duplicate manifest route GET a"),
            (
                vec![("GET", "/a/{x}", "x"), ("GET", "/{y}/b", "y")],
                r#"invalid manifest route "GET /{y}/b": it conflicts with "GET /a/{x}""#,
            ),
            (vec![("GET", "/a{x}", "x")], r#"invalid manifest route "GET /a{x}": bad wildcard segment (must end with '}')"#),
        ] {
            assert_eq!(manifest(&operations).check().unwrap_err().to_string(), text);
        }
        assert!(manifest(&[("GET", "/a/{x}", "x"), ("POST", "/{y}/b", "y"), ("GET", "/a/b", "z")]).check().is_ok());
    }

    #[test]
    fn a_role_keeps_its_actions_from_going() {
        let role = |name: &str, grant: &str| -> Role {
            let role = bson::doc! {"_id": name, "contexttype": "team", "schemenames": [], "dynamic_scheme_names": [grant]};
            bson::deserialize_from_document(role).unwrap()
        };
        let roles = [
            role("one", "service-action.mysql.backups.list"),
            role("all", "service-action.mysql"),
            role("other", "service-action.pg.backups.list"),
        ];
        let next = manifest(&[("GET", "/x", "x")]);
        let found = conflicts("mysql", &["backups.list"], &next, &roles);
        assert_eq!(serde_json::to_string(&found).unwrap(), r#"[{"action":"backups.list","roles":["one"]}]"#);
        let found = conflicts("mysql", &["backups.list"], &Manifest::default(), &roles);
        assert_eq!(serde_json::to_string(&found).unwrap(), r#"[{"action":"backups.list","roles":["all","one"]}]"#);
    }
}
