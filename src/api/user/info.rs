//! `GET /users/info`.

use super::view::Everything;
use crate::{
    api::{Answer, Call, answer},
    auth::CallerKind,
    error::Error,
};

/// Who the caller is and what they hold.
pub async fn info(call: Call) -> Answer {
    if call.caller()?.kind == CallerKind::Peer {
        return Err(Error::refused("no token user"));
    }
    let everything = Everything::load(&call.ctx.store).await?;
    answer::json(&everything.caller(call.caller()?))
}
