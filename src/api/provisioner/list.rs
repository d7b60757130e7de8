//! `GET /provisioner`.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::api::{Answer, Call, answer};

#[derive(Serialize)]
struct View {
    name: &'static str,
    cluster_help: Help,
}

/// What a cluster of the provisioner is made with. The local one has none.
#[derive(Default, Serialize)]
struct Help {
    provisioner_help: String,
    custom_data_help: Option<BTreeMap<String, String>>,
}

/// All provisioners.
pub async fn list(call: Call) -> Answer {
    call.permit("cluster.read", &[])?;
    answer::json(&[View { name: call.ctx.provisioner.name(), cluster_help: Help::default() }])
}
