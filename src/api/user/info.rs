//! `GET /users/info`.

use super::view::Everything;
use crate::api::{Answer, Call, answer};

/// Who the caller is and what they hold.
pub async fn info(call: Call) -> Answer {
    let everything = Everything::load(&call.ctx.store).await?;
    answer::json(&everything.caller(call.caller()?))
}
