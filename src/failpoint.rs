//! Places where a test can end the server as `kill -9` would: before and after each effect that others see. In release builds there are
//! none.

/// The variable that names the one to stop at.
pub const VARIABLE: &str = "IMPAAS_FAILPOINT";

/// Every place, in the order a deploy comes by.
pub const ALL: [&str; 10] = [
    "deploy:noted",
    "deploy:version-made",
    "deploy:built",
    "rollout:noted",
    "cluster:before-write",
    "cluster:written",
    "cluster:removed",
    "rollout:applied",
    "router:ensured",
    "deploy:finished",
];

/// Ends the server here when [`VARIABLE`] says so: `NAME`, or `NAME#3` for the third time it is reached.
#[cfg(debug_assertions)]
pub fn reach(name: &str) {
    use std::sync::atomic::{AtomicUsize, Ordering};
    static REACHED: AtomicUsize = AtomicUsize::new(0);
    debug_assert!(ALL.contains(&name), "{name} is not listed");
    let Ok(wanted) = std::env::var(VARIABLE) else { return };
    let (wanted, time) = wanted.rsplit_once('#').unwrap_or((&wanted, "1"));
    if wanted == name && REACHED.fetch_add(1, Ordering::Relaxed) + 1 == time.parse().unwrap_or(1) {
        std::process::abort();
    }
}

/// Nothing ends here.
#[cfg(not(debug_assertions))]
pub fn reach(_: &str) {}
