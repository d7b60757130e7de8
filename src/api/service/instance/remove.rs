//! `DELETE /services/{service}/instances/{instance}`

use crate::{
    api::{
        Answer, Call,
        extract::go,
        record::Recording,
        stream::{self, Format},
    },
    error::Error,
    event::{Subject, Target, TargetType},
    service::{self, Instance},
};

/// Removes an instance; asked for it, unbinds its apps first.
pub async fn remove(mut call: Call) -> Answer {
    let flag = |name: &str| call.query.get(name).and_then(go::parse_bool).unwrap_or(false);
    let (unbind_all, ignore_errors) = (flag("unbindall"), flag("ignoreerrors"));
    let instance = Instance::load(&call.ctx.store, call.var("service"), call.var("instance")).await?;
    call.permit("service-instance.delete", &instance.contexts())?;
    let mut recording = Recording::of("service-instance.delete");
    if unbind_all {
        recording = instance.apps.iter().fold(recording, |recording, app| recording.and_lock(Target::new(TargetType::App, app)));
    }
    let known = instance.apps.clone();
    let locked = call.record(recording, instance).await?;
    // Only the apps that were known before are locked.
    if unbind_all && let Some(late) = locked.apps.iter().find(|app| !known.contains(app)) {
        let why = format!("app {late:?} was bound to this service instance meanwhile, please try again");
        return locked.end(Err(Error::conflict(why))).await;
    }
    stream::run(&call.ctx, locked, Format::Json, move |ctx, mut locked, out| async move {
        if unbind_all {
            let (now, unbound) = service::unbind_apps(&ctx, locked, &out).await;
            locked = now;
            if unbound.is_err() {
                return (locked, unbound);
            }
        }
        let done = service::remove_instance(&ctx, &locked, ignore_errors, &out).await;
        (locked, done)
    })
    .await
}
