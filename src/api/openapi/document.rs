//! The document, from the route table and what is known of each route.

use actix_web::http::StatusCode;
use serde_json::{Map, Value, json};

use super::operation::{self, Operation};
use crate::api::route::{Door, Route};

/// The document of these routes. Paths begin with the version that the route came with.
pub fn document(routes: &[Route]) -> Value {
    let mut paths: Map<String, Value> = Map::new();
    let known: Vec<Operation> = operation::all().collect();
    for route in routes {
        let path = paths.entry(path(route)).or_insert_with(|| json!({"parameters": variables(route.path)}));
        if let Some(methods) = path.as_object_mut() {
            let known = known.iter().find(|known| is_of(known, route));
            methods.insert(route.method.to_ascii_lowercase(), operation(route, known));
        }
    }
    let schemas: Value = serde_json::from_str(include_str!("schemas.json")).unwrap_or_default();
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "ImPaaS",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "The API of tsuru's server as ImPaaS answers it. A path without its version is answered by the first route \
                            that fits; later versions reach earlier routes.",
            "license": {"name": "BSD-3-Clause", "identifier": "BSD-3-Clause"},
        },
        "servers": [{"url": "/"}],
        "security": [{"token": []}],
        "paths": paths,
        "components": {
            "schemas": schemas,
            "securitySchemes": {"token": {
                "type": "http", "scheme": "bearer",
                "description": "A session, an API key, a team's token, or a token of the sign-on provider.",
            }},
        },
    })
}

fn is_of(operation: &Operation, route: &Route) -> bool {
    operation.key == (route.method, version(route).as_str(), route.path)
}

fn version(route: &Route) -> String {
    let (major, minor) = route.since;
    format!("{major}.{minor}")
}

fn path(route: &Route) -> String {
    format!("/{}{}", version(route), route.path.replace(":.*}", "}"))
}

/// The names between braces.
fn names(path: &str) -> impl Iterator<Item = &str> {
    path.split('/').filter_map(|part| Some(part.strip_prefix('{')?.strip_suffix('}')?.trim_end_matches(":.*")))
}

fn variables(path: &str) -> Vec<Value> {
    names(path).map(|name| json!({"name": name, "in": "path", "required": true, "schema": {"type": "string", "minLength": 1}})).collect()
}

fn operation(route: &Route, known: Option<&Operation>) -> Value {
    let mut operation = json!({
        "operationId": format!("{} {}", route.method, path(route)),
        "tags": [route.path.split('/').find(|part| !part.is_empty()).unwrap_or("server")],
        "responses": known.map(responses).unwrap_or_default(),
    });
    if let Some(fields) = operation.as_object_mut() {
        let query = known.map(Operation::query).unwrap_or_default();
        if !query.is_empty() {
            fields.insert("parameters".into(), query.into());
        }
        fields.extend(known.and_then(Operation::body).map(|body| ("requestBody".to_owned(), body)));
        if route.door == Door::Open {
            fields.insert("security".into(), json!([]));
        }
    }
    operation
}

fn responses(operation: &Operation) -> Value {
    let mut responses: Map<String, Value> = Map::new();
    for reply in operation.answers() {
        let status = reply.status.parse::<StatusCode>().ok().and_then(|status| status.canonical_reason());
        let response = responses.entry(reply.status).or_insert_with(|| json!({"description": status.unwrap_or("Other")}));
        if let (Some(response), Some(kind)) = (response.as_object_mut(), reply.content) {
            let content = response.entry("content").or_insert_with(|| json!({}));
            if let Some(content) = content.as_object_mut() {
                content.insert(kind.to_owned(), json!({"schema": reply.schema()}));
            }
        }
    }
    responses.into()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::api::routes;

    #[test]
    fn every_route_has_a_line_and_every_line_a_route() {
        let routes = routes::table();
        let lines: BTreeSet<_> = operation::all().map(|line| (line.key.0, line.key.1.to_owned(), line.key.2)).collect();
        let table: BTreeSet<_> = routes.iter().map(|route| (route.method, version(route), route.path)).collect();
        assert_eq!(lines, table);
    }

    #[test]
    fn every_operation_says_what_it_answers() {
        let document = document(&routes::table());
        let paths = document["paths"].as_object().unwrap();
        let operations = paths.values().flat_map(|path| path.as_object().unwrap()).filter(|(name, _)| *name != "parameters");
        let answers: Vec<usize> = operations.map(|(_, operation)| operation["responses"].as_object().unwrap().len()).collect();
        assert_eq!(answers.len(), routes::table().len());
        assert!(answers.iter().all(|count| *count > 0));
    }

    #[test]
    fn variables_are_named_once_and_open_routes_need_no_token() {
        let document = document(&routes::table());
        let proxied = &document["paths"]["/1.20/services/{service}/resources/{instance}/{path}"];
        let names: Vec<_> = proxied["parameters"].as_array().unwrap().iter().map(|one| one["name"].as_str().unwrap()).collect();
        assert_eq!(names, ["service", "instance", "path"]);
        assert_eq!(document["paths"]["/1.0/auth/scheme"]["get"]["security"], json!([]));
        assert!(document["paths"]["/1.0/apps"]["get"]["security"].is_null());
    }
}
