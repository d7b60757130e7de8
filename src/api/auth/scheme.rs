//! `GET /auth/scheme`, `GET /auth/schemes`.

use serde::Serialize;

use crate::{
    api::{Answer, Call, answer},
    config::sign_on::{OAuth, Oidc, Scheme},
    error::Result,
};

/// What clients put their own address in place of.
const REDIRECT: &str = "__redirect_url__";

#[derive(Serialize)]
struct Info {
    name: &'static str,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    default: bool,
    data: Data,
}

#[derive(Default, Serialize)]
struct Data {
    #[serde(rename = "clientID", skip_serializing_if = "String::is_empty")]
    client_id: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    scopes: Vec<String>,
    #[serde(rename = "authURL", skip_serializing_if = "String::is_empty")]
    auth_url: String,
    #[serde(rename = "tokenURL", skip_serializing_if = "String::is_empty")]
    token_url: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    port: String,
    #[serde(rename = "authorizeUrl", skip_serializing_if = "String::is_empty")]
    authorize_url: String,
}

/// The scheme of clients that know only one: the first with a login, else the first.
pub async fn default(call: Call) -> Answer {
    let schemes = &call.ctx.config.auth.schemes;
    let with_login = schemes.iter().find(|scheme| !matches!(scheme, Scheme::Oidc(_)));
    match with_login.or(schemes.first()) {
        Some(scheme) => answer::json(&info(&call, scheme).await?),
        None => answer::json(&serde_json::json!({})),
    }
}

/// All schemes; one is the default.
pub async fn all(call: Call) -> Answer {
    let auth = &call.ctx.config.auth;
    let mut infos = Vec::new();
    for scheme in &auth.schemes {
        infos.push(info(&call, scheme).await?);
    }
    let default = infos.iter().position(|info| info.name == auth.default_scheme).unwrap_or_default();
    if let Some(info) = infos.get_mut(default) {
        info.default = true;
    }
    answer::json(&infos)
}

async fn info(call: &Call, scheme: &Scheme) -> Result<Info> {
    let data = match scheme {
        Scheme::Native => Data::default(),
        Scheme::OAuth(oauth) => of_oauth(oauth),
        Scheme::Oidc(oidc) => of_oidc(call, oidc).await?,
    };
    Ok(Info { name: scheme.name(), default: false, data })
}

fn of_oauth(oauth: &OAuth) -> Data {
    let mut url = oauth.auth_url.clone();
    url.query_pairs_mut()
        .append_pair("client_id", &oauth.client_id)
        .append_pair("redirect_uri", REDIRECT)
        .append_pair("response_type", "code")
        .append_pair("scope", &oauth.scope);
    Data { authorize_url: url.into(), port: oauth.callback_port.to_string(), ..Data::default() }
}

async fn of_oidc(call: &Call, oidc: &Oidc) -> Result<Data> {
    let endpoints = call.ctx.sign_on.keys.endpoints(&call.ctx.sign_on.http, oidc).await?;
    Ok(Data {
        client_id: oidc.client_id.clone(),
        scopes: oidc.scopes.clone(),
        auth_url: endpoints.auth,
        token_url: endpoints.token,
        port: oidc.callback_port.to_string(),
        ..Data::default()
    })
}
