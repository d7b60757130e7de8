//! An app's log: two bounded files that every shim and the server append to. They are the only truth: a reader that knows its place
//! in them loses and doubles nothing, whoever crashes.

pub mod append;
mod follow;
mod line;
mod read;

pub use follow::stream;
pub use line::{Entry, Splitter};
pub use read::last;

/// The file that is written.
const CURRENT: &str = "current";
/// The file before it.
const PREVIOUS: &str = "previous";
/// When a new file begins: an app's log takes twice that at most.
const LIMIT: u64 = 4 << 20;
