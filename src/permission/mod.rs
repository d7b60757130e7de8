//! Who may do what: the tree of permissions, the contexts they are granted in, and the check.

pub mod context;
pub mod grant;
pub mod holder;
pub mod role;
pub mod scheme;

pub use context::{Context, ContextType};
pub use grant::{Grant, Grants};
pub use role::Role;
