//! Requests to the sign-on provider: to the addresses of the settings as they are, to those that the provider told only as far as
//! requests may go otherwise. No redirects, no proxy, little patience.

use std::{sync::OnceLock, time::Duration};

use reqwest::{Client, RequestBuilder, Url, header::ACCEPT, redirect};
use serde_json::{Map, Value};

use crate::{
    error::{Error, Result},
    outgoing::{self, Reach},
};

const CONNECT: Duration = Duration::from_secs(5);
const WHOLE: Duration = Duration::from_secs(15);
/// No answer of a provider is longer.
const LONGEST: usize = 1 << 20;

/// The client.
#[derive(Debug)]
pub struct Http {
    reach: Reach,
    client: OnceLock<Client>,
}

/// What the provider answered.
#[derive(Debug)]
pub struct Reply {
    /// Status.
    pub status: u16,
    /// The fields of its JSON; none when it is no JSON object.
    pub fields: Map<String, Value>,
}

impl Reply {
    /// A text of it, or "".
    pub fn text(&self, field: &str) -> &str {
        self.fields.get(field).and_then(Value::as_str).unwrap_or_default()
    }
}

impl Http {
    /// What the provider names itself is reached as far as this.
    pub fn new(reach: Reach) -> Self {
        Self { reach, client: OnceLock::new() }
    }

    /// Reads an address of the settings.
    pub async fn get(&self, url: &Url, token: Option<&str>) -> Result<Reply> {
        let request = self.client()?.get(url.clone());
        send(match token {
            Some(token) => request.bearer_auth(token),
            None => request,
        })
        .await
    }

    /// Sends a form to an address of the settings.
    pub async fn post(&self, url: &Url, form: &[(&str, &str)]) -> Result<Reply> {
        send(self.client()?.post(url.clone()).form(form)).await
    }

    /// Reads an address that the document at `source` named.
    pub async fn get_found(&self, url: &str, source: &Url) -> Result<Reply> {
        let url = match Url::parse(url) {
            Ok(url) if url.origin() == source.origin() => return self.get(&url, None).await,
            _ => outgoing::url(url, self.reach)?,
        };
        send(outgoing::client(self.reach)?.get(url)).await
    }

    fn client(&self) -> Result<&Client> {
        if let Some(client) = self.client.get() {
            return Ok(client);
        }
        let built = Client::builder().no_proxy().redirect(redirect::Policy::none()).connect_timeout(CONNECT);
        let built = built.build().map_err(Error::internal)?;
        Ok(self.client.get_or_init(|| built))
    }
}

/// 503: it is the provider who is away.
pub fn away(why: impl std::fmt::Display) -> Error {
    tracing::warn!(%why, "the sign-on provider cannot be used");
    Error::unavailable("The sign-on provider does not answer, please try again.")
}

async fn send(request: RequestBuilder) -> Result<Reply> {
    let answer = request.header(ACCEPT, "application/json").timeout(WHOLE).send().await.map_err(away)?;
    let status = answer.status().as_u16();
    let body = outgoing::body(answer, LONGEST).await.map_err(away)?;
    if status >= 500 || status == 429 {
        return Err(away(format!("it answers {status}")));
    }
    Ok(Reply { status, fields: serde_json::from_slice(&body).unwrap_or_default() })
}
