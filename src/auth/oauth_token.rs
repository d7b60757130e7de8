//! Sessions of tsuru's oauth scheme: the provider's own token, in clear. Ours are ordinary sessions; these are accepted in a shared
//! database and become ordinary ones when it is sealed.

use bson::oid::ObjectId;
use serde::{Deserialize, Serialize};

use crate::{
    clock::Time,
    error::Result,
    secret::{Secret, stored},
    store::{Document, Filter, Index, IndexKey, Spec, Store, lenient},
};

/// A session of a provider's token, as tsuru stores it.
#[derive(Debug, Serialize, Deserialize)]
pub struct OauthToken {
    /// Identity.
    #[serde(rename = "_id")]
    pub id: ObjectId,
    /// What the provider gave.
    pub token: Given,
    /// Whose.
    #[serde(rename = "useremail", deserialize_with = "lenient::or_default")]
    pub email: String,
}

/// The provider's token.
#[derive(Debug, Serialize, Deserialize)]
pub struct Given {
    /// It.
    #[serde(rename = "accesstoken", serialize_with = "stored")]
    pub access: Secret,
    /// Its end; zero: none.
    #[serde(default)]
    pub expiry: Time,
}

impl Document for OauthToken {
    const SPEC: &'static Spec = &Spec {
        name: "oauth_tokens",
        indexes: &[
            Index { keys: &[IndexKey("token.accesstoken", false)], unique: false, sparse: false },
            Index { keys: &[IndexKey("useremail", false)], unique: false, sparse: false },
        ],
        sealed: &["token.accesstoken", "token.refreshtoken"],
    };
}

/// As early as this before its end, a token is no longer good.
const MARGIN_NANOS: i64 = 10_000_000_000;

impl OauthToken {
    /// Nanoseconds that it is still good for; 0: for ever; `None`: it is over.
    pub fn left(&self, now: Time) -> Option<i64> {
        if self.token.expiry.is_zero() {
            return Some(0);
        }
        Some(self.token.expiry.nanos_since(now).saturating_sub(MARGIN_NANOS)).filter(|left| *left > 0)
    }
}

/// The e-mail whose good token this is, in a shared database.
pub async fn email(store: &Store, clear: &str) -> Result<Option<String>> {
    if !store.is_shared() {
        return Ok(None);
    }
    let found = store.of::<OauthToken>().get(Filter::eq("token.accesstoken", clear)).await?;
    Ok(found.filter(|token| token.left(Time::now()).is_some()).map(|token| token.email))
}
