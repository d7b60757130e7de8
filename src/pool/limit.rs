//! Setting constraints.

use super::{Constraint, constraint::Field};
use crate::{
    error::Result,
    store::{Filter, Store, Update},
};

/// A constraint as it is asked for.
#[derive(Clone, Debug)]
pub struct Limit {
    /// Pool name with `*`.
    pub pool_expr: String,
    /// What it limits.
    pub field: Field,
    /// Names with `*`.
    pub values: Vec<String>,
    /// All but these.
    pub blacklist: bool,
}

fn of(pool_expr: &str, field: Field) -> Filter {
    Filter::eq("poolexpr", pool_expr).and(Filter::eq("field", field.to_string()))
}

/// The constraint of this very expression.
pub async fn exact(store: &Store, pool_expr: &str, field: Field) -> Result<Option<Constraint>> {
    Ok(store.of::<Constraint>().get(of(pool_expr, field)).await?)
}

/// Sets a constraint; without values it is removed.
pub async fn set(store: &Store, limit: &Limit) -> Result<()> {
    let this = of(&limit.pool_expr, limit.field);
    if limit.values.iter().all(String::is_empty) {
        store.of::<Constraint>().delete(this).await?;
        return Ok(());
    }
    let update = Update::set("values", &limit.values).and_set("blacklist", limit.blacklist);
    store.of::<Constraint>().upsert(this, update).await?;
    Ok(())
}

/// Adds values to a constraint, which is made when it is missing.
pub async fn append(store: &Store, pool_expr: &str, field: Field, values: &[String]) -> Result<()> {
    for value in values.iter().filter(|value| !value.is_empty()) {
        let update = Update::add_to_set("values", value).and_set_on_insert("blacklist", false);
        store.of::<Constraint>().upsert(of(pool_expr, field), update).await?;
    }
    Ok(())
}

/// Takes values out of a constraint. One that is left without values lets nothing pass.
pub async fn take(store: &Store, pool_expr: &str, field: Field, values: &[String]) -> Result<()> {
    for value in values {
        store.of::<Constraint>().update(of(pool_expr, field), Update::pull("values", value)).await?;
    }
    Ok(())
}
