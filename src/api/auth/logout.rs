//! `DELETE /users/tokens`.

use actix_web::HttpResponse;

use crate::{
    api::{Answer, Call, answer},
    auth::session,
    config::sign_on::Scheme,
};

/// Ends the caller's session. Where all people come with a provider's own tokens, only the provider can end them.
pub async fn logout(call: Call) -> Answer {
    if call.ctx.config.auth.schemes.iter().all(|scheme| matches!(scheme, Scheme::Oidc(_))) {
        return Ok(HttpResponse::NotImplemented().finish());
    }
    if let Some(token) = call.token() {
        session::close(&call.ctx.store, token).await?;
    }
    answer::ok()
}
