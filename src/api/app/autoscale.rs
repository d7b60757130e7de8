//! `GET/POST /apps/{app}/units/autoscale`. The local provisioner does not scale by itself.

use crate::{
    api::{Answer, Call, answer},
    error::Error,
    event::Subject,
};

/// The app's settings: it has none.
pub async fn get(call: Call) -> Answer {
    let app = call.app().await?;
    call.permit("app.read", &app.contexts())?;
    answer::json(&Option::<()>::None)
}

/// Refuses settings.
pub async fn add(call: Call) -> Answer {
    let app = call.app().await?;
    call.permit("app.update.unit.autoscale.add", &app.contexts())?;
    Err(Error::NotYet("autoscale is not there yet in this server: set the number of units with \"unit set\"".into()))
}
