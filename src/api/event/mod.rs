//! Events and blocks.

pub mod block;
pub mod cancel;
pub mod data;
pub mod info;
pub mod kinds;
pub mod list;

use bson::oid::ObjectId;

use crate::{
    error::{Error, Result},
    event::view,
};

/// An id as clients write it.
fn id(text: &str) -> Result<ObjectId> {
    ObjectId::parse_str(text).map_err(|_e| Error::invalid(format!("uuid parameter is not ObjectId: {text}")))
}
