//! Signatures, as <https://www.standardwebhooks.com> describes them: receivers know by this server's public key that a call is its own.

use base64::{Engine, engine::general_purpose::STANDARD};
use ring::{
    rand::SystemRandom,
    signature::{Ed25519KeyPair, KeyPair},
};
use serde::{Deserialize, Serialize};

use crate::{
    error::{Error, Result},
    secret::{Secret, stored},
    store::{Document, Filter, Spec, Store, StoreError},
};

const NAME: &str = "webhooks";

/// The key of all servers of this store.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct SigningKey {
    #[serde(rename = "_id")]
    name: String,
    /// PKCS 8 in base64.
    #[serde(serialize_with = "stored")]
    private: Secret,
    /// 32 bytes in base64.
    public: String,
}

impl Document for SigningKey {
    const SPEC: &'static Spec = &Spec { name: "impaas_signing_keys", indexes: &[], sealed: &["private"] };
}

impl SigningKey {
    /// The key; made when there is none.
    pub async fn load(store: &Store) -> Result<Self> {
        let keys = store.of::<Self>();
        if let Some(key) = keys.get(Filter::id(NAME)).await? {
            return Ok(key);
        }
        match keys.insert(&Self::generate()?).await {
            Ok(()) | Err(StoreError::Duplicate(_)) => {}
            Err(other) => return Err(other.into()),
        }
        keys.get(Filter::id(NAME)).await?.ok_or_else(|| Error::internal("the key of webhooks is gone"))
    }

    fn generate() -> Result<Self> {
        let private = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).map_err(Error::internal)?;
        let pair = Ed25519KeyPair::from_pkcs8(private.as_ref()).map_err(Error::internal)?;
        let public = STANDARD.encode(pair.public_key().as_ref());
        Ok(Self { name: NAME.into(), private: STANDARD.encode(private.as_ref()).into(), public })
    }

    /// The public part, as receivers' libraries take it.
    pub fn public(&self) -> String {
        format!("whpk_{}", self.public)
    }

    /// The value of `webhook-signature` for this message.
    pub fn sign(&self, id: &str, timestamp: i64, body: &str) -> Result<String> {
        let private = STANDARD.decode(self.private.expose()).map_err(Error::internal)?;
        let pair = Ed25519KeyPair::from_pkcs8(&private).map_err(Error::internal)?;
        let signature = pair.sign(format!("{id}.{timestamp}.{body}").as_bytes());
        Ok(format!("v1a,{}", STANDARD.encode(signature.as_ref())))
    }
}

#[cfg(test)]
mod tests {
    use ring::signature::{ED25519, UnparsedPublicKey};

    use super::*;

    #[test]
    fn the_public_key_verifies_what_was_signed_and_nothing_else() {
        let key = SigningKey::generate().unwrap();
        let signature = key.sign("id", 7, "body").unwrap();
        let bytes = STANDARD.decode(signature.strip_prefix("v1a,").unwrap()).unwrap();
        let public = UnparsedPublicKey::new(&ED25519, STANDARD.decode(key.public().strip_prefix("whpk_").unwrap()).unwrap());
        assert!(public.verify(b"id.7.body", &bytes).is_ok());
        assert!(public.verify(b"id.8.body", &bytes).is_err());
    }
}
