//! `POST /jobs/{name}/deploy`.

use bson::{Bson, doc};
use serde::Serialize;

use super::load;
use crate::{
    api::{
        Answer, Call,
        deploy::{
            deploy::with_event,
            upload::{self, Form},
        },
        record::Recording,
        stream::{self, Format},
    },
    error::{Error, Result},
    event::Subject,
    job::{self, Deploy},
};

#[derive(Default, Serialize)]
struct EndData {
    image: String,
}

/// Takes an image's name, or a Dockerfile with its files.
pub async fn deploy(mut call: Call) -> Answer {
    early(&mut call).await?;
    let form = Form::take(&mut call).await?;
    let message = form.text("message").to_owned();
    let what = form.job_origin()?;
    let job = load(&call).await?;
    call.permit("job.deploy", &job.contexts()).map_err(in_this_job)?;
    let user = call.caller()?.name.clone();
    let recording = Recording::of("job.deploy").cancelable().owned_by_user(&user).with_data(data(&job.name, &user, &message, &what));
    let mut job = call.record(recording, job).await.map_err(in_this_job)?;
    job.set_end_data(&EndData::default());
    let event = job.event().id();
    let answer = stream::run(&call.ctx, job, Format::Text(""), move |ctx, mut job, out| async move {
        let done = job::deploy(&ctx, &mut job, what, &out).await;
        let done = done.map(|image| job.set_end_data(&EndData { image }));
        (job, done)
    });
    with_event(answer.await, &event)
}

fn data(job: &str, user: &str, message: &str, what: &Deploy) -> Bson {
    let kind = if what.image.is_empty() { "dockerfile" } else { "image" };
    let size = what.file.as_ref().map_or(0, |file| i64::try_from(file.size).unwrap_or(i64::MAX));
    Bson::Document(doc! {
        "jobname": job, "kind": kind, "image": &what.image, "filesize": size, "dockerfile": &what.dockerfile, "message": message, "user": user,
    })
}

/// Nobody uploads gigabytes to a job that is not there or not theirs.
async fn early(call: &mut Call) -> Result<()> {
    let allowed = match load(call).await {
        Ok(job) => call.permit("job.deploy", &job.contexts()).map_err(in_this_job),
        Err(e) => Err(e),
    };
    if allowed.is_err() {
        upload::drain(call).await;
    }
    allowed
}

/// Deploys word a missing permission in their own way.
fn in_this_job(e: Error) -> Error {
    match e {
        Error::Forbidden(_) => Error::Forbidden("User does not have permission to do this action in this job".into()),
        e => e,
    }
}
