//! Which documents an operation means: a subset of MongoDB's query language with its meaning.

use bson::Bson;
use serde::Serialize;

use super::exact::bson as to_bson;

/// A condition on a document. Paths are dotted; on arrays a comparison holds when it holds for any element, as on MongoDB.
#[derive(Clone, Debug, PartialEq)]
pub enum Filter {
    /// Every document.
    All,
    /// Equal; a missing path equals null.
    Eq(String, Bson),
    /// Not equal (and true for a missing path unless compared with null).
    Ne(String, Bson),
    /// Greater.
    Gt(String, Bson),
    /// Greater or equal.
    Gte(String, Bson),
    /// Less.
    Lt(String, Bson),
    /// Less or equal.
    Lte(String, Bson),
    /// One of these.
    In(String, Vec<Bson>),
    /// The array holds all of these.
    HasAll(String, Vec<Bson>),
    /// What is at the first path is less than what is at the second; what is not there is null. Of arrays it says nothing.
    Below(String, String),
    /// The path is there, or not.
    Exists(String, bool),
    /// Text that this regular expression finds.
    Regex(String, String),
    /// An array element for which the whole filter holds.
    Elem(String, Box<Filter>),
    /// All of these.
    And(Vec<Filter>),
    /// Any of these; none when empty.
    Or(Vec<Filter>),
    /// Not this.
    Not(Box<Filter>),
}

impl Filter {
    /// The document with this `_id`.
    pub fn id(id: impl Serialize) -> Self {
        Self::eq("_id", id)
    }

    /// `path` equals `value`.
    pub fn eq(path: impl Into<String>, value: impl Serialize) -> Self {
        Self::Eq(path.into(), to_bson(&value))
    }

    /// `path` is not `value`.
    pub fn ne(path: impl Into<String>, value: impl Serialize) -> Self {
        Self::Ne(path.into(), to_bson(&value))
    }

    /// `path` > `value`.
    pub fn gt(path: impl Into<String>, value: impl Serialize) -> Self {
        Self::Gt(path.into(), to_bson(&value))
    }

    /// `path` >= `value`.
    pub fn gte(path: impl Into<String>, value: impl Serialize) -> Self {
        Self::Gte(path.into(), to_bson(&value))
    }

    /// `path` < `value`.
    pub fn lt(path: impl Into<String>, value: impl Serialize) -> Self {
        Self::Lt(path.into(), to_bson(&value))
    }

    /// `path` <= `value`.
    pub fn lte(path: impl Into<String>, value: impl Serialize) -> Self {
        Self::Lte(path.into(), to_bson(&value))
    }

    /// `path` is one of `values`.
    pub fn any_of(path: impl Into<String>, values: impl IntoIterator<Item = impl Serialize>) -> Self {
        Self::In(path.into(), values.into_iter().map(|v| to_bson(&v)).collect())
    }

    /// The array at `path` holds all `values`.
    pub fn has_all(path: impl Into<String>, values: impl IntoIterator<Item = impl Serialize>) -> Self {
        Self::HasAll(path.into(), values.into_iter().map(|v| to_bson(&v)).collect())
    }

    /// `less` < `more`, both paths.
    pub fn below(less: impl Into<String>, more: impl Into<String>) -> Self {
        Self::Below(less.into(), more.into())
    }

    /// `path` is there.
    pub fn exists(path: impl Into<String>) -> Self {
        Self::Exists(path.into(), true)
    }

    /// `path` is not there.
    pub fn missing(path: impl Into<String>) -> Self {
        Self::Exists(path.into(), false)
    }

    /// The text at `path` matches.
    pub fn regex(path: impl Into<String>, pattern: impl Into<String>) -> Self {
        Self::Regex(path.into(), pattern.into())
    }

    /// Some element of the array at `path` fulfils `filter`.
    pub fn elem(path: impl Into<String>, filter: Filter) -> Self {
        Self::Elem(path.into(), Box::new(filter))
    }

    /// Also this.
    #[must_use]
    pub fn and(self, other: Filter) -> Self {
        match (self, other) {
            (Self::All, other) => other,
            (this, Self::All) => this,
            (Self::And(mut all), other) => {
                all.push(other);
                Self::And(all)
            }
            (this, other) => Self::And(vec![this, other]),
        }
    }
}

impl std::ops::Not for Filter {
    type Output = Filter;

    fn not(self) -> Filter {
        Filter::Not(Box::new(self))
    }
}
