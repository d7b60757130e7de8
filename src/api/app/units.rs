//! The end of one unit.

use bson::{Bson, doc};

use crate::{
    api::{Answer, Call, answer, record::Recording},
    app::rollout,
    event::Subject,
};

/// `DELETE /apps/{app}/units/{unit}`: its replacement starts by itself.
pub async fn kill(mut call: Call) -> Answer {
    let app = call.app().await?;
    call.permit("app.update.unit.kill", &app.contexts())?;
    let unit = call.var("unit").to_owned();
    let force = call.inputs().await?.flag("force");
    let data = Bson::Array(vec![Bson::Document(doc! { "unit": &unit, "force": force })]);
    let app = call.record(Recording::of("app.update.unit.kill").with_data(data), app).await?;
    let done = rollout::kill_unit(&call.ctx, &app, &unit, force).await;
    app.end(done).await?;
    answer::ok()
}
