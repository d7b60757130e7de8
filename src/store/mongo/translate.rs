//! Filters and updates in MongoDB's own language.

use bson::{Bson, Document, doc};

use crate::store::{Filter, Update, evaluate::grouped};

/// A filter as a query. A value that could be read as an operator is an operand (`$eq`).
pub fn filter(filter: &Filter) -> Document {
    match filter {
        Filter::All => doc! {},
        Filter::Eq(path, value) if is_plain(value) => doc! {path: value},
        Filter::Eq(path, value) => doc! {path: {"$eq": value}},
        Filter::Ne(path, value) => doc! {path: {"$ne": value}},
        Filter::Gt(path, value) => doc! {path: {"$gt": value}},
        Filter::Gte(path, value) => doc! {path: {"$gte": value}},
        Filter::Lt(path, value) => doc! {path: {"$lt": value}},
        Filter::Lte(path, value) => doc! {path: {"$lte": value}},
        Filter::In(path, values) => doc! {path: {"$in": values}},
        // Not $all: the wire server of the tests does not know that a value that is no array has itself.
        Filter::HasAll(path, values) if !values.is_empty() => {
            doc! {"$and": values.iter().map(|v| doc! {path: {"$eq": v}}).collect::<Vec<_>>()}
        }
        Filter::Below(less, more) => {
            let at = |path: &str| doc! {"$ifNull": [format!("${path}"), Bson::Null]};
            doc! {"$expr": {"$lt": [at(less), at(more)]}}
        }
        Filter::Exists(path, wanted) => doc! {path: {"$exists": wanted}},
        Filter::Regex(path, pattern) => doc! {path: {"$regex": pattern}},
        Filter::Elem(path, inner) => doc! {path: {"$elemMatch": self::filter(inner)}},
        Filter::And(all) => all_of(list(all)),
        Filter::HasAll(..) => nothing(),
        Filter::Or(any) if any.is_empty() => nothing(),
        Filter::Or(any) => doc! {"$or": list(any)},
        Filter::Not(inner) => doc! {"$nor": [self::filter(inner)]},
    }
}

/// No document, pattern or list.
fn is_plain(value: &Bson) -> bool {
    matches!(
        value,
        Bson::String(_) | Bson::ObjectId(_) | Bson::Boolean(_) | Bson::Int32(_) | Bson::Int64(_) | Bson::Double(_) | Bson::DateTime(_)
    )
}

/// One query where none of them says something of what another does: simple servers find an index only then.
fn all_of(queries: Vec<Document>) -> Document {
    let mut one = Document::new();
    for query in &queries {
        if query.keys().any(|key| one.contains_key(key)) {
            return doc! {"$and": queries};
        }
        one.extend(query.clone());
    }
    one
}

fn nothing() -> Document {
    doc! {"_id": {"$in": []}}
}

fn list(filters: &[Filter]) -> Vec<Document> {
    filters.iter().map(filter).collect()
}

/// An update as MongoDB wants it. ($pullAll says the same as $pull of $in, but the wire server of the tests does it wrongly.)
pub fn update(update: &Update) -> Document {
    let each = |list| grouped(list).into_iter().map(|(path, values)| (path.to_owned(), doc! {"$each": owned(values)}.into())).collect();
    let operators: [(&str, Document); 7] = [
        ("$set", update.set.iter().cloned().collect()),
        ("$setOnInsert", update.set_on_insert.iter().cloned().collect()),
        ("$unset", update.unset.iter().map(|path| (path.clone(), "".into())).collect()),
        ("$inc", update.inc.iter().map(|(path, by)| (path.clone(), narrow(*by))).collect()),
        ("$push", each(&update.push)),
        ("$addToSet", each(&update.add_to_set)),
        ("$pull", grouped(&update.pull).into_iter().map(|(path, values)| (path.to_owned(), doc! {"$in": owned(values)}.into())).collect()),
    ];
    if update.is_empty() {
        return doc! {"$set": {}};
    }
    operators.into_iter().filter(|(_, what)| !what.is_empty()).map(|(name, what)| (name.to_owned(), what.into())).collect()
}

fn owned(values: Vec<&Bson>) -> Vec<Bson> {
    values.into_iter().cloned().collect()
}

/// An int32 stays an int32 only when it is added to an int32.
fn narrow(by: i64) -> Bson {
    i32::try_from(by).map_or(Bson::Int64(by), Bson::Int32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_stay_operands() {
        let hostile = doc! {"$gt": ""};
        assert_eq!(filter(&Filter::eq("token", &hostile)), doc! {"token": {"$eq": hostile}});
        assert_eq!(filter(&!Filter::Or(vec![])), doc! {"$nor": [{"_id": {"$in": []}}]});
    }

    #[test]
    fn conditions_on_different_paths_are_one_query() {
        let running = Filter::id(7).and(Filter::eq("running", true)).and(Filter::Or(vec![Filter::exists("lock")]));
        assert_eq!(filter(&running), doc! {"_id": 7, "running": true, "$or": [{"lock": {"$exists": true}}]});
        let between = Filter::gt("n", 1).and(Filter::eq("name", "a")).and(Filter::lt("n", 5));
        assert_eq!(filter(&between), doc! {"$and": [{"n": {"$gt": 1}}, {"name": "a"}, {"n": {"$lt": 5}}]});
        assert_eq!(filter(&Filter::And(vec![])), doc! {});
    }

    #[test]
    fn values_for_one_array_go_together() {
        let both = Update::push("a", 1).and(Update::push("a", [2])).and_inc("n", 1).and(Update::pull("b", 1));
        let wanted = doc! {"$inc": {"n": 1}, "$push": {"a": {"$each": [1, [2]]}}, "$pull": {"b": {"$in": [1]}}};
        assert_eq!(update(&both), wanted);
    }
}
