//! `POST /volumes`

use super::wish::VolumeInput;
use crate::{
    api::{Answer, Call, answer, record::New},
    event::{Target, TargetType},
    permission::{Context, ContextType},
    volume::{self, Wish},
};

/// Makes a volume.
pub async fn create(mut call: Call) -> Answer {
    let wish = Wish::from(call.input::<VolumeInput>().await?);
    let owners = [Context::team(&wish.team_owner), Context::pool(&wish.pool)];
    call.permit("volume.create", &owners)?;
    volume::check_plan(&call.ctx, &wish.pool, &wish.plan).await?;
    let contexts = [&[Context::new(ContextType::Volume, &wish.name)], &owners[..]].concat();
    let new = New { target: Target::new(TargetType::Volume, &wish.name), events_permission: "volume.read.events", contexts };
    let lock = call.record_new("volume.create", new).await?;
    let done = volume::create(&call.ctx, &lock, wish).await;
    lock.end(done).await?;
    answer::created()
}
