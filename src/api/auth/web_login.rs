//! `POST /auth/webLogin`, of the ImPaaS manager.

use crate::{
    api::{Answer, Call, answer},
    auth::web_login::{self, Attempt},
};

/// Makes a provider's token work here as it is.
pub async fn login(mut call: Call) -> Answer {
    let inputs = call.inputs().await?;
    let attempt = Attempt { token: inputs.text("token").into(), email: inputs.text("email").into(), address: call.address() };
    call.ctx.metrics.logins.counted("web", web_login::login(&call.ctx, attempt)).await?;
    answer::ok()
}
