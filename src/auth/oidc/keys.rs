//! The provider's addresses and keys. Keys are asked for when one is wanted that is not known, and now and then.

use std::{
    collections::HashMap,
    sync::{PoisonError, RwLock},
    time::{Duration, Instant},
};

use jsonwebtoken::jwk::Jwk;
use reqwest::Url;
use serde_json::Value;
use tokio::sync::Mutex;

use crate::{
    auth::provider::{Http, away},
    config::sign_on::Oidc,
    error::Result,
};

/// Unknown keys make the provider be asked no more often than this.
const PAUSE: Duration = Duration::from_secs(2);
/// Keys of a provider that is away are believed so long.
const OLDEST: Duration = Duration::from_secs(24 * 3600);

/// Where the provider is.
#[derive(Clone, Debug, Default)]
pub struct Endpoints {
    /// Where people are sent.
    pub auth: String,
    /// Where clients exchange codes.
    pub token: String,
    /// Where the keys are.
    jwks: String,
}

/// The keys by their id.
#[derive(Debug, Default)]
pub struct Keys {
    known: RwLock<Option<Known>>,
    endpoints: RwLock<Option<Endpoints>>,
    asked: Mutex<Option<Instant>>,
}

#[derive(Clone, Debug)]
struct Known {
    keys: HashMap<String, Jwk>,
    since: Instant,
}

enum Found {
    Fresh(Jwk),
    Old(Jwk),
    Not,
}

impl Keys {
    /// The key of this id. `None`: the provider has none. 503 when nobody can say.
    pub async fn get(&self, http: &Http, oidc: &Oidc, id: &str) -> Result<Option<Jwk>> {
        let old = match self.look(id, oidc.refresh) {
            Found::Fresh(key) => return Ok(Some(key)),
            Found::Old(key) => Some(key),
            Found::Not => None,
        };
        let mut asked = self.asked.lock().await;
        if let Found::Fresh(key) = self.look(id, oidc.refresh) {
            return Ok(Some(key));
        }
        let lately = asked.is_some_and(|at| at.elapsed() < PAUSE);
        let failed = if lately { None } else { self.ask(http, oidc, &mut asked).await.err() };
        match (failed, old, self.look(id, oidc.refresh)) {
            (_, _, Found::Fresh(key)) => Ok(Some(key)),
            (Some(_), Some(key), Found::Old(_)) => Ok(Some(key)),
            (None, Some(key), Found::Old(_)) if lately => Ok(Some(key)),
            (Some(failed), ..) => Err(failed),
            _ if self.nothing_known() => Err(away("its keys were not there a moment ago")),
            _ => Ok(None),
        }
    }

    /// The provider's addresses: those of the settings, else what it says itself.
    pub async fn endpoints(&self, http: &Http, oidc: &Oidc) -> Result<Endpoints> {
        let told = |url: &Option<Url>| url.as_ref().map(ToString::to_string);
        if let (Some(auth), Some(token), Some(jwks)) = (told(&oidc.auth_url), told(&oidc.token_url), told(&oidc.jwks_url)) {
            return Ok(Endpoints { auth, token, jwks });
        }
        if let Some(known) = self.endpoints.read().unwrap_or_else(PoisonError::into_inner).clone() {
            return Ok(known);
        }
        let found = discover(http, &oidc.issuer).await?;
        let endpoints = Endpoints {
            auth: told(&oidc.auth_url).unwrap_or(found.auth),
            token: told(&oidc.token_url).unwrap_or(found.token),
            jwks: told(&oidc.jwks_url).unwrap_or(found.jwks),
        };
        *self.endpoints.write().unwrap_or_else(PoisonError::into_inner) = Some(endpoints.clone());
        Ok(endpoints)
    }

    async fn ask(&self, http: &Http, oidc: &Oidc, asked: &mut Option<Instant>) -> Result<()> {
        *asked = Some(Instant::now());
        let reply = match &oidc.jwks_url {
            Some(url) => http.get(url, None).await?,
            None => http.get_found(&self.endpoints(http, oidc).await?.jwks, &discovery(&oidc.issuer)?).await?,
        };
        let Some(Value::Array(listed)) = reply.fields.get("keys") else { return Err(away("its keys cannot be read")) };
        // A key of a kind that is not known here must not hide the others.
        let keys = listed.iter().filter_map(|key| serde_json::from_value::<Jwk>(key.clone()).ok());
        let keys = keys.map(|key| (key.common.key_id.clone().unwrap_or_else(|| "default".into()), key)).collect();
        *self.known.write().unwrap_or_else(PoisonError::into_inner) = Some(Known { keys, since: Instant::now() });
        Ok(())
    }

    fn look(&self, id: &str, refresh: Duration) -> Found {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        let Some(known) = known.as_ref().filter(|known| known.since.elapsed() < OLDEST) else { return Found::Not };
        match known.keys.get(id) {
            Some(key) if known.since.elapsed() < refresh => Found::Fresh(key.clone()),
            Some(key) => Found::Old(key.clone()),
            None => Found::Not,
        }
    }

    fn nothing_known(&self) -> bool {
        self.known.read().unwrap_or_else(PoisonError::into_inner).is_none()
    }
}

fn discovery(issuer: &str) -> Result<Url> {
    Url::parse(&format!("{}/.well-known/openid-configuration", issuer.trim_end_matches('/'))).map_err(away)
}

/// What the issuer says of itself; it must call itself by the name it is known by here.
async fn discover(http: &Http, issuer: &str) -> Result<Endpoints> {
    let reply = http.get(&discovery(issuer)?, None).await?;
    let text = |field: &str| reply.text(field).to_owned();
    if reply.text("issuer") != issuer {
        return Err(away(format!("auth:oidc:issuer is {issuer:?}, but it calls itself {:?}", text("issuer"))));
    }
    Ok(Endpoints { auth: text("authorization_endpoint"), token: text("token_endpoint"), jwks: text("jwks_uri") })
}
