//! Ends of runs, as events: one each, also when several servers see it, or one sees it again after a crash.

use bson::{doc, oid::ObjectId};
use sha2::{Digest, Sha256};

use super::{Job, target};
use crate::{
    clock::Time,
    context::Context,
    error::Result,
    event::{Allowed, Begin, Event, Subject, document::Named},
    provisioner::{DynProvisioner, JobEnd},
    store::Filter,
};

const KIND: &str = "job.run";
const HOUR: i64 = 60 * 60 * 1000;
/// Events of runs are kept so long.
const OLDEST: i64 = 24 * HOUR;
/// A run that ended before was noted already, and its event may be gone.
const NEWS: i64 = 23 * HOUR;
const PAUSE: std::time::Duration = std::time::Duration::from_secs(5);

/// Notes ends of runs as long as the server runs.
pub async fn keep(ctx: Context) {
    loop {
        let (provisioner, ends) = ctx.provisioners.ended_jobs().await;
        for end in ends {
            if let Err(e) = noted(&ctx, &provisioner, &end).await {
                tracing::warn!(job = end.job, run = end.unit, error = %e, "the end of a run could not be noted yet");
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
}

async fn noted(ctx: &Context, provisioner: &DynProvisioner, end: &JobEnd) -> Result<()> {
    note(ctx, end).await?;
    provisioner.note_job_end(end).await
}

async fn note(ctx: &Context, end: &JobEnd) -> Result<()> {
    let job = ctx.store.of::<Job>().get(Filter::eq("name", &end.job)).await?;
    let is_new = end.ended_at.millis() > Time::now().millis() - NEWS;
    let Some(job) = job.filter(|_| is_new) else { return Ok(()) };
    let (kind, reason, message) = match &end.failure {
        None => ("Normal", "Completed", "Job completed"),
        Some(reason) if reason == "BackoffLimitExceeded" => ("Warning", reason.as_str(), "Job has reached the specified backoff limit"),
        Some(reason) => ("Warning", reason.as_str(), "Job was active longer than specified deadline"),
    };
    let data = doc! {
        "job-name": &end.unit, "job-controller": &end.controller, "event-type": kind, "event-reason": reason, "message": message,
        "cluster-start-time": end.started_at.rfc3339(),
    };
    let error = end.failure.as_ref().map(|_| format!("job failed: {message}")).unwrap_or_default();
    if ctx.events.keep_past(&begin(&job), id(end), error, &data).await? {
        forget_old(ctx, &end.job).await?;
    }
    Ok(())
}

/// The same whoever sees the end.
fn id(end: &JobEnd) -> ObjectId {
    let mut bytes = [0; 12];
    let seconds = u32::try_from(end.started_at.millis() / 1000).unwrap_or_default().to_be_bytes();
    let own = seconds.into_iter().chain(Sha256::digest(&end.id));
    bytes.iter_mut().zip(own).for_each(|(byte, own)| *byte = own);
    ObjectId::from_bytes(bytes)
}

fn begin(job: &Job) -> Begin {
    Begin {
        target: target(&job.name),
        extra: Vec::new(),
        kind: KIND.into(),
        owner: Named { kind: "internal".into(), name: String::new() },
        source_ip: String::new(),
        data: None,
        allowed: Allowed { scheme: job.events_permission().into(), contexts: job.contexts() },
        allowed_cancel: None,
        locks: false,
    }
}

async fn forget_old(ctx: &Context, job: &str) -> Result<()> {
    let oldest = Time::from_millis(Time::now().millis() - OLDEST);
    let old = Filter::eq("kind.name", KIND).and(Filter::eq("target.value", job)).and(Filter::lt("starttime", oldest));
    ctx.store.of::<Event>().delete(old.and(Filter::eq("running", false))).await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_runs_event_has_an_id_that_its_run_gives_it() {
        let end = |id: &str| JobEnd {
            job: "j".into(),
            unit: "j-1".into(),
            id: id.into(),
            controller: "j".into(),
            started_at: Time::from_millis(1_795_218_360_000),
            ended_at: Time::from_millis(1_795_218_361_000),
            failure: None,
        };
        assert_eq!(id(&end("a")), id(&end("a")));
        assert_ne!(id(&end("a")), id(&end("b")));
        assert_eq!(id(&end("a")).timestamp().timestamp_millis(), 1_795_218_360_000);
    }
}
