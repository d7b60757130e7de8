//! Routers: how requests from outside reach apps.

mod choose;

pub use choose::choose;

/// The router of the local provisioner: this server passes requests on by host name.
pub const LOCAL: &str = "local";
/// What clients say for "no router".
pub const NONE: &str = "none";

/// A router.
#[derive(Clone, Debug)]
pub struct Router {
    /// Name.
    pub name: String,
    /// Type.
    pub kind: String,
    /// Apps without router get it.
    pub default: bool,
}

/// All routers, by name.
pub fn all() -> Vec<Router> {
    vec![Router { name: LOCAL.into(), kind: LOCAL.into(), default: true }]
}
