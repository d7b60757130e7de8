//! More units of a process, or fewer.

use k8s_openapi::api::apps::v1::Deployment;

use super::{Work, monitor, plan::Change, undo::Undo};
use crate::{
    error::{Error, Result},
    provisioner::kubernetes::objects::Making,
};

/// Changes how many there are, and waits until they are ready.
pub async fn scale(work: &mut Work<'_>, m: &Making<'_>, done: &mut Vec<Undo>) -> Result<()> {
    let site = &work.scene.site;
    let units = i32::try_from(m.process.units).unwrap_or(i32::MAX);
    done.push(Undo::of(work.scene, m, Change::Scale).await?);
    let changed = |there: Option<&Deployment>| {
        let mut now = there.cloned().ok_or_else(|| Error::refused(format!("no deployment {:?}", m.spot.name)))?;
        if let Some(spec) = &mut now.spec {
            spec.replicas = Some(units);
        }
        Ok(Some(now))
    };
    let written = site.writer().change(&site.api::<Deployment>(&m.spot.namespace), &m.spot.name, changed).await?;
    let Some((_, now)) = written else { return Ok(()) };
    if let Some(undo) = done.last_mut() {
        undo.written = true;
    }
    monitor::until_ready(work, m, &now).await
}
