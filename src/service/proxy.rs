//! Which paths of a broker callers may reach through this server.

use reqwest::Method;

use super::Instance;
use crate::error::{Error, Result};

/// Paths below an instance that only this server itself calls to change something.
const RESERVED: [&str; 4] = ["", "bind-app", "bind-job", "bind"];

/// A path and a query that callers asked for, safe to put behind a broker's address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    /// Segments, decoded.
    pub path: Vec<String>,
    /// Query without `?`.
    pub query: String,
}

impl Asked {
    /// The path below the instance that it is about, with its first slash.
    pub fn below(&self) -> String {
        format!("/{}", self.path.get(2..).unwrap_or_default().join("/"))
    }
}

/// Anything of a broker, for those who run the service.
pub fn of_service(asked: &str) -> Result<Asked> {
    let (path, query) = asked.split_once('?').unwrap_or((asked, ""));
    Ok(Asked { path: segments(path)?, query: query.into() })
}

/// Something of one instance: a path that begins with the instance's own, or one below it.
pub fn of_instance(instance: &Instance, method: &Method, asked: &str) -> Result<Asked> {
    let Asked { path, query } = of_service(asked)?;
    let own = ["resources", instance.name.as_str()];
    let below = match path.strip_prefix(&own.map(String::from)[..]) {
        Some(below) => below.to_vec(),
        // Another instance of the broker is nobody's business here.
        None if path.first().is_some_and(|first| first == "resources") => return Err(invalid()),
        None => path,
    };
    let relative = below.join("/");
    let reserved = RESERVED.contains(&relative.as_str()) || below.first().is_some_and(|first| first == "binds");
    if reserved && method != Method::GET {
        return Err(Error::invalid(format!("proxy request {method} {relative:?} is forbidden")));
    }
    Ok(Asked { path: own.map(String::from).into_iter().chain(below).collect(), query })
}

/// The decoded segments of a path that stays where it is said to be, however often a server decodes it.
fn segments(path: &str) -> Result<Vec<String>> {
    let parts = path.split('/').filter(|part| !part.is_empty());
    parts.map(|part| if is_safe(part) { Ok(decoded(part)) } else { Err(invalid()) }).collect()
}

fn invalid() -> Error {
    Error::refused("invalid proxy path")
}

fn is_safe(part: &str) -> bool {
    let mut text = part.to_owned();
    loop {
        let moves = text == "." || text == ".." || text.starts_with("..;") || text.contains(['\\', '#', '/']);
        if moves || text.chars().any(char::is_control) {
            return false;
        }
        let next = decoded(&text);
        if next == text {
            return true;
        }
        text = next;
    }
}

/// Escapes undone once; what is no escape stays.
fn decoded(text: &str) -> String {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        let escape = if first == b'%' { after.split_at_checked(2) } else { None };
        let byte = escape.and_then(|(digits, tail)| Some((hex(digits)?, tail)));
        let (byte, tail) = byte.unwrap_or((first, after));
        out.push(byte);
        rest = tail;
    }
    String::from_utf8_lossy(&out).into_owned()
}

fn hex(digits: &[u8]) -> Option<u8> {
    let text = std::str::from_utf8(digits).ok().filter(|text| text.bytes().all(|byte| byte.is_ascii_hexdigit()))?;
    u8::from_str_radix(text, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn instance() -> Instance {
        bson::deserialize_from_document(bson::doc! {"_id": bson::oid::ObjectId::new(), "name": "db1", "service_name": "mysql"}).unwrap()
    }

    fn asked(method: Method, path: &str) -> Result<String, String> {
        let found = of_instance(&instance(), &method, path).map_err(|e| e.to_string())?;
        Ok(format!("/{}?{}", found.path.join("/"), found.query))
    }

    #[test]
    fn paths_are_those_of_the_instance_or_below_it() {
        for (path, expected) in [
            ("/resources/db1/backups", "/resources/db1/backups?"),
            ("backups/today?x=1", "/resources/db1/backups/today?x=1"),
            ("", "/resources/db1?"),
            ("/resources/db1", "/resources/db1?"),
            ("/a%20b//c", "/resources/db1/a b/c?"),
        ] {
            assert_eq!(asked(Method::GET, path).as_deref(), Ok(expected), "{path}");
        }
    }

    #[test]
    fn no_path_leads_out_of_the_instance() {
        for path in [
            "/resources/other",
            "/resources",
            "/resources/db1/../other",
            "/resources/db1/%2e%2e/other",
            "/resources/db1/%252e%252e/other",
            "/resources/db1/.%2E/x",
            "/resources/db1/..%2fother",
            "/resources/db1/a\\..\\b",
            "../plans",
            "/a/./b",
            "/%00",
            "/a#b",
            "/..;/other",
        ] {
            assert_eq!(asked(Method::GET, path), Err("invalid proxy path".into()), "{path}");
        }
    }

    #[test]
    fn binding_and_removing_do_not_go_around_this_server() {
        for path in
            ["", "/", "/resources/db1", "/resources/db1/", "/resources/db1/bind-app", "bind", "%62ind-app", "bind-job/", "binds/jobs/x"]
        {
            assert!(asked(Method::POST, path).unwrap_err().ends_with("is forbidden"), "{path}");
            assert!(asked(Method::GET, path).is_ok(), "{path}");
        }
        assert_eq!(asked(Method::POST, "/resources/db1/bind-app"), Err(r#"proxy request POST "bind-app" is forbidden"#.into()));
    }
}
