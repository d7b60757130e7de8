//! `DELETE /users/tokens`.

use crate::{
    api::{Answer, Call, answer},
    auth::session,
};

/// Ends the caller's session.
pub async fn logout(call: Call) -> Answer {
    if let Some(token) = call.token() {
        session::close(&call.ctx.store, token).await?;
    }
    answer::ok()
}
