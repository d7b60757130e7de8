//! `GET /provisioner`.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use crate::{
    api::{Answer, Call, answer},
    cluster::{KUBERNETES, help},
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

/// All provisioners, by name.
pub async fn list(call: Call) -> Answer {
    call.permit("cluster.read", &[])?;
    let names = BTreeSet::from([KUBERNETES, call.ctx.provisioners.local().name()]);
    answer::json(&names.into_iter().map(view).collect::<Vec<_>>())
}

fn view(name: &'static str) -> View {
    let told = help::of(name);
    View { name, cluster_help: Help { provisioner_help: told.summary, custom_data_help: told.custom_data } }
}
