//! `GET /provisioner`.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::{
    api::{Answer, Call, answer},
    cluster::help,
};

#[derive(Serialize)]
struct View {
    name: &'static str,
    cluster_help: Help,
}

/// What a cluster of the provisioner is made with.
#[derive(Serialize)]
struct Help {
    provisioner_help: &'static str,
    custom_data_help: Option<BTreeMap<&'static str, &'static str>>,
}

/// All provisioners.
pub async fn list(call: Call) -> Answer {
    call.permit("cluster.read", &[])?;
    let name = call.ctx.provisioners.local().name();
    let told = help::of(name);
    let cluster_help = Help { provisioner_help: told.summary, custom_data_help: told.custom_data };
    answer::json(&[View { name, cluster_help }])
}
