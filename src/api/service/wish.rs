//! What clients say about a service.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::{
    api::Call,
    error::{Error, Result},
    secret::Secret,
    service::Wish,
};

#[derive(Default, Deserialize)]
#[serde(default)]
struct Input {
    id: String,
    username: String,
    password: Secret,
    endpoints: BTreeMap<String, String>,
    endpoint: String,
    encoding: String,
}

/// A service as sent.
pub async fn read(call: &mut Call) -> Result<Wish> {
    let input: Input = call.input().await?;
    let inputs = call.inputs().await?;
    if !["", "form", "json"].contains(&input.encoding.as_str()) {
        return Err(Error::invalid(format!("Invalid encoding {:?}, valid options are: form, json", input.encoding)));
    }
    let mut endpoint = input.endpoints;
    if endpoint.is_empty() && !input.endpoint.is_empty() {
        endpoint.insert("production".into(), input.endpoint);
    }
    let team = inputs.text("team");
    Ok(Wish {
        name: input.id,
        username: input.username,
        password: input.password,
        endpoint,
        owner_teams: if team.is_empty() { Vec::new() } else { vec![team.into()] },
        encoding: input.encoding,
        multi_cluster: inputs.flag("multi-cluster"),
    })
}
