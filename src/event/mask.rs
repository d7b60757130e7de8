//! Secrets that tsuru's server left in its events: environments of deployed apps, variables that came as JSON, keys of clusters, headers
//! of routers and webhooks, passwords, also in addresses. They are hidden when an
//! event is read, and for good when its database is sealed.

use bson::{Bson, Document};
use serde::Deserializer;

use crate::store::lenient;

/// What stands for a secret.
const MASK: &str = "*****";
/// Last words of the names of secret fields. Addresses of webhooks count: they are often all that a receiver asks for.
const SECRET: [&str; 10] =
    ["password", "clientkey", "client-key-data", "clientkeydata", "token", "secret", "authorization", "api-key", "url", "proxy_url"];

/// Data of an event as it is stored, without secrets.
pub fn any<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Bson>, D::Error> {
    let mut any = lenient::any(from)?;
    if let Some(value) = &mut any {
        hide(value);
    }
    Ok(any)
}

/// Hides what is secret; true when something was.
pub fn hide(value: &mut Bson) -> bool {
    match value {
        Bson::Document(doc) => hide_in(doc),
        Bson::Array(items) => items.iter_mut().filter_map(|item| hide(item).then_some(())).count() > 0,
        Bson::String(text) if has_password(text) => mask(value),
        _ => false,
    }
}

/// `http://user:password@host`
fn has_password(text: &str) -> bool {
    let authority = text.split_once("://").and_then(|(_, rest)| rest.split(['/', '?', '#']).next());
    authority.is_some_and(|authority| authority.contains('@'))
}

fn hide_in(doc: &mut Document) -> bool {
    let named = doc.get_str("name").is_ok_and(is_secret);
    if doc.contains_key("value") && (named || doc.get_bool("public").is_ok_and(|public| !public)) {
        return doc.get_mut("value").is_some_and(mask);
    }
    let mut hidden = false;
    for (name, value) in doc.iter_mut() {
        hidden |= if is_secret(name) && !matches!(value, Bson::Document(_)) { mask(value) } else { hide(value) };
    }
    hidden
}

fn mask(value: &mut Bson) -> bool {
    match value {
        Bson::Null | Bson::Undefined | Bson::Boolean(_) => false,
        Bson::String(text) if text.is_empty() || text == MASK => false,
        Bson::Array(items) => items.iter_mut().filter_map(|item| mask(item).then_some(())).count() > 0,
        other => {
            *other = Bson::String(MASK.into());
            true
        }
    }
}

/// `password`, `kubeConfig.user.token`, `headers.Authorization.0`, `config.headers.X-Key`, `envs.0.value`; not `:token`, which is part of a path.
fn is_secret(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    let last = name.split('.').rfind(|word| !word.bytes().all(|b| b.is_ascii_digit())).unwrap_or_default();
    let values = |(first, rest): (&str, &str)| match first {
        "headers" => true,
        "config" => rest.starts_with("headers."),
        "envs" => last == "value",
        _ => false,
    };
    name.split_once('.').is_some_and(values) || SECRET.contains(&last)
}

#[cfg(test)]
mod tests {
    use bson::bson;

    use super::*;

    fn hidden(mut value: Bson) -> (bool, Bson) {
        (hide(&mut value), value)
    }

    #[test]
    fn private_values_of_a_deployed_app_are_hidden() {
        let app = |secret: &str| bson!({"app": {"env": {"A": {"name": "A", "value": secret, "public": false}, "B": {"name": "B", "value": "x", "public": true}}}});
        assert_eq!(hidden(app("hush")), (true, app("*****")));
        assert_eq!(hidden(app("*****")), (false, app("*****")));
    }

    #[test]
    fn secret_fields_of_a_request_are_hidden() {
        let asked = |a: &str, b: &str| bson!([{"name": "clientkey", "value": a}, {"name": "headers.X-A.0", "value": b}, {"name": ":token_id", "value": "ci"}]);
        assert_eq!(hidden(asked("k", "h")), (true, asked("*****", "*****")));
        let variable = |value: &str| bson!([{"name": "envs.0.name", "value": "A"}, {"name": "envs.0.value", "value": value}]);
        assert_eq!(hidden(variable("hush")), (true, variable("*****")));
        let service = |endpoint: &str| bson!([{"name": "endpoint", "value": endpoint}]);
        assert_eq!(hidden(service("http://u:p@broker/")), (true, service("*****")));
        assert!(!hidden(service("http://broker/a@b")).0);
        let router =
            |header: &str| bson!([{"name": "config.api-url", "value": "http://r"}, {"name": "config.headers.X-Key", "value": header}]);
        assert_eq!(hidden(router("hush")), (true, router("*****")));
        assert_eq!(hidden(bson!([{"name": "url", "value": "http://hook"}])).1, bson!([{"name": "url", "value": "*****"}]));
        assert!(!hidden(bson!([{"name": "description", "value": "a token"}, {"name": "password", "value": ""}])).0);
    }
}
