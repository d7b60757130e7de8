//! An app goes, with everything it has.

use k8s_openapi::api::{
    apps::v1::Deployment,
    core::v1::{Secret, Service, ServiceAccount},
    policy::v1::PodDisruptionBudget,
};
use kube::ResourceExt;

use super::{app_resource, google, plan, site::Site};
use crate::{error::Result, provisioner::kubernetes::objects::names};

/// Removes it. What routers made for it is theirs.
pub async fn remove(site: Site, app: &str) -> Result<()> {
    let _turn = site.turns.of(app).await;
    let Some(namespace) = app_resource::namespace(&site, app).await? else { return Ok(()) };
    let (writer, namespace) = (site.writer(), namespace.as_str());
    for deployment in site.list::<Deployment>(namespace, app).await? {
        let name = deployment.name_any();
        writer.remove(&site.api::<Deployment>(namespace), &name).await?;
        writer.remove(&site.api::<Secret>(namespace), &names::secret(&name)).await?;
    }
    for service in site.list::<Service>(namespace, app).await?.iter().filter(|service| !plan::is_of_others(service)) {
        writer.remove(&site.api::<Service>(namespace), &service.name_any()).await?;
    }
    for budget in site.list::<PodDisruptionBudget>(namespace, app).await? {
        writer.remove(&site.api::<PodDisruptionBudget>(namespace), &budget.name_any()).await?;
    }
    google::remove(&site, namespace, app).await?;
    writer.remove(&site.api::<ServiceAccount>(namespace), &names::account(app)).await?;
    // The last: while it is there, a removal that was cut off can be repeated.
    app_resource::forget(&site, app).await
}
