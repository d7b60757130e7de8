//! What a pool may use of a field (teams, plans, routers, ...): the constraint that fits it best, and the checks against it.

use std::{cmp::Reverse, fmt, str::FromStr};

use super::{Constraint, Pool, names};
use crate::{
    context::Context,
    error::{Error, Result},
    store::Store,
};

/// What a constraint limits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[expect(missing_docs, reason = "the names say it all")]
pub enum Field {
    Team,
    Service,
    Router,
    Plan,
    VolumePlan,
    CertIssuer,
}

const WORDS: [(Field, &str); 6] = [
    (Field::Team, "team"),
    (Field::Service, "service"),
    (Field::Router, "router"),
    (Field::Plan, "plan"),
    (Field::VolumePlan, "volume-plan"),
    (Field::CertIssuer, "cert-issuer"),
];

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(WORDS.iter().find(|(field, _)| field == self).map_or("", |(_, word)| word))
    }
}

impl FromStr for Field {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let known = WORDS.map(|(_, word)| word).join(" ");
        let found = WORDS.iter().find(|(_, word)| *word == text).map(|(field, _)| *field);
        found.ok_or_else(|| Error::refused(format!("invalid constraint type. Valid types are: [{known}]")))
    }
}

/// True when `text` fits `pattern`, in which `*` stands for anything.
pub fn fits(pattern: &str, text: &str) -> bool {
    let mut parts = pattern.split('*');
    let Some(mut rest) = text.strip_prefix(parts.next().unwrap_or_default()) else { return false };
    let Some(last) = parts.next_back() else { return rest.is_empty() };
    let Some(inner) = rest.strip_suffix(last) else { return false };
    rest = inner;
    parts.all(|part| match rest.split_once(part) {
        Some((_, after)) => {
            rest = after;
            true
        }
        None => false,
    })
}

impl Constraint {
    /// True when it lets this value pass.
    pub fn allows(&self, value: &str) -> bool {
        self.values.iter().any(|pattern| fits(pattern, value)) != self.blacklist
    }

    /// True when it lets this value pass by its very name.
    pub fn allows_by_name(&self, value: &str) -> bool {
        self.values.iter().any(|known| known == value) != self.blacklist
    }

    /// True for a team constraint that makes its pool public.
    pub fn allows_all(&self) -> bool {
        !self.blacklist && self.values.iter().any(|value| value == "*")
    }
}

/// The constraints of one pool: for each field the one whose expression fits the pool best.
#[derive(Clone, Debug, Default)]
pub struct Rules(Vec<Constraint>);

impl Rules {
    /// Those of `all` that hold for the pool. The longest expression wins, then the one with fewer `*`.
    pub fn of(pool: &str, all: &[Constraint]) -> Self {
        let mut fitting: Vec<Constraint> = all.iter().filter(|constraint| fits(&constraint.pool_expr, pool)).cloned().collect();
        fitting.sort_by_key(|c| (c.field.clone(), Reverse(c.pool_expr.len()), c.pool_expr.matches('*').count()));
        fitting.dedup_by(|next, best| next.field == best.field);
        Self(fitting)
    }

    /// Those that hold for the pool now.
    pub async fn load(store: &Store, pool: &str) -> Result<Self> {
        Ok(Self::of(pool, &store.of::<Constraint>().all().await?))
    }

    /// The one for this field.
    pub fn on(&self, field: Field) -> Option<&Constraint> {
        let word = field.to_string();
        self.0.iter().find(|constraint| constraint.field == word)
    }

    /// True when this value may be used; so it may when nothing limits the field.
    pub fn allow(&self, field: Field, value: &str) -> bool {
        self.on(field).is_none_or(|constraint| constraint.allows(value))
    }

    /// Those of `names` that may be used.
    pub fn allowed(&self, field: Field, mut names: Vec<String>) -> Vec<String> {
        names.retain(|name| self.allow(field, name));
        names
    }
}

/// 400 unless the team is there and may use the pool.
pub async fn check_team(store: &Store, pool: &Pool, team: &str) -> Result<()> {
    if !names::teams(store).await?.iter().any(|known| known == team) {
        return Err(Error::invalid("team not found"));
    }
    if Rules::load(store, &pool.name).await?.allow(Field::Team, team) {
        return Ok(());
    }
    Err(Error::invalid(format!("App team owner {team:?} has no access to pool {:?}", pool.name)))
}

