//! Ends of runs, as events.

use bson::doc;

use super::target;
use crate::{
    clock::Time,
    context::Context,
    error::{Error, Result},
    event::{Allowed, Begin, Event, document::Named},
    permission::{Context as Place, ContextType},
    provisioner::JobEnd,
    store::Filter,
};

const KIND: &str = "job.run";
/// Events of runs are kept so long.
const OLDEST: i64 = 24 * 60 * 60 * 1000;
const PAUSE: std::time::Duration = std::time::Duration::from_secs(5);

/// Notes ends of runs as long as the server runs. One that was not noted before a crash is noted after it.
pub async fn keep(ctx: Context) {
    loop {
        for end in ctx.provisioners.local().ended_jobs().await {
            if let Err(e) = note(&ctx, &end).await {
                tracing::warn!(job = end.job, run = end.unit, error = %e, "the end of a run could not be noted yet");
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
}

async fn note(ctx: &Context, end: &JobEnd) -> Result<()> {
    let mut event = match ctx.events.begin(begin(end)).await {
        Ok(event) => event,
        // Such events are blocked: nobody wants to read of it.
        Err(Error::Refused(_)) => return ctx.provisioners.local().note_job_end(end).await,
        Err(other) => return Err(other),
    };
    let (kind, reason, message) = match &end.failure {
        None => ("Normal", "Completed", "Job completed"),
        Some(reason) if reason == "BackoffLimitExceeded" => ("Warning", reason.as_str(), "Job has reached the specified backoff limit"),
        Some(reason) => ("Warning", reason.as_str(), "Job was active longer than specified deadline"),
    };
    event.set_end_data(&doc! {
        "job-name": &end.unit, "job-controller": &end.job, "event-type": kind, "event-reason": reason, "message": message,
        "cluster-start-time": end.started_at.rfc3339(),
    });
    let outcome = if end.failure.is_none() { Ok(()) } else { Err(Error::refused(format!("job failed: {message}"))) };
    // The outcome is the run's: it is the event's text, not a failure of ours.
    event.end(outcome).await.ok();
    ctx.provisioners.local().note_job_end(end).await?;
    forget_old(ctx, &end.job).await
}

fn begin(end: &JobEnd) -> Begin {
    Begin {
        target: target(&end.job),
        extra: Vec::new(),
        kind: KIND.into(),
        owner: Named { kind: "internal".into(), name: String::new() },
        source_ip: String::new(),
        data: None,
        allowed: Allowed { scheme: "job.read.events".into(), contexts: vec![Place::new(ContextType::Job, &end.job)] },
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
