//! A line of the route table, and how a request finds its line.

use std::{collections::HashMap, pin::Pin};

use super::{Answer, Call};

/// A handler behind one type.
pub type Handler = Box<dyn Fn(Call) -> Pin<Box<dyn Future<Output = Answer>>> + Send + Sync>;

/// Who gets through to the handler.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Door {
    /// Callers with a valid token.
    Token,
    /// Anybody.
    Open,
}

/// One route.
pub struct Route {
    /// `GET`, `POST`, `PUT`, `PATCH`, `DELETE`.
    pub method: &'static str,
    /// The version it came with; later ones answer too.
    pub since: (u32, u32),
    /// Below this version only, where a later route took over the path.
    pub before: Option<(u32, u32)>,
    /// Path with `{name}` and, last, `{name:.*}`.
    pub path: &'static str,
    /// Who gets through.
    pub door: Door,
    /// What answers.
    pub handler: Handler,
}

impl Route {
    /// Anybody may call it.
    #[must_use]
    pub fn open(mut self) -> Self {
        self.door = Door::Open;
        self
    }

    /// Only below this version: a later line has the path from there on.
    #[must_use]
    pub fn before(mut self, later: &str) -> Self {
        self.before = version(later);
        self
    }

    fn serves(&self, version: Option<(u32, u32)>) -> bool {
        version.is_none_or(|v| v >= self.since && self.before.is_none_or(|before| v < before))
    }
}

/// A line of the table; `since` is like `"1.0"`.
pub fn route<F, A>(method: &'static str, since: &'static str, path: &'static str, handler: F) -> Route
where
    F: Fn(Call) -> A + Send + Sync + 'static,
    A: Future<Output = Answer> + 'static,
{
    let handler: Handler = Box::new(move |call| Box::pin(handler(call)));
    Route { method, since: version(since).unwrap_or((1, 0)), before: None, path, door: Door::Token, handler }
}

fn version(text: &str) -> Option<(u32, u32)> {
    let (major, minor) = text.split_once('.')?;
    Some((major.parse().ok()?, minor.parse().ok()?))
}

/// The table, ready to search.
pub struct Router {
    routes: Vec<Route>,
    by_shape: HashMap<(&'static str, usize), Vec<usize>>,
    open_ended: Vec<usize>,
}

/// A found line, the version asked for, and the values of its path variables.
pub struct Match<'a> {
    /// The line.
    pub route: &'a Route,
    /// `1.8` of `/1.8/...`, when the path began with it.
    pub version: Option<String>,
    /// Name and value.
    pub vars: Vec<(&'static str, String)>,
}

impl Router {
    /// Makes a table searchable. Earlier lines win over later ones of the same shape.
    pub fn new(routes: Vec<Route>) -> Self {
        let mut by_shape: HashMap<_, Vec<usize>> = HashMap::new();
        let mut open_ended = Vec::new();
        for (i, route) in routes.iter().enumerate() {
            if route.path.ends_with(":.*}") {
                open_ended.push(i);
            } else {
                by_shape.entry((route.method, route.path.split('/').count())).or_default().push(i);
            }
        }
        Self { routes, by_shape, open_ended }
    }

    /// The table.
    pub fn routes(&self) -> &[Route] {
        &self.routes
    }

    /// The line for a decoded path.
    pub fn find(&self, method: &str, path: &str) -> Option<Match<'_>> {
        let (asked, rest) = split_version(path);
        let numbers = asked.and_then(version);
        let shaped = self.by_shape.get(&(static_method(method)?, rest.split('/').count()));
        let candidates = shaped.into_iter().flatten().chain(&self.open_ended);
        candidates.filter_map(|i| self.routes.get(*i)).filter(|route| route.method == method && route.serves(numbers)).find_map(|route| {
            let vars = variables(route.path, rest)?;
            Some(Match { route, version: asked.map(str::to_owned), vars })
        })
    }
}

fn static_method(method: &str) -> Option<&'static str> {
    ["GET", "POST", "PUT", "PATCH", "DELETE"].into_iter().find(|known| *known == method)
}

