//! The `App` resource: where the app is, and what it has.

use std::{borrow::Cow, time::Duration};

use k8s_openapi::{
    NamespaceResourceScope, apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition,
    apimachinery::pkg::apis::meta::v1::ObjectMeta,
};
use kube::{
    Api, Resource,
    api::DynamicObject,
    runtime::{conditions::is_crd_established, wait::await_condition},
};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::time::{sleep, timeout};

use super::{scene::Scene, site::Site};
use crate::{
    error::{Error, Result},
    provisioner::{
        AppState,
        kubernetes::{
            objects::{app_resource, namespace},
            write::Writer,
        },
    },
};

/// The resource, as it is read and written.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct App {
    api_version: String,
    kind: String,
    metadata: ObjectMeta,
    #[serde(default)]
    spec: Value,
}

impl Resource for App {
    type DynamicType = ();
    type Scope = NamespaceResourceScope;

    fn kind((): &()) -> Cow<'_, str> {
        "App".into()
    }

    fn group((): &()) -> Cow<'_, str> {
        "tsuru.io".into()
    }

    fn version((): &()) -> Cow<'_, str> {
        "v1".into()
    }

    fn plural((): &()) -> Cow<'_, str> {
        "apps".into()
    }

    fn meta(&self) -> &ObjectMeta {
        &self.metadata
    }

    fn meta_mut(&mut self) -> &mut ObjectMeta {
        &mut self.metadata
    }
}

/// The namespace of an app that is known here.
pub async fn namespace(site: &Site, app: &str) -> Result<Option<String>> {
    let found = site.writer().get(&site.api::<App>(site.settings.home()), app).await?;
    let name = found.as_ref().and_then(|found| found.spec.get("namespaceName")).and_then(Value::as_str);
    Ok(name.filter(|name| !name.is_empty()).map(str::to_owned))
}

/// Makes an app known that has nothing yet.
pub async fn introduce(site: &Site, app: &AppState, patience: Duration) -> Result<()> {
    let pool = &app.place.pool.name;
    let namespace = site.settings.namespace(site.server.pool_namespaces, pool);
    let writer = Writer { patience, ..site.writer() };
    // All but the first app of a cluster need no more than that.
    match make(site, writer, app, &namespace).await {
        Err(Error::Refused(_)) => announce(site, writer, app, &namespace).await,
        made => made,
    }
}

/// Makes the app known: where it is, and that there are such resources at all.
pub async fn announce(site: &Site, writer: Writer<'_>, app: &AppState, namespace: &str) -> Result<()> {
    writer.ensure_there(&Api::all(site.client.clone()), &app_resource::definition()).await?;
    ensure_namespace(site, writer, site.settings.home()).await?;
    established(site, writer.patience).await?;
    make(site, writer, app, namespace).await
}

async fn make(site: &Site, writer: Writer<'_>, app: &AppState, namespace: &str) -> Result<()> {
    let home = site.settings.home();
    let first = app_resource::of(&AppState { app: app.app.clone(), ..AppState::default() }, home, namespace, &[]);
    writer.ensure_new(&site.api::<App>(home), &of(&first, home, &app.app)).await
}

/// The definition counts only once the API server took note of it.
async fn established(site: &Site, patience: Duration) -> Result<()> {
    let api = Api::<CustomResourceDefinition>::all(site.client.clone());
    let wait = async {
        // An error is one of the way to the cluster, which passes.
        while await_condition(api.clone(), app_resource::CRD, is_crd_established()).await.is_err() {
            sleep(Duration::from_millis(200)).await;
        }
    };
    let late = |_| Error::unavailable(format!("cluster {:?} does not take note of {}", site.name, app_resource::CRD));
    timeout(patience, wait).await.map_err(late)
}

/// Writes down what the app has.
pub async fn sync(scene: &Scene) -> Result<()> {
    let home = scene.site.settings.home();
    let want = app_resource::of(&scene.want, home, &scene.namespace, &scene.makings());
    scene.site.writer().ensure(&scene.site.api::<App>(home), &of(&want, home, &scene.want.app)).await.map(drop)
}

fn of(resource: &DynamicObject, home: &str, app: &str) -> App {
    let spec = resource.data.get("spec").cloned().unwrap_or_default();
    let metadata = ObjectMeta { name: Some(app.into()), namespace: Some(home.into()), ..ObjectMeta::default() };
    App { api_version: "tsuru.io/v1".into(), kind: "App".into(), metadata, spec }
}

/// A namespace with its labels; one that is there is left as it is.
pub async fn ensure_namespace(site: &Site, writer: Writer<'_>, name: &str) -> Result<()> {
    let want = namespace::namespace(name, site.settings.namespace_labels(name));
    writer.ensure_there(&Api::all(site.client.clone()), &want).await
}

/// The app is not known any more.
pub async fn forget(site: &Site, app: &str) -> Result<()> {
    site.writer().remove(&site.api::<App>(site.settings.home()), app).await.map(drop)
}