/// 400 unless apps in the pool may have the plan.
pub async fn check_plan(store: &Store, pool: &Pool, plan: &str) -> Result<()> {
    let allowed = Rules::load(store, &pool.name).await?.allowed(Field::Plan, names::plans(store).await?);
    if allowed.is_empty() {
        return Err(Error::refused("no plan found for pool"));
    }
    if allowed.iter().any(|name| name == plan) {
        return Ok(());
    }
    Err(Error::invalid(format!("App plan {plan:?} is not allowed on pool {:?}", pool.name)))
}

/// 400 unless apps in the pool may use the router.
pub async fn check_router(ctx: &Context, pool: &Pool, router: &str) -> Result<()> {
    let allowed = Rules::load(&ctx.store, &pool.name).await?.allowed(Field::Router, names::routers_of(ctx, pool).await?);
    if allowed.is_empty() {
        return Err(Error::invalid("no router found for pool"));
    }
    if allowed.iter().any(|name| name == router) {
        return Ok(());
    }
    let known = allowed.join(", ");
    Err(Error::invalid(format!("router {router:?} is not available for pool {:?}. Available routers are: {known:?}", pool.name)))
}

/// 400 unless apps in the pool may use the service.
pub async fn check_service(store: &Store, pool: &str, service: &str) -> Result<()> {
    let allowed = Rules::load(store, pool).await?.allowed(Field::Service, names::services(store).await?);
    if allowed.is_empty() {
        return Err(Error::refused("no service found for pool"));
    }
    if allowed.iter().any(|name| name == service) {
        return Ok(());
    }
    let known = allowed.join(", ");
    Err(Error::invalid(format!("service {service:?} is not available for pool {pool:?}. Available services are: {known:?}")))
}

/// The volume plans of `known` that the pool may use; refused when there is none.
pub async fn volume_plans(store: &Store, pool: &str, known: Vec<String>) -> Result<Vec<String>> {
    let allowed = Rules::load(store, pool).await?.allowed(Field::VolumePlan, known);
    if allowed.is_empty() { Err(Error::refused("no volume-plan found for pool")) } else { Ok(allowed) }
}

#[cfg(test)]
mod tests {
    use bson::oid::ObjectId;

    use super::*;

    fn constraint(pool_expr: &str, field: &str, values: &[&str], blacklist: bool) -> Constraint {
        let values = values.iter().map(ToString::to_string).collect();
        Constraint { id: ObjectId::new(), pool_expr: pool_expr.into(), field: field.into(), values, blacklist }
    }

    #[test]
    fn a_star_stands_for_anything_and_nothing_else_does() {
        for (pattern, text) in [("*", ""), ("*", "dev"), ("dev*", "dev"), ("*1", "c1"), ("a*b*c", "a-b-b-c"), ("a**", "ab"), ("dev", "dev")]
        {
            assert!(fits(pattern, text), "{pattern} {text}");
        }
        for (pattern, text) in [("", "dev"), ("dev", "dev1"), ("a*a", "a"), ("d.v", "dev"), ("a*b*c", "acb"), ("dev*", "de")] {
            assert!(!fits(pattern, text), "{pattern} {text}");
        }
    }

    #[test]
    fn the_longest_expression_wins_and_then_the_one_with_fewer_stars() {
        let all = [
            constraint("*", "team", &["a"], false),
            constraint("dev*", "team", &["b"], false),
            constraint("dev1", "team", &["c"], false),
            constraint("prod", "team", &["d"], false),
        ];
        assert_eq!(Rules::of("dev1", &all).on(Field::Team).unwrap().values, ["c"]);
        assert_eq!(Rules::of("dev2", &all).on(Field::Team).unwrap().values, ["b"]);
        assert_eq!(Rules::of("other", &all).on(Field::Team).unwrap().values, ["a"]);
    }

    #[test]
    fn a_blacklist_lets_all_but_its_values_pass() {
        let rules = Rules::of("dev", &[constraint("dev", "plan", &["c8*"], true)]);
        assert_eq!(rules.allowed(Field::Plan, vec!["c1m1".into(), "c8m8".into()]), ["c1m1"]);
        assert!(rules.allow(Field::Team, "anybody"));
    }

    #[test]
    fn an_empty_list_lets_nothing_pass() {
        assert!(!Rules::of("dev", &[constraint("dev", "team", &[], false)]).allow(Field::Team, "a"));
    }

    #[test]
    fn an_unknown_field_names_the_known_ones() {
        let text = "invalid constraint type. Valid types are: [team service router plan volume-plan cert-issuer]";
        assert_eq!("color".parse::<Field>().unwrap_err().to_string(), text);
        assert_eq!("volume-plan".parse::<Field>().unwrap(), Field::VolumePlan);
    }
}
