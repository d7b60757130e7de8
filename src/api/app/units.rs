//! How many units, and the end of one.

use bson::{Bson, doc};

use crate::{
    api::{
        Answer, Call, answer,
        extract::Inputs,
        record::Recording,
        stream::{self, Format},
    },
    app::{
        App,
        rollout::{self, Which},
    },
    error::{Error, Result},
    event::Subject,
};

/// `PUT /apps/{app}/units`.
pub async fn add(mut call: Call) -> Answer {
    let inputs = call.inputs().await?;
    let units = number(&inputs)?;
    let app = App::load(&call.ctx.store, call.var("app")).await?;
    call.permit("app.update.unit.add", &app.contexts())?;
    let app = call.record(Recording::of("app.update.unit.add").cancelable(), app).await?;
    stream::run(&call.ctx, app, Format::Json, move |ctx, app, out| async move {
        let done = async {
            let which = Which::asked(&ctx, &app, inputs.text("process"), inputs.text("version")).await?;
            rollout::add_units(&ctx, &app, &which, units, &out).await
        };
        let done = done.await;
        (app, done)
    })
    .await
}

/// `DELETE /apps/{app}/units`.
pub async fn remove(mut call: Call) -> Answer {
    let inputs = call.inputs().await?;
    let units = number(&inputs)?;
    let app = App::load(&call.ctx.store, call.var("app")).await?;
    call.permit("app.update.unit.remove", &app.contexts())?;
    let app = call.record(Recording::of("app.update.unit.remove").cancelable(), app).await?;
    stream::run(&call.ctx, app, Format::Json, move |ctx, app, out| async move {
        let done = async {
            let which = Which::asked(&ctx, &app, inputs.text("process"), inputs.text("version")).await?;
            rollout::remove_units(&ctx, &app, &which, units, &out).await
        };
        let done = done.await;
        (app, done)
    })
    .await
}

fn number(inputs: &Inputs) -> Result<u32> {
    let text = inputs.text("units");
    if text.is_empty() {
        return Err(Error::invalid("You must provide the number of units."));
    }
    let number = text.parse::<u32>().ok().filter(|n| *n > 0);
    number.ok_or_else(|| Error::invalid("Invalid number of units: the number must be an integer greater than 0."))
}

/// `DELETE /apps/{app}/units/{unit}`: its replacement starts by itself.
pub async fn kill(mut call: Call) -> Answer {
    let app = App::load(&call.ctx.store, call.var("app")).await?;
    call.permit("app.update.unit.kill", &app.contexts())?;
    let unit = call.var("unit").to_owned();
    let force = call.inputs().await?.flag("force");
    let data = Bson::Array(vec![Bson::Document(doc! { "unit": &unit, "force": force })]);
    let app = call.record(Recording::of("app.update.unit.kill").with_data(data), app).await?;
    let done = rollout::kill_unit(&call.ctx, &app, &unit, force).await;
    app.end(done).await?;
    answer::ok()
}
