//! `GET /volumes`

use super::view::VolumeView;
use crate::{
    api::{Answer, Call, answer},
    permission::ContextType::{self, Pool, Team},
    store::Filter,
    volume::{Bind, Volume},
};

/// Where a volume names the contexts of permissions on it.
const FIELDS: [(ContextType, &str); 3] = [(ContextType::Volume, "_id"), (Team, "teamowner"), (Pool, "pool")];

/// The volumes that the caller may read, each with its binds.
pub async fn list(call: Call) -> Answer {
    let Some(readable) = call.caller()?.grants.filter("volume.read", &FIELDS) else { return answer::json_list::<VolumeView>(&[]) };
    let volumes = call.ctx.store.of::<Volume>().find(readable).await?;
    let binds = call.ctx.store.of::<Bind>().find(Filter::any_of("_id.volume", volumes.iter().map(|volume| &volume.name))).await?;
    let with_binds = |volume: Volume| {
        let own = binds.iter().filter(|bind| bind.id.volume == volume.name).cloned().collect();
        VolumeView::new(volume, own)
    };
    answer::json_list(&volumes.into_iter().map(with_binds).collect::<Vec<_>>())
}
