//! What [`Filter`](super::Filter) and [`Update`](super::Update) mean, on plain documents: MongoDB's meaning, in pure functions.

mod change;
mod matching;
mod order;
mod path;

pub use change::{apply, check, grouped, made, with_id};
pub use matching::Matcher;
pub use order::{Sorting, compare, key, rank, same};
pub use path::leaves;
