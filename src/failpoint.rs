//! Places where a test can end the server as `kill -9` would, or hold it up: before and after each effect that others see. In release
//! builds there are none.

/// The variable that names the one to end at.
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

/// Ends the server here when [`VARIABLE`] says so: `NAME`, or `NAME#3` for the third time it is reached. With `hold:` before it the server
/// stands still until somebody lets it go on (SIGCONT).
#[cfg(debug_assertions)]
pub fn reach(name: &str) {
    use std::sync::atomic::{AtomicUsize, Ordering};
    static REACHED: AtomicUsize = AtomicUsize::new(0);
    debug_assert!(ALL.contains(&name), "{name} is not listed");
    let Ok(said) = std::env::var(VARIABLE) else { return };
    let (wanted, holds) = said.strip_prefix("hold:").map_or((said.as_str(), false), |wanted| (wanted, true));
    let (wanted, time) = wanted.rsplit_once('#').unwrap_or((wanted, "1"));
    if wanted == name && REACHED.fetch_add(1, Ordering::Relaxed) + 1 == time.parse().unwrap_or(1) {
        if !holds {
            std::process::abort();
        }
        // To this very thread, which so goes no step further. It can fail only where there is no such signal.
        nix::sys::signal::raise(nix::sys::signal::Signal::SIGSTOP).ok();
    }
}

/// Nothing ends here.
#[cfg(not(debug_assertions))]
pub fn reach(_: &str) {}
