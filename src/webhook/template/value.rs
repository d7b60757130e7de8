//! What templates speak about.

use std::collections::BTreeMap;

use crate::clock::Time;

/// A value.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// Nothing.
    Nil,
    /// True or false.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// A fraction.
    Float(f64),
    /// A text.
    Text(String),
    /// A moment, with Go's methods of it.
    Time(Time),
    /// Several of the same.
    List(Vec<Value>),
    /// By name.
    Map(BTreeMap<String, Value>),
    /// With named fields.
    Struct(Struct),
}

/// A value with named fields.
#[derive(Clone, Debug, PartialEq)]
pub struct Struct {
    /// Go's name of its type, for errors.
    pub name: &'static str,
    /// Its fields in their order.
    pub fields: Vec<(&'static str, Value)>,
    /// What it prints as, when it says so itself.
    pub text: Option<String>,
}

impl Value {
    /// A text.
    pub fn text(text: impl Into<String>) -> Self {
        Self::Text(text.into())
    }

    /// A struct with these fields.
    pub fn fields(name: &'static str, fields: Vec<(&'static str, Value)>) -> Self {
        Self::Struct(Struct { name, fields, text: None })
    }

    /// The same, printed as `text`.
    #[must_use]
    pub fn printed_as(self, text: String) -> Self {
        match self {
            Self::Struct(fields) => Self::Struct(Struct { text: Some(text), ..fields }),
            other => other,
        }
    }

    /// As `if` sees it.
    pub(super) fn is_true(&self) -> bool {
        match self {
            Self::Nil => false,
            Self::Bool(value) => *value,
            Self::Int(number) => *number != 0,
            Self::Float(number) => *number != 0.0,
            Self::Text(text) => !text.is_empty(),
            Self::List(items) => !items.is_empty(),
            Self::Map(items) => !items.is_empty(),
            Self::Time(_) | Self::Struct(_) => true,
        }
    }

    pub(super) fn kind(&self) -> &'static str {
        match self {
            Self::Nil => "nil",
            Self::Bool(_) => "bool",
            Self::Int(_) => "int",
            Self::Float(_) => "float64",
            Self::Text(_) => "string",
            Self::Time(_) => "time.Time",
            Self::List(_) => "slice",
            Self::Map(_) => "map",
            Self::Struct(fields) => fields.name,
        }
    }
}
