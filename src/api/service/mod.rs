//! Routes of services and their instances.

pub mod access;
pub mod create;
pub mod doc;
pub mod info;
pub mod instance;
pub mod list;
pub mod manifest;
pub mod plans;
pub mod proxy;
pub mod remove;
pub mod update;
mod view;
mod wish;

use crate::{
    api::Call,
    context::Context,
    error::{Error, Result},
    event::Locked,
    permission::ContextType,
    request_id,
};

/// Does work on a locked thing to its end, also when the client hangs up, and ends its event.
async fn through<T, W, F>(ctx: &Context, thing: Locked<T>, work: W) -> Result<()>
where
    T: Send + Sync + 'static,
    W: FnOnce(Context, Locked<T>) -> F,
    F: Future<Output = (Locked<T>, Result<()>)> + Send + 'static,
{
    let work = work(ctx.clone(), thing);
    let done = ctx.runtime.spawn(request_id::carried(async move {
        let (thing, done) = work.await;
        thing.end(done).await
    }));
    done.await.map_err(Error::internal)?
}

/// The one team for which the caller holds a permission; `ambiguous` when there are several, or it is held for all.
fn only_team(call: &Call, permission: &str, ambiguous: &str) -> Result<String> {
    let names = call.caller()?.grants.names(permission, ContextType::Team);
    match names.as_deref() {
        Some([]) => Err(Error::forbidden()),
        Some([team]) => Ok(team.clone()),
        _ => Err(Error::invalid(ambiguous)),
    }
}
