//! Makes one call.

use std::time::Duration;

use reqwest::{
    Client, Method, Proxy, Url,
    header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, USER_AGENT},
};

use super::{SigningKey, Webhook};
use crate::{
    config::Config,
    error::{Error, Result},
    outgoing::{self, Reach, reason},
};

/// As long as tsuru waits.
const CONNECT: Duration = Duration::from_secs(15);
const ALL: Duration = Duration::from_secs(60);
const AGENT: &str = "tsuru-webhook-client/1.0";

/// What is said, and by whom.
pub struct Message<'a> {
    /// The delivery: the same at each try.
    pub id: &'a str,
    /// Seconds since 1970.
    pub timestamp: i64,
    /// Method.
    pub method: Method,
    /// Body.
    pub body: String,
    /// It is the event as JSON.
    pub is_event: bool,
}

/// Calls the receiver; an error unless it answers with less than 400.
pub async fn send(config: &Config, hook: &Webhook, key: &SigningKey, message: Message<'_>) -> Result<()> {
    let url = outgoing::url(hook.url.expose(), config.outgoing)?;
    let client = client(config, hook, &url)?;
    let headers = headers(hook, key, &message)?;
    let response = client.request(message.method, url).headers(headers).body(message.body).send().await;
    let status = response.map_err(|e| Error::refused(reason(&e)))?.status().as_u16();
    if status < 400 { Ok(()) } else { Err(Error::refused(format!("invalid status code calling hook: {status}"))) }
}

/// What the webhook says of headers, and ours, which it cannot replace.
fn headers(hook: &Webhook, key: &SigningKey, message: &Message<'_>) -> Result<HeaderMap> {
    let mut headers = HeaderMap::new();
    let known = hook.headers.iter().flat_map(|(name, values)| values.iter().map(move |value| (name, value)));
    for (name, value) in known {
        let name = HeaderName::from_bytes(name.as_bytes()).map_err(Error::internal)?;
        headers.append(name, HeaderValue::from_str(value.expose()).map_err(Error::internal)?);
    }
    if !headers.contains_key(USER_AGENT) {
        headers.insert(USER_AGENT, HeaderValue::from_static(AGENT));
    }
    if message.is_event {
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    }
    let signature = key.sign(message.id, message.timestamp, &message.body)?;
    for (name, value) in
        [("webhook-id", message.id), ("webhook-timestamp", &message.timestamp.to_string()), ("webhook-signature", &signature)]
    {
        headers.insert(HeaderName::from_static(name), HeaderValue::from_str(value).map_err(Error::internal)?);
    }
    Ok(headers)
}

/// The webhook's own proxy may be no more private than its receiver; the settings' one may.
fn client(config: &Config, hook: &Webhook, url: &Url) -> Result<Client> {
    let own = (!hook.proxy_url.is_empty()).then(|| hook.proxy_url.expose());
    let settings = url.host_str().and_then(|host| config.proxies.get(host)).map(String::as_str);
    let reach = if own.is_none() && settings.is_some() { Reach::Everything } else { config.outgoing };
    let mut builder = outgoing::builder(reach).connect_timeout(CONNECT).timeout(ALL).pool_max_idle_per_host(0);
    if let Some(proxy) = own.or(settings) {
        let address = Url::parse(proxy).map_err(|e| Error::refused(format!("proxy: {e}")))?;
        outgoing::within(&address, reach)?;
        builder = builder.proxy(Proxy::all(address).map_err(|e| Error::refused(format!("proxy: {e}")))?);
    }
    if hook.insecure {
        builder = builder.tls_danger_accept_invalid_certs(true);
    }
    builder.build().map_err(Error::internal)
}