/// `/1.8/apps` is version 1.8 of `/apps`.
fn split_version(path: &str) -> (Option<&str>, &str) {
    let Some(rest) = path.strip_prefix('/') else { return (None, path) };
    let (first, _) = rest.split_once('/').unwrap_or((rest, ""));
    if version(first).is_none() {
        return (None, path);
    }
    let tail = path.get(1 + first.len()..).unwrap_or_default();
    (Some(first), if tail.is_empty() { "/" } else { tail })
}

fn variables(pattern: &'static str, path: &str) -> Option<Vec<(&'static str, String)>> {
    let mut vars = Vec::new();
    let mut rest = path.strip_prefix('/')?;
    let mut segments = pattern.strip_prefix('/')?.split('/').peekable();
    while let Some(segment) = segments.next() {
        if let Some(name) = segment.strip_prefix('{').and_then(|s| s.strip_suffix(":.*}")) {
            vars.push((name, rest.to_owned()));
            return Some(vars);
        }
        let (value, tail) = match (rest.split_once('/'), segments.peek()) {
            (Some((value, tail)), Some(_)) => (value, tail),
            (None, None) => (rest, ""),
            _ => return None,
        };
        match segment.strip_prefix('{').and_then(|s| s.strip_suffix('}')) {
            Some(name) if !value.is_empty() => vars.push((name, value.to_owned())),
            None if segment == value => {}
            _ => return None,
        }
        rest = tail;
    }
    Some(vars)
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn nothing(_: Call) -> Answer {
        crate::api::answer::ok()
    }

    fn router() -> Router {
        let old = route("GET", "1.2", "/apps/{app}/certificate", nothing).before("1.24");
        Router::new(vec![
            route("GET", "1.0", "/apps", nothing),
            route("GET", "1.0", "/apps/{app}", nothing),
            old,
            route("GET", "1.24", "/apps/{app}/certificate", nothing),
            route("GET", "1.0", "/healthcheck/", nothing),
            route("GET", "1.20", "/services/{service}/resources/{instance}/{path:.*}", nothing),
        ])
    }

    fn found(path: &str) -> Option<(&'static str, (u32, u32), Vec<String>)> {
        let router = Box::leak(Box::new(router()));
        router.find("GET", path).map(|m| (m.route.path, m.route.since, m.vars.into_iter().map(|v| v.1).collect()))
    }

    #[test]
    fn a_path_is_found_with_and_without_version() {
        assert_eq!(found("/apps").unwrap().0, "/apps");
        assert_eq!(found("/1.0/apps").unwrap().0, "/apps");
        assert_eq!(found("/1.13/apps/x").unwrap().2, ["x"]);
    }

    #[test]
    fn later_versions_reach_earlier_routes_and_not_the_other_way() {
        assert_eq!(found("/1.2/apps/x/certificate").unwrap().1, (1, 2));
        assert_eq!(found("/1.30/apps/x/certificate").unwrap().1, (1, 24));
        assert_eq!(found("/apps/x/certificate").unwrap().1, (1, 2));
        assert!(found("/1.0/apps/x/certificate").is_none());
    }

    #[test]
    fn slashes_matter() {
        assert!(found("/apps/").is_none());
        assert!(found("/healthcheck/").is_some());
        assert!(found("/healthcheck").is_none());
        assert!(found("//apps").is_none());
        assert!(found("apps").is_none());
    }

    #[test]
    fn the_rest_of_a_path_may_hold_slashes_or_nothing() {
        assert_eq!(found("/services/s/resources/i/a/b").unwrap().2, ["s", "i", "a/b"]);
        assert_eq!(found("/services/s/resources/i/").unwrap().2, ["s", "i", ""]);
    }
}
