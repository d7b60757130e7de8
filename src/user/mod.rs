//! Users: their documents and what may be done with them.

pub mod api_key;
pub mod create;
pub mod password;
pub mod remove;

use bson::oid::ObjectId;
use serde::{Deserialize, Serialize};

use crate::{
    clock::Time,
    error::{OrNotFound, Result},
    event::{Subject, Target, TargetType},
    permission::{Context, role::RoleInstance},
    quota::Quota,
    secret::{Secret, stored},
    store::{Document, Filter, Index, IndexKey, Spec, Store},
};

/// The permission that shows events about users.
pub const EVENTS: &str = "user.read.events";

/// A user as stored.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct User {
    /// Identity.
    #[serde(rename = "_id")]
    pub id: ObjectId,
    /// Apps and jobs.
    #[serde(default)]
    pub quota: Quota,
    /// Login and name.
    pub email: String,
    /// Hash of the password: argon2id, or bcrypt from tsuru; empty when another scheme signs the user on.
    #[serde(default, deserialize_with = "crate::store::lenient::or_default")]
    pub password: String,
    /// API key, sealed; empty when there is none.
    #[serde(default, rename = "apikey", serialize_with = "stored")]
    pub api_key: Secret,
    /// What the key is found by.
    #[serde(default, rename = "apikeyhash", skip_serializing_if = "String::is_empty")]
    pub api_key_hash: String,
    /// Last use of the key.
    #[serde(default, rename = "apikey_last_access")]
    pub api_key_last_access: Time,
    /// Uses of the key.
    #[serde(default, rename = "apikey_usage_counter", deserialize_with = "crate::store::lenient::int")]
    pub api_key_usage: i64,
    /// Roles.
    #[serde(default, deserialize_with = "crate::store::lenient::or_default")]
    pub roles: Vec<RoleInstance>,
    /// Groups of the sign-on provider.
    #[serde(default, skip_serializing_if = "Vec::is_empty", deserialize_with = "crate::store::lenient::or_default")]
    pub groups: Vec<String>,
    /// May not sign on, and no token of theirs works.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub disabled: bool,
}

impl Document for User {
    const SPEC: &'static Spec = &Spec {
        name: "users",
        indexes: &[
            Index { keys: &[IndexKey("email", false)], unique: true, sparse: false },
            Index { keys: &[IndexKey("apikey", false)], unique: false, sparse: false },
            Index { keys: &[IndexKey("apikeyhash", false)], unique: false, sparse: true },
            Index { keys: &[IndexKey("roles.name", false)], unique: false, sparse: false },
            Index { keys: &[IndexKey("roles.contextvalue", false)], unique: false, sparse: false },
        ],
        sealed: &["apikey"],
    };
    const OURS: &'static [&'static str] = &["apikeyhash"];
}

impl User {
    /// A user without roles.
    pub fn new(email: &str, password_hash: String, quota: Quota) -> Self {
        Self {
            id: ObjectId::new(),
            quota,
            email: email.into(),
            password: password_hash,
            api_key: Secret::default(),
            api_key_hash: String::new(),
            api_key_last_access: Time::zero(),
            api_key_usage: 0,
            roles: Vec::new(),
            groups: Vec::new(),
            disabled: false,
        }
    }

    /// The user of this e-mail; 404 with tsuru's text.
    pub async fn load(store: &Store, email: &str) -> Result<Self> {
        store.of::<Self>().get(Filter::eq("email", email)).await?.or_not_found("user not found")
    }
}

impl Subject for User {
    fn target(&self) -> Target {
        Target::new(TargetType::User, &self.email)
    }

    fn contexts(&self) -> Vec<Context> {
        vec![Context::user(&self.email)]
    }

    fn events_permission(&self) -> &'static str {
        EVENTS
    }

    async fn reload(&self, store: &Store) -> Result<Self> {
        Self::load(store, &self.email).await
    }
}
