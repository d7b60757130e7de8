//! `GET /volumes`

use super::view::VolumeView;
use crate::{
    api::{Answer, Call, answer},
    permission::ContextType,
    store::Filter,
    volume::{Bind, Volume},
};

/// The volumes that the caller may read, each with its binds.
pub async fn list(call: Call) -> Answer {
    let volumes = call.ctx.store.of::<Volume>().find(readable(&call)?).await?;
    let binds = call.ctx.store.of::<Bind>().find(Filter::any_of("_id.volume", volumes.iter().map(|volume| &volume.name))).await?;
    let with_binds = |volume: Volume| {
        let own = binds.iter().filter(|bind| bind.id.volume == volume.name).cloned().collect();
        VolumeView::new(volume, own)
    };
    answer::json_list(&volumes.into_iter().map(with_binds).collect::<Vec<_>>())
}

fn readable(call: &Call) -> crate::error::Result<Filter> {
    let contexts = call.caller()?.grants.contexts("volume.read");
    if contexts.iter().any(|context| context.kind == ContextType::Global) {
        return Ok(Filter::All);
    }
    let of = |kind: ContextType| contexts.iter().filter(move |context| context.kind == kind).map(|context| &context.value);
    Ok(Filter::Or(vec![
        Filter::any_of("_id", of(ContextType::Volume)),
        Filter::any_of("teamowner", of(ContextType::Team)),
        Filter::any_of("pool", of(ContextType::Pool)),
    ]))
}
