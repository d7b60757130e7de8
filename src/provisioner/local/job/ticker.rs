//! The clock of a job: begins a run when it is time. After a pause of the server, what was missed happens once.

use std::{sync::Arc, time::Duration};

use super::{Job, life, record::Record, state};
use crate::{
    clock::Time,
    cron::Schedule,
    error::Result,
    provisioner::{Concurrency, JobState, local::shared::Shared},
};

/// The machine's clock may be set while we sleep.
const LONGEST_SLEEP: Duration = Duration::from_secs(30);
/// What was missed before is not made up for.
const OLDEST: i64 = 24 * 60 * 60 * 1000;
const MINUTE: i64 = 60_000;

/// Runs until the job is removed, or the server ends.
pub async fn tick(shared: Arc<Shared>, job: Arc<Job>) {
    loop {
        let sleep = look(&shared, &job).await.unwrap_or_else(|e| {
            tracing::error!(job = job.name, "a run cannot be begun: {e:?}");
            LONGEST_SLEEP
        });
        tokio::select! {
            () = shared.end.cancelled() => return,
            () = shared.jobs.closed.cancelled() => return,
            () = job.gone.cancelled() => return,
            () = job.changed.notified() => {}
            () = tokio::time::sleep(sleep) => {}
        }
    }
}

/// Begins what is due; how long to sleep then.
async fn look(shared: &Arc<Shared>, job: &Arc<Job>) -> Result<Duration> {
    let _turn = job.turn.lock().await;
    let (wanted, seen) = {
        let state = job.state();
        (state.wanted.clone(), state.seen)
    };
    let Some((want, schedule)) = wanted.and_then(|want| Some((want.clone(), Schedule::parse(&want.schedule?).ok()?))) else {
        return Ok(LONGEST_SLEEP);
    };
    let seen = match due(&schedule, seen, Time::now()) {
        None => seen,
        Some(_) if want.concurrency == Concurrency::Forbid && is_busy(job) => return Ok(LONGEST_SLEEP),
        Some(at) => {
            begin(shared, job, want, at).await?;
            at
        }
    };
    let next = schedule.after(seen).map_or(i64::MAX, |next| next.millis().saturating_sub(Time::now().millis()).max(0));
    Ok(Duration::from_millis(u64::try_from(next).unwrap_or_default()).min(LONGEST_SLEEP))
}

async fn begin(shared: &Arc<Shared>, job: &Arc<Job>, want: JobState, at: Time) -> Result<()> {
    if want.concurrency == Concurrency::Replace {
        let busy: Vec<_> = job.state().runs.iter().filter(|run| !run.record().manual && run.goes_on()).cloned().collect();
        for run in busy {
            life::end_run(job, &run, false).await?;
        }
    }
    // The name says the time: a run that was begun before a crash is not begun again.
    let id = if at.millis() % MINUTE == 0 { at.millis() / MINUTE } else { at.millis() / 1000 };
    let record = Record { id: format!("{}-{id}", job.name), created_at: Time::now().millis(), ..Record::default() };
    let known = job.state().runs.iter().any(|run| run.record().id == record.id);
    if !known {
        life::begin(shared, job, want, record)?;
    }
    state::save_seen(&shared.paths.job(&job.name)?, at)?;
    job.state().seen = at;
    Ok(())
}

fn is_busy(job: &Job) -> bool {
    job.state().runs.iter().any(|run| !run.record().manual && run.goes_on())
}

/// The last time of the schedule after `seen` that is not later than `now`.
fn due(schedule: &Schedule, seen: Time, now: Time) -> Option<Time> {
    let from = seen.max(Time::from_millis(now.millis() - OLDEST));
    let times = std::iter::successors(schedule.after(from), |time| schedule.after(*time));
    times.take_while(|time| *time <= now).last()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn minutes(n: i64) -> Time {
        Time::from_millis(n * MINUTE)
    }

    #[test]
    fn of_the_times_that_were_missed_the_last_is_due() {
        let hourly = Schedule::parse("0 * * * *").unwrap();
        assert_eq!(due(&hourly, minutes(61), minutes(119)), None);
        assert_eq!(due(&hourly, minutes(61), minutes(120)), Some(minutes(120)));
        assert_eq!(due(&hourly, minutes(61), minutes(60 * 10 + 5)), Some(minutes(60 * 10)));
        assert_eq!(due(&hourly, minutes(120), minutes(120)), None, "once only");
    }

    #[test]
    fn a_long_pause_costs_no_long_count() {
        let often = Schedule::parse("@every 1s").unwrap();
        let year = 365 * 24 * 60;
        assert_eq!(due(&often, minutes(0), minutes(year)), Some(minutes(year)));
    }
}
