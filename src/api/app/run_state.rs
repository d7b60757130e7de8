//! What changes the running units of an app: restart, start, stop, more units and fewer.

use crate::{
    api::{
        Answer, Call,
        extract::Inputs,
        record::Recording,
        stream::{self, Format},
    },
    app::{
        App,
        rollout::{self, Which},
    },
    context::Context,
    error::{Error, Result},
    event::{Locked, Subject},
    output::Output,
};

/// What is to become of them.
#[derive(Clone, Copy)]
enum Change {
    Restart,
    Start,
    Stop,
    Add(u32),
    Remove(u32),
}

/// `POST /apps/{app}/restart`.
pub async fn restart(call: Call) -> Answer {
    roll(call, |_| Ok(Change::Restart)).await
}

/// `POST /apps/{app}/start`.
pub async fn start(call: Call) -> Answer {
    roll(call, |_| Ok(Change::Start)).await
}

/// `POST /apps/{app}/stop`.
pub async fn stop(call: Call) -> Answer {
    roll(call, |_| Ok(Change::Stop)).await
}

/// `PUT /apps/{app}/units`.
pub async fn add_units(call: Call) -> Answer {
    roll(call, |inputs| number(inputs).map(Change::Add)).await
}

/// `DELETE /apps/{app}/units`.
pub async fn remove_units(call: Call) -> Answer {
    roll(call, |inputs| number(inputs).map(Change::Remove)).await
}

async fn roll(mut call: Call, change: impl Fn(&Inputs) -> Result<Change>) -> Answer {
    let inputs = call.inputs().await?;
    let change = change(&inputs)?;
    let app = call.app().await?;
    call.permit(change.permission(), &app.contexts())?;
    let app = call.record(Recording::of(change.permission()).cancelable(), app).await?;
    stream::run(&call.ctx, app, Format::Json, move |ctx, app, out| async move {
        let done = match Which::asked(&ctx, &app, inputs.text("process"), inputs.text("version")).await {
            Ok(which) => change.make(&ctx, &app, &which, &out).await,
            Err(e) => Err(e),
        };
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

impl Change {
    fn permission(self) -> &'static str {
        match self {
            Self::Restart => "app.update.restart",
            Self::Start => "app.update.start",
            Self::Stop => "app.update.stop",
            Self::Add(_) => "app.update.unit.add",
            Self::Remove(_) => "app.update.unit.remove",
        }
    }

    async fn make(self, ctx: &Context, app: &Locked<App>, which: &Which, out: &Output) -> Result<()> {
        match self {
            Self::Restart => rollout::restart_all(ctx, app, which, out).await,
            Self::Start => rollout::start(ctx, app, which, out).await,
            Self::Stop => rollout::stop(ctx, app, which, out).await,
            Self::Add(units) => rollout::add_units(ctx, app, which, units, out).await,
            Self::Remove(units) => rollout::remove_units(ctx, app, which, units, out).await,
        }
    }
}
