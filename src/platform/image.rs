//! The images that a platform was built into, one or more for each of its versions.

use bson::oid::ObjectId;
use serde::{Deserialize, Serialize};

use crate::{
    error::{Error, Result},
    store::{Document, Filter, Index, IndexKey, Spec, Store, Update, lenient},
};

/// A platform's images as stored.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct PlatformImages {
    /// Identity.
    #[serde(rename = "_id")]
    pub id: ObjectId,
    /// The platform.
    pub name: String,
    /// The last number given.
    #[serde(default, deserialize_with = "lenient::int")]
    pub count: i64,
    /// Its versions.
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub versions: Vec<Version>,
}

/// One version.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Version {
    /// Number.
    #[serde(deserialize_with = "lenient::int")]
    pub version: i64,
    /// Its names in the registries.
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub images: Vec<String>,
}

impl Document for PlatformImages {
    const SPEC: &'static Spec =
        &Spec { name: "platform_images", indexes: &[Index { keys: &[IndexKey("name", false)], unique: true, sparse: false }], sealed: &[] };
}

/// The versions of this platform; none when it was never built into an image.
pub async fn versions(store: &Store, platform: &str) -> Result<Vec<Version>> {
    let found = store.of::<PlatformImages>().get(Filter::eq("name", platform)).await?;
    Ok(found.map(|images| images.versions).unwrap_or_default())
}

/// Takes the next number.
pub async fn next(store: &Store, platform: &str) -> Result<i64> {
    let counted = store.of::<PlatformImages>().upsert(Filter::eq("name", platform), Update::inc("count", 1)).await?;
    counted.map(|images| images.count).ok_or_else(|| Error::internal("the version counter did not count"))
}

/// Notes the images of a version.
pub async fn add(store: &Store, platform: &str, version: Version) -> Result<()> {
    store.of::<PlatformImages>().update(Filter::eq("name", platform), Update::push("versions", version)).await?;
    Ok(())
}

/// Forgets all of a platform's images.
pub async fn forget(store: &Store, platform: &str) -> Result<()> {
    store.of::<PlatformImages>().delete(Filter::eq("name", platform)).await?;
    Ok(())
}

/// All images of this platform; its plain name when it was never built into one.
pub async fn names(store: &Store, platform: &str) -> Result<Vec<String>> {
    let images: Vec<String> = versions(store, platform).await?.into_iter().flat_map(|version| version.images).collect();
    Ok(if images.is_empty() { vec![format!("tsuru/{platform}:latest")] } else { images })
}
