//! `PUT` and `DELETE /services/{service}/instances/{instance}/apps/{app}`

use serde::Deserialize;
use serde_json::{Map, Value};

use super::discreet;
use crate::{
    api::{
        Answer, Call,
        record::Recording,
        stream::{self, Format},
    },
    app::App,
    error::{Error, Result},
    event::{Locked, Subject},
    pool::constraint,
    service::{
        self, Instance,
        bind::{Binding, Unbinding},
    },
};

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Input {
    no_restart: bool,
    parameters: Map<String, Value>,
}

/// Binds an app to an instance.
pub async fn bind(mut call: Call) -> Answer {
    let input: Input = call.input().await?;
    let (instance, app) = permitted(&call, ["service-instance.update.bind", "app.update.bind"]).await?;
    constraint::check_service(&call.ctx.store, &app.pool, &instance.service_name).await.map_err(as_invalid)?;
    let (instance, app) = Box::pin(locked(&mut call, instance, app, ["service-instance.update.bind", "app.update.bind"])).await?;
    let how = Binding { restart: !input.no_restart, parameters: input.parameters };
    stream::run(&call.ctx, app, Format::Json, |ctx, mut app, out| async move {
        let done = service::bind(&ctx, &mut app, &instance, how, &out).await;
        (app, done)
    })
    .await
}

/// Unbinds an app from an instance.
pub async fn unbind(mut call: Call) -> Answer {
    let inputs = call.inputs().await?;
    let how = Unbinding { restart: !inputs.flag("noRestart"), force: inputs.flag("force") };
    let permissions = ["service-instance.update.unbind", "app.update.unbind"];
    let (instance, app) = permitted(&call, permissions).await?;
    let (instance, app) = Box::pin(locked(&mut call, instance, app, permissions)).await?;
    stream::run(&call.ctx, app, Format::Json, |ctx, mut app, out| async move {
        let done = service::unbind(&ctx, &mut app, &instance, how, &out).await;
        (app, done)
    })
    .await
}

/// Instance and app, as long as the caller may bring them together.
async fn permitted(call: &Call, [for_instance, for_app]: [&'static str; 2]) -> Result<(Instance, App)> {
    let instance = Instance::load(&call.ctx.store, call.var("service"), call.var("instance")).await?;
    let app = call.app().await?;
    call.permit(for_instance, &instance.bind_contexts())?;
    call.permit(for_app, &app.contexts())?;
    Ok((instance, app))
}

/// The same, both under the event's lock, loaded and permitted again.
async fn locked(call: &mut Call, instance: Instance, app: App, permissions: [&'static str; 2]) -> Result<(Instance, Locked<App>)> {
    let [for_instance, for_app] = permissions;
    let recording = discreet(call, Recording::of(for_app).and_lock(instance.target())).await?;
    let app = call.record(recording, app).await?;
    let again = async {
        let instance = instance.reload(&call.ctx.store).await?;
        call.permit(for_instance, &instance.bind_contexts()).map(|()| instance)
    };
    match again.await {
        Ok(instance) => Ok((instance, app)),
        Err(e) => app.end(Err(e)).await,
    }
}

fn as_invalid(e: Error) -> Error {
    if let Error::Refused(text) = e { Error::Invalid(text) } else { e }
}
