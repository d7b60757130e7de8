//! What a webhook must be like.

use reqwest::{
    Url,
    header::{HeaderName, HeaderValue},
};

use super::{Webhook, template::Template};
use crate::{
    error::{Error, Result},
    names,
    store::Store,
    team::Team,
};

/// The longest template.
const LONGEST_BODY: usize = 64 << 10;
const NAME: &str = "Invalid webhook name, webhook name should have at most 40 characters, containing only lower case letters, numbers or \
                    dashes, starting with a letter.";

/// 400 for a wrong name.
pub fn name(name: &str) -> Result<()> {
    match name {
        "" => Err(Error::invalid("webhook name must not be empty")),
        name if !names::is_common(name) => Err(Error::invalid(NAME)),
        _ => Ok(()),
    }
}

/// 400 for what cannot work.
pub async fn webhook(store: &Store, hook: &Webhook) -> Result<()> {
    if hook.url.is_empty() {
        return Err(Error::invalid("webhook url must not be empty"));
    }
    url(hook.url.expose(), &["http", "https"]).map_err(|why| Error::invalid(format!("webhook url is not valid: {why}")))?;
    if !hook.proxy_url.is_empty() {
        url(hook.proxy_url.expose(), &["http", "https", "socks5"])
            .map_err(|why| Error::invalid(format!("webhook proxy url is not valid: {why}")))?;
    }
    for (name, values) in &hook.headers {
        let right = HeaderName::from_bytes(name.as_bytes()).is_ok() && values.iter().all(|v| HeaderValue::from_str(v.expose()).is_ok());
        if !right {
            return Err(Error::invalid(format!("webhook header {name:?} is not valid")));
        }
    }
    if reqwest::Method::from_bytes(hook.method.to_uppercase().as_bytes()).is_err() && !hook.method.is_empty() {
        return Err(Error::invalid(format!("webhook method {:?} is not valid", hook.method)));
    }
    if hook.body.len() > LONGEST_BODY {
        return Err(Error::invalid("webhook body is longer than 64 KiB"));
    }
    Template::parse(&hook.body).map_err(|why| Error::invalid(format!("webhook body is not a valid template: {why}")))?;
    Team::load(store, &hook.team_owner).await.map(drop)
}

/// Why an address is none, in Go's words where it has them.
fn url(text: &str, schemes: &[&str]) -> Result<Url, String> {
    let parse = |why: &str| format!("parse {text:?}: {why}");
    if text.chars().any(|c| c.is_ascii_control()) {
        return Err(parse("net/url: invalid control character in URL"));
    }
    if text.starts_with(':') {
        return Err(parse("missing protocol scheme"));
    }
    let scheme = text.split_once(':').map(|(scheme, _)| scheme.to_ascii_lowercase()).unwrap_or_default();
    if !schemes.contains(&scheme.as_str()) {
        return Err(format!("unsupported protocol scheme {scheme:?}"));
    }
    Url::parse(text).map_err(|e| parse(&e.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_refused_in_gos_words() {
        let why = |text| url(text, &["http", "https"]).unwrap_err();
        assert_eq!(why(":bad"), "parse \":bad\": missing protocol scheme");
        assert_eq!(why("a\nb"), "parse \"a\\nb\": net/url: invalid control character in URL");
        assert_eq!(why("ftp://x"), "unsupported protocol scheme \"ftp\"");
        assert_eq!(why("example.org/x"), "unsupported protocol scheme \"\"");
        assert!(why("http://x:port/").starts_with("parse \"http://x:port/\": "));
        assert!(url("https://example.org:8080/x?y", &["https"]).is_ok());
    }
}
