//! Versions of an app: what was built, and which of them run.

mod find;
pub mod write;

use std::collections::BTreeMap;

use bson::oid::ObjectId;
use serde::{Deserialize, Serialize, Serializer};

use crate::{
    build::tsuru_yaml::{TsuruYaml, from_custom_data, to_custom_data},
    clock::Time,
    store::{Document, Index, IndexKey, Spec, lenient},
};

/// All versions of an app; the counter survives the app, so numbers are never reused.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct AppVersions {
    /// Identity.
    #[serde(rename = "_id")]
    pub id: ObjectId,
    /// App.
    #[serde(rename = "appname")]
    pub app: String,
    /// The last number given.
    #[serde(default, deserialize_with = "lenient::int")]
    pub count: i64,
    /// The last version that was deployed.
    #[serde(default, rename = "lastsuccessfulversion", deserialize_with = "lenient::int")]
    pub last_successful: i64,
    /// By number.
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub versions: BTreeMap<String, Version>,
    /// Last change.
    #[serde(default, rename = "updatedat")]
    pub updated_at: Time,
    /// Of the last change.
    #[serde(default, rename = "updatedhash")]
    pub updated_hash: String,
}

/// One version.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Version {
    /// Number.
    #[serde(deserialize_with = "lenient::int")]
    pub version: i64,
    /// The deploy's message.
    pub description: String,
    /// Builder image.
    #[serde(rename = "buildimage")]
    pub build_image: String,
    /// Image that runs: `tsuru/app-NAME:vN`.
    #[serde(rename = "deployimage")]
    pub deploy_image: String,
    /// Tag of a build without deploy.
    #[serde(rename = "custombuildtag")]
    pub custom_build_tag: String,
    /// The parsed tsuru.yaml.
    #[serde(rename = "customdata", serialize_with = "custom_data", deserialize_with = "from_custom_data")]
    pub config: TsuruYaml,
    /// Commands by process name.
    #[serde(deserialize_with = "lenient::or_default")]
    pub processes: BTreeMap<String, Vec<String>>,
    /// Ports the image exposes.
    #[serde(rename = "exposedports", deserialize_with = "lenient::or_default")]
    pub exposed_ports: Vec<String>,
    /// Event that made it.
    #[serde(rename = "eventid")]
    pub event: String,
    /// Creation.
    #[serde(rename = "createdat")]
    pub created_at: Time,
    /// Last change.
    #[serde(rename = "updatedat")]
    pub updated_at: Time,
    /// Why it may not be rolled back to.
    #[serde(rename = "disabledreason")]
    pub disabled_reason: String,
    /// It may not be rolled back to.
    pub disabled: bool,
    /// It was deployed once.
    #[serde(rename = "deploysuccessful")]
    pub deploy_successful: bool,
    /// It is being forgotten.
    #[serde(rename = "markedtoremoval")]
    pub marked_to_removal: bool,
    /// Units by process before it was stopped.
    #[serde(rename = "pastunits", deserialize_with = "lenient::or_default")]
    pub past_units: BTreeMap<String, i64>,
}

fn custom_data<S: Serializer>(config: &TsuruYaml, to: S) -> std::result::Result<S::Ok, S::Error> {
    to_custom_data(config).serialize(to)
}

impl Document for AppVersions {
    const SPEC: &'static Spec =
        &Spec { name: "app_versions", indexes: &[Index { keys: &[IndexKey("appname", false)], unique: true, sparse: false }], sealed: &[] };
}
