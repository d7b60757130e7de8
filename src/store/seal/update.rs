//! Which values of an update are secret.

use bson::Bson;

use super::{ANY, Key, cipher, in_value, names, place};
use crate::store::{Filter, Result, Spec, StoreError, Update, evaluate};

/// How an update's path lies to a sealed pattern.
enum Lies<'a> {
    Apart,
    /// At or above: this is left of the pattern.
    Above(&'a [&'a str]),
    /// Inside a sealed value.
    Below,
}

/// The update with its secret values sealed.
pub fn seal(key: &Key, spec: &Spec, filter: &Filter, mut update: Update) -> Result<Update> {
    let id = id(filter).map(evaluate::key);
    for pattern in spec.sealed {
        let names = names(pattern);
        refuse(spec, &names, &update)?;
        let unnamed = || fault(spec, pattern, "an update of sealed values must name its document by _id");
        let place = id.as_deref().map(|id| place(spec, Some(id), pattern)).transpose()?;
        let seal = |value: &mut Bson, left: &[&str]| {
            in_value(value, left, &mut |value| cipher::seal(key, place.as_deref().ok_or_else(unnamed)?, value))
        };
        for (path, value) in update.set.iter_mut().chain(&mut update.set_on_insert) {
            if let Lies::Above(left) = lies(path, &names) {
                seal(value, left)?;
            }
        }
        for (path, element) in &mut update.push {
            if let Lies::Above([ANY, left @ ..]) = lies(path, &names) {
                seal(element, left)?;
            }
        }
    }
    Ok(update)
}

/// Sealed values differ each time, so nothing can be found by its value, counted, or changed in part.
fn refuse(spec: &Spec, pattern: &[&str], update: &Update) -> Result<()> {
    let whole = |path: &str| matches!(lies(path, pattern), Lies::Above([]));
    let elements = |path: &str| matches!(lies(path, pattern), Lies::Above([] | [ANY, ..]));
    let below = |path: &str| matches!(lies(path, pattern), Lies::Below);
    let by_value = update.pull.iter().chain(&update.add_to_set).any(|(path, _)| elements(path));
    let counted = update.inc.iter().any(|(path, _)| whole(path));
    let grown = update.push.iter().any(|(path, _)| whole(path));
    let set = update.set.iter().chain(&update.set_on_insert).chain(&update.push).chain(&update.pull).chain(&update.add_to_set);
    let mut paths = set.map(|(path, _)| path).chain(update.inc.iter().map(|(path, _)| path)).chain(&update.unset);
    let why = match () {
        () if by_value => "sealed values cannot be found by value ($pull, $addToSet)",
        () if counted => "a sealed value cannot be counted",
        () if grown || paths.any(|path| below(path)) => "a sealed value cannot be changed in part",
        () => return Ok(()),
    };
    Err(fault(spec, &pattern.join("."), why))
}

fn fault(spec: &Spec, pattern: &str, why: &str) -> StoreError {
    StoreError::Fault(format!("{}: {pattern}: {why}", spec.name))
}

fn lies<'a>(path: &str, pattern: &'a [&'a str]) -> Lies<'a> {
    let mut left = pattern;
    for name in path.split('.') {
        match left.split_first() {
            None => return Lies::Below,
            Some((wanted, rest)) if *wanted == ANY || *wanted == name => left = rest,
            Some(_) => return Lies::Apart,
        }
    }
    Lies::Above(left)
}

/// The `_id` that the filter demands.
fn id(filter: &Filter) -> Option<&Bson> {
    match filter {
        Filter::Eq(path, id) if path == "_id" => Some(id),
        Filter::And(all) => all.iter().find_map(id),
        _ => None,
    }
}
