//! Team tokens: credentials of a team for machines, with roles of their own.

use bson::oid::ObjectId;
use serde::{Deserialize, Serialize};

use crate::{
    clock::Time,
    permission::role::RoleInstance,
    secret::{Secret, stored},
    store::{Document, Index, IndexKey, Spec},
};

/// A team token as stored: found by its digest, shown again from its sealed form.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct TeamToken {
    /// Identity.
    #[serde(rename = "_id")]
    pub id: ObjectId,
    /// The token, sealed.
    #[serde(serialize_with = "stored")]
    pub token: Secret,
    /// What it is found by.
    #[serde(default, rename = "tokenhash", skip_serializing_if = "String::is_empty")]
    pub token_hash: String,
    /// Its public name.
    pub token_id: String,
    /// Free text.
    #[serde(default)]
    pub description: String,
    /// Creation.
    pub created_at: Time,
    /// End; zero: never.
    #[serde(default, skip_serializing_if = "Time::is_zero")]
    pub expires_at: Time,
    /// Last use.
    #[serde(default, skip_serializing_if = "Time::is_zero")]
    pub last_access: Time,
    /// Who made it.
    #[serde(default)]
    pub creator_email: String,
    /// Whose it is.
    pub team: String,
    /// Its roles.
    #[serde(default, deserialize_with = "crate::store::lenient::or_default")]
    pub roles: Vec<RoleInstance>,
}

impl Document for TeamToken {
    const SPEC: &'static Spec = &Spec {
        name: "team_tokens",
        indexes: &[
            Index { keys: &[IndexKey("token", false)], unique: true, sparse: false },
            Index { keys: &[IndexKey("token_id", false)], unique: true, sparse: false },
            Index { keys: &[IndexKey("tokenhash", false)], unique: true, sparse: true },
        ],
        sealed: &["token"],
    };
}

impl TeamToken {
    /// The e-mail that stands for the token where a user's is wanted.
    pub fn virtual_email(&self) -> String {
        format!("{}@tsuru-team-token", self.token_id)
    }

    /// True when its time is over.
    pub fn expired(&self, now: Time) -> bool {
        !self.expires_at.is_zero() && self.expires_at <= now
    }
}
