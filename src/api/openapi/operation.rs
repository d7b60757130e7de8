//! What a route takes and answers: a line of `operations.csv`.

use serde_json::{Map, Value, json};

/// `method,since,path,asked,answers`.
const OPERATIONS: &str = include_str!("operations.csv");

/// A line, its columns as they stand there.
#[derive(Clone, Copy, Debug)]
pub struct Operation {
    /// Method, version and path, as in the route table.
    pub key: (&'static str, &'static str, &'static str),
    /// `Q env* lines:int!`: in the query, or a body: `F` form or JSON, `J` JSON, `M` multipart, form or JSON, `*` anything.
    asked: &'static str,
    /// `200=application/json#App 204 401=text/plain`.
    answers: &'static str,
}

/// All lines.
pub fn all() -> impl Iterator<Item = Operation> {
    OPERATIONS.lines().skip(1).filter_map(|line| {
        let mut cells = line.split(',');
        let mut next = || cells.next();
        Some(Operation { key: (next()?, next()?, next()?), asked: next()?, answers: next()? })
    })
}

impl Operation {
    /// How it asks, and for what.
    fn parts(&self) -> (&'static str, impl Iterator<Item = Field>) {
        let (place, fields) = self.asked.split_once(' ').unwrap_or((self.asked, ""));
        (place, fields.split_ascii_whitespace().map(Field::read))
    }

    /// Its parameters in the query.
    pub fn query(&self) -> Vec<Value> {
        let (place, fields) = self.parts();
        let parameter = |field: Field| json!({"name": field.name, "in": "query", "required": field.required, "schema": field.schema()});
        if place == "Q" { fields.map(parameter).collect() } else { Vec::new() }
    }

    /// Its body, when it takes one.
    pub fn body(&self) -> Option<Value> {
        let (place, fields) = self.parts();
        let kinds: &[&str] = match place {
            "F" => &["application/x-www-form-urlencoded", "application/json"],
            "J" => &["application/json"],
            "M" => &["multipart/form-data", "application/x-www-form-urlencoded", "application/json"],
            "*" => return Some(json!({"content": {"*/*": {"schema": {}}}})),
            _ => return None,
        };
        let properties: Map<String, Value> = fields.map(|field| (field.name.to_owned(), field.schema())).collect();
        let schema = json!({"type": "object", "properties": properties});
        let content: Map<String, Value> = kinds.iter().map(|kind| ((*kind).to_owned(), json!({"schema": schema}))).collect();
        Some(json!({ "content": content }))
    }

    /// Its answers by status.
    pub fn answers(&self) -> impl Iterator<Item = Reply> {
        self.answers.split_ascii_whitespace().map(Reply::read)
    }
}

/// Something that is asked for.
struct Field {
    name: &'static str,
    kind: &'static str,
    required: bool,
}

impl Field {
    /// `name`, `name:int`, `name*` (several), each with `!` when it has to be there.
    fn read(text: &'static str) -> Self {
        let (text, required) = text.strip_suffix('!').map_or((text, false), |text| (text, true));
        match (text.strip_suffix('*'), text.split_once(':')) {
            (Some(name), _) => Self { name, kind: "several", required },
            (None, Some((name, kind))) => Self { name, kind, required },
            (None, None) => Self { name: text, kind: "text", required },
        }
    }

    fn schema(&self) -> Value {
        match self.kind {
            "int" => json!({"type": "integer"}),
            "bool" => json!({"type": "boolean"}),
            "object" => json!({"type": "object"}),
            "objects" => json!({"type": "array", "items": {"type": "object"}}),
            "several" => json!({"type": "array", "items": {"type": "string"}}),
            "file" => json!({"type": "string", "format": "binary"}),
            _ => json!({"type": "string"}),
        }
    }
}

/// An answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reply {
    /// Status.
    pub status: &'static str,
    /// Content type; `None`: it says none.
    pub content: Option<&'static str>,
    /// A schema of `schemas.json`.
    schema: Option<&'static str>,
}

impl Reply {
    fn read(text: &'static str) -> Self {
        let (status, content) = text.split_once('=').map_or((text, None), |(status, content)| (status, Some(content)));
        let (content, schema) = match content.and_then(|content| content.split_once('#')) {
            Some((content, schema)) => (Some(content), Some(schema)),
            None => (content, None),
        };
        Self { status, content, schema }
    }

    /// The shape of it.
    pub fn schema(&self) -> Value {
        match (self.schema, self.content) {
            (Some(schema), _) => match schema.strip_suffix("[]") {
                Some(item) => json!({"type": "array", "items": {"$ref": format!("#/components/schemas/{item}")}}),
                None => json!({"$ref": format!("#/components/schemas/{schema}")}),
            },
            (None, Some("application/json" | "*/*")) => json!({}),
            (None, _) => json!({"type": "string"}),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_schema_that_is_named_is_there_and_each_that_is_there_is_named() {
        let schemas: Map<String, Value> = serde_json::from_str(include_str!("schemas.json")).unwrap();
        let there: BTreeSet<&str> = schemas.keys().map(String::as_str).collect();
        let answered: Vec<Reply> = all().flat_map(|operation| operation.answers().collect::<Vec<_>>()).collect();
        let mut named: BTreeSet<&str> = answered.iter().filter_map(|reply| Some(reply.schema?.trim_end_matches("[]"))).collect();
        let text = include_str!("schemas.json");
        named.extend(text.split("\"#/components/schemas/").skip(1).filter_map(|rest| rest.split('"').next()));
        assert_eq!(there, named);
    }
}
