//! `GET /provisioner/clusters`, `GET /provisioner/clusters/{name}`: a server with only the local provisioner has none.

use crate::{
    api::{Answer, Call, answer},
    error::Error,
};

/// All clusters.
pub async fn list(call: Call) -> Answer {
    call.permit("cluster.read", &[])?;
    answer::no_content()
}

/// One cluster.
pub async fn info(call: Call) -> Answer {
    call.permit("cluster.read", &[])?;
    Err(Error::not_found("cluster not found"))
}
