//! Bodies of webhooks: the part of Go's `text/template` that speaks about one event.
//!
//! Understood: fields (`.Target.Value`), variables, `if`/`else if`/`else`, `range` (with index, `break`, `continue`), `with`, comments,
//! trim markers, pipelines, parentheses, and the functions of [`func::NAMES`]. Not understood, and said so: `define`, `template`,
//! `block`, `call`.

mod execute;
mod func;
mod lex;
mod parse;
mod print;
mod time;
mod value;

pub use value::{Struct, Value};

/// Bytes of a body at most.
const LONGEST: usize = 1 << 20;

/// A parsed template.
#[derive(Debug)]
pub struct Template(Vec<parse::Node>);

impl Template {
    /// Reads a template; the error says what is wrong with it, and in which line.
    pub fn parse(text: &str) -> Result<Self, String> {
        parse::parse(&lex::lex(text)?).map(Self)
    }

    /// The text for this value.
    pub fn render(&self, dot: &Value) -> Result<String, String> {
        execute::execute(&self.0, dot)
    }
}

#[cfg(test)]
mod tests;
