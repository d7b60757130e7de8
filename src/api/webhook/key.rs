//! `GET /webhooks/key`: how receivers know calls of this server. Ours, not tsuru's.

use crate::{
    api::{Answer, Call, answer},
    webhook::SigningKey,
};

/// The public key.
pub async fn key(call: Call) -> Answer {
    answer::text(format!("{}\n", SigningKey::load(&call.ctx.store).await?.public()))
}
