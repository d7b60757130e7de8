//! Host names to apps. Readers take a snapshot; a change replaces it at once.

use std::{
    collections::HashMap,
    sync::{
        Arc, PoisonError, RwLock,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
};

use super::backend::{Backend, Busy};

/// Every app's host names end with it.
const SUFFIX: &str = ".localhost";

/// An app as the router sees it.
#[derive(Debug, Default)]
pub struct Route {
    /// Its name.
    pub app: String,
    /// Its own host names.
    pub cnames: Vec<String>,
    /// Its ready units.
    pub backends: Vec<Arc<Backend>>,
    /// What to say without any.
    pub absent: String,
    /// Round and round.
    pub next: AtomicUsize,
}

impl Route {
    /// The next unit in turn that takes a request and is none of these.
    pub fn pick(&self, tried: &[Arc<Backend>]) -> Option<(Arc<Backend>, Busy)> {
        let first = self.next.fetch_add(1, Relaxed);
        let turn = (0..self.backends.len()).map(|step| first.wrapping_add(step) % self.backends.len());
        let fresh = turn.filter_map(|at| self.backends.get(at)).filter(|backend| !tried.iter().any(|one| Arc::ptr_eq(one, backend)));
        fresh.filter_map(|backend| backend.take().map(|busy| (backend.clone(), busy))).next()
    }
}

#[derive(Debug, Default)]
struct Names {
    apps: HashMap<String, Arc<Route>>,
    cnames: HashMap<String, String>,
}

/// The routing table.
#[derive(Debug, Default)]
pub struct Table(RwLock<Arc<Names>>);

impl Table {
    /// The app of a `Host` header. An app's default name is always its own, whatever others claim.
    pub fn find(&self, host: &str) -> Option<Arc<Route>> {
        let names = self.0.read().unwrap_or_else(PoisonError::into_inner).clone();
        let host = host_name(host);
        if let Some(route) = host.strip_suffix(SUFFIX).and_then(|app| names.apps.get(app)) {
            return Some(route.clone());
        }
        let parents = host.match_indices('.').filter_map(|(at, _)| host.get(at..)).map(|rest| format!("*{rest}"));
        let app = std::iter::once(host.clone()).chain(parents).find_map(|name| names.cnames.get(&name))?;
        names.apps.get(app).cloned()
    }

    /// Puts an app's route in the place of its last one.
    pub fn set(&self, route: Route) {
        self.change(|names| {
            names.cnames.retain(|_, app| *app != route.app);
            for cname in &route.cnames {
                names.cnames.entry(cname.to_ascii_lowercase()).or_insert_with(|| route.app.clone());
            }
            names.apps.insert(route.app.clone(), Arc::new(route));
        });
    }

    /// Forgets an app.
    pub fn remove(&self, app: &str) {
        self.change(|names| {
            names.apps.remove(app);
            names.cnames.retain(|_, owner| owner != app);
        });
    }

    fn change(&self, change: impl FnOnce(&mut Names)) {
        let mut current = self.0.write().unwrap_or_else(PoisonError::into_inner);
        let mut names = Names { apps: current.apps.clone(), cnames: current.cnames.clone() };
        change(&mut names);
        *current = Arc::new(names);
    }
}

/// Lower case, without port and final dot.
fn host_name(host: &str) -> String {
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    };
    name.trim_end_matches('.').to_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::provisioner::local::route::Target;

    fn app(name: &str, cnames: &[&str]) -> Route {
        Route { app: name.into(), cnames: cnames.iter().map(|cname| (*cname).to_owned()).collect(), ..Route::default() }
    }

    fn found(table: &Table, host: &str) -> Option<String> {
        table.find(host).map(|route| route.app.clone())
    }

    #[test]
    fn finds_apps_by_name_cname_and_wildcard() {
        let table = Table::default();
        table.set(app("blog", &["www.example.com", "*.blog.example.com"]));
        table.set(app("shop", &["Shop.Example.com", "blog.localhost"]));
        assert_eq!(found(&table, "BLOG.localhost:8888").as_deref(), Some("blog"));
        assert_eq!(found(&table, "www.example.com.").as_deref(), Some("blog"));
        assert_eq!(found(&table, "a.b.blog.example.com").as_deref(), Some("blog"));
        assert_eq!(found(&table, "shop.example.COM:80").as_deref(), Some("shop"));
        for unknown in ["", "localhost", "nope.localhost", "blog.example.com", "x.blog.localhost", "[::1]:8888"] {
            assert_eq!(found(&table, unknown), None, "{unknown}");
        }
        table.set(app("blog", &[]));
        assert_eq!(found(&table, "www.example.com"), None);
        table.remove("shop");
        assert_eq!(found(&table, "shop.localhost"), None);
    }

    #[test]
    fn units_take_turns_and_closed_ones_are_skipped() {
        let backends: Vec<_> = (0..3).map(|n| Backend::new(Target::Files(format!("/{n}").into()))).collect();
        let route = Route { backends: backends.clone(), ..Route::default() };
        let mut counts = [0; 3];
        for _ in 0..9 {
            let (chosen, _) = route.pick(&[]).unwrap();
            counts[backends.iter().position(|one| Arc::ptr_eq(one, &chosen)).unwrap()] += 1;
        }
        assert_eq!(counts, [3, 3, 3]);
        assert!(route.pick(&backends).is_none());
    }
}
