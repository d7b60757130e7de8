//! The OpenAPI document against the contract, and against what the server really answers.

use serde_json::Value;

use super::{faults::Faults, request::requests, routes::contract, table::Key, world::World};
use crate::api::harness::{Reply, Server};

async fn document(server: &Server) -> Value {
    server.nobody().get("/openapi.json").send().await.ok(200).json()
}

fn responses<'a>(document: &'a Value, (method, path, since): &Key) -> &'a Value {
    &document["paths"][format!("/{since}{}", path.replace(":.*}", "}"))][method.to_lowercase()]["responses"]
}

#[actix_web::test]
async fn the_document_has_every_status_of_the_contract() {
    let document = document(&Server::new().await).await;
    let mut faults = Faults::default();
    for route in contract() {
        let responses = responses(&document, &route.key);
        for case in route.cases.iter().filter(|case| case.unless.is_none()) {
            let known = responses.get(case.status.to_string()).or(responses.get("default"));
            faults.unless(|| assert!(known.is_some(), "{:?} does not say {}", route.key, case.status));
        }
    }
    faults.none();
}

#[actix_web::test]
async fn every_answer_is_as_the_document_says() {
    let world = World::new().await;
    let (admin, document) = (world.server.admin().await, document(&world.server).await);
    let (mut faults, mut shapes) = (Faults::default(), 0);
    for request in requests() {
        let reply = request.send(&world, &admin).await;
        faults.unless(|| shapes += usize::from(conforms(&document, &request.key, &reply)));
        let refused = request.send(&world, &world.server.nobody()).await;
        faults.unless(|| conforms(&document, &request.key, &refused));
    }
    faults.none();
    assert!(shapes > 20, "only {shapes} answers have a shape");
}

/// Fails unless status, content type and JSON are promised; true when there was JSON to look at.
#[track_caller]
fn conforms(document: &Value, key: &Key, reply: &Reply) -> bool {
    let responses = responses(document, key);
    let status = reply.status.to_string();
    let Some(response) = responses.get(&status) else {
        assert!(responses.get("default").is_some(), "{key:?} does not say {status}: {}", reply.text);
        return false;
    };
    let Some(kind) = reply.header("content-type").map(|kind| kind.split(';').next().unwrap_or_default().trim()) else { return false };
    // Where there may be no body at all, the document says nothing of its type.
    if response["content"].is_null() && ["text/plain", "application/x-json-stream"].contains(&kind) {
        return false;
    }
    let schema = &response["content"][kind]["schema"];
    assert!(schema.is_object(), "{key:?} {status} does not say {kind}: {}", reply.text);
    if kind == "application/json" {
        fits(document, schema, &reply.json()).unwrap_or_else(|why| panic!("{key:?} {status}: {why}"));
    }
    kind == "application/json"
}

/// As much of JSON Schema as the document uses.
fn fits(document: &Value, schema: &Value, value: &Value) -> Result<(), String> {
    if let Some(reference) = schema["$ref"].as_str() {
        let target = document.pointer(reference.trim_start_matches('#')).ok_or_else(|| format!("{reference} is not there"))?;
        return fits(document, target, value).map_err(|why| format!("{}: {why}", reference.rsplit('/').next().unwrap()));
    }
    if let Some(choices) = schema["anyOf"].as_array() {
        let tried: Vec<_> = choices.iter().map(|choice| fits(document, choice, value)).collect();
        return if tried.iter().any(Result::is_ok) { Ok(()) } else { Err(format!("{tried:?}")) };
    }
    let kinds = match &schema["type"] {
        Value::Array(kinds) => kinds.clone(),
        Value::Null => vec![],
        kind => vec![kind.clone()],
    };
    if !kinds.is_empty() && !kinds.iter().any(|kind| is(kind.as_str().unwrap(), value)) {
        return Err(format!("{value} is no {kinds:?}"));
    }
    for name in schema["required"].as_array().into_iter().flatten().filter(|_| value.is_object()) {
        value.get(name.as_str().unwrap()).ok_or_else(|| format!("{name} is missing in {value}"))?;
    }
    for (name, inner) in value.as_object().into_iter().flatten() {
        if let Some(schema) = schema["properties"].get(name) {
            fits(document, schema, inner).map_err(|why| format!("{name}: {why}"))?;
        }
    }
    let items = schema.get("items");
    value.as_array().into_iter().flatten().zip(items.into_iter().cycle()).try_for_each(|(value, schema)| fits(document, schema, value))
}

fn is(kind: &str, value: &Value) -> bool {
    match kind {
        "null" => value.is_null(),
        "boolean" => value.is_boolean(),
        "integer" => value.is_i64() || value.is_u64(),
        "number" => value.is_number(),
        "string" => value.is_string(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        other => panic!("{other} is no type"),
    }
}

#[test]
fn what_does_not_fit_is_found() {
    let document = serde_json::json!({"components": {"schemas": {"A": {
        "type": "object", "required": ["a"], "properties": {"a": {"type": ["string", "null"]}, "b": {"type": "array", "items": {"type": "integer"}}},
    }}}});
    let schema = serde_json::json!({"anyOf": [{"$ref": "#/components/schemas/A"}, {"type": "null"}]});
    for good in [r#"{"a": null}"#, r#"{"a": "x", "b": [1], "c": {}}"#, "null"] {
        fits(&document, &schema, &serde_json::from_str(good).unwrap()).unwrap();
    }
    for bad in ["{}", r#"{"a": 1}"#, r#"{"a": "x", "b": [1, "2"]}"#, "[]"] {
        assert!(fits(&document, &schema, &serde_json::from_str(bad).unwrap()).is_err(), "{bad}");
    }
}
