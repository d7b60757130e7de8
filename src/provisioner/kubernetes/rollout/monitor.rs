//! Waits until the units of a deployment are what they should be, and tells how that goes. It watches; only when nothing was heard for
//! a while the cluster is asked, so that a watch that died without a word holds up nothing.

use std::{sync::Arc, time::Duration};

use k8s_openapi::api::{
    apps::v1::Deployment,
    core::v1::{Event, Pod},
};
use kube::ResourceExt;
use tokio::time::{Instant, sleep};

use super::{Work, canceled, faults, patience::Patience, site::Site, undo::replica_set};
use crate::{
    error::{Error, Result},
    provisioner::kubernetes::{
        objects::Making,
        words::{self, Counts, Progress},
    },
};

/// Silence after which the cluster is asked.
const SILENCE: Duration = Duration::from_secs(10);
/// An answer that took longer means that the cluster was away.
const SLOW: Duration = Duration::from_secs(2);
const HASH: &str = "pod-template-hash";

/// Waits for the units of a process.
pub async fn until_ready(work: &mut Work<'_>, m: &Making<'_>, written: &Deployment) -> Result<()> {
    let times = work.scene.site.server.times;
    let own = m.process.healthcheck.as_ref().map_or(0, |check| u64::from(check.deploy_timeout_seconds));
    let patience = Patience::new(times.progress, times.health.max(Duration::from_secs(own)));
    let stop = work.stop.clone();
    let waiting = Monitor::new(work, &m.process.name, m.process.version, patience).run(written);
    tokio::select! {
        () = stop.cancelled() => Err(canceled()),
        done = waiting => done,
    }
}

/// Waits for units that come back; nobody can cancel that.
pub async fn again(work: &mut Work<'_>, written: &Deployment, process: &str, version: u32) -> Result<()> {
    let times = work.scene.site.server.times;
    Monitor::new(work, process, version, Patience::new(times.progress, times.health)).run(written).await
}

struct Monitor<'w, 'a> {
    work: &'w mut Work<'a>,
    process: &'w str,
    version: u32,
    patience: Patience,
    progress: Progress,
    /// What the pods of the newest revision are known by.
    hash: Option<String>,
    /// Asked for, because nothing was heard.
    asked: Option<Arc<Deployment>>,
}

impl<'w, 'a> Monitor<'w, 'a> {
    fn new(work: &'w mut Work<'a>, process: &'w str, version: u32, patience: Patience) -> Self {
        Self { work, process, version, patience, progress: Progress::default(), hash: None, asked: None }
    }

    fn site(&self) -> &'a Site {
        &self.work.scene.site
    }

    fn say(&self, text: &str) {
        self.work.scene.out.write(text);
    }

    async fn run(mut self, written: &Deployment) -> Result<()> {
        self.say(&words::waiting(self.process, self.version));
        let (mut deployments, mut pods) = (self.site().deployments.changes(), self.site().pods.changes());
        let mut heard = Instant::now();
        loop {
            if let Some(now) = self.now(written)
                && self.look(&now).await?
            {
                self.end(written);
                return Ok(());
            }
            let begun = Instant::now();
            tokio::select! {
                event = self.work.events.next() => self.tell(&event, written),
                _ = deployments.changed() => heard = Instant::now(),
                _ = pods.changed() => heard = Instant::now(),
                () = sleep(self.patience.left().min(SILENCE.saturating_sub(heard.elapsed()))) => {}
            }
            let away = if heard.elapsed() >= SILENCE || begun.elapsed() >= self.patience.left() {
                heard = Instant::now();
                self.ask(written).await?
            } else {
                self.site().deployments.trouble().is_some() || self.site().pods.trouble().is_some()
            };
            self.spend(if away { Duration::ZERO } else { begun.elapsed() }, written).await?;
        }
    }

    /// The deployment as far as it is known, and no older than what was written.
    fn now(&self, written: &Deployment) -> Option<Arc<Deployment>> {
        let seen = self.site().deployments.of(&self.work.scene.want.app);
        let seen = seen.into_iter().filter(|one| one.name_any() == written.name_any() && one.namespace() == written.namespace());
        let counts =
            |one: &Arc<Deployment>| one.metadata.generation >= written.metadata.generation && one.metadata.uid == written.metadata.uid;
        seen.chain(self.asked.clone())
            .filter(counts)
            .max_by_key(|one| one.resource_version().and_then(|version| version.parse::<u64>().ok()))
    }

    /// Asks the cluster itself; says whether it had been away.
    async fn ask(&mut self, written: &Deployment) -> Result<bool> {
        let begun = Instant::now();
        let api = self.site().api::<Deployment>(&written.namespace().unwrap_or_default());
        let Some(now) = self.site().writer().get(&api, &written.name_any()).await? else {
            return Err(Error::refused(format!("deployment {:?} was removed meanwhile", written.name_any())));
        };
        self.asked = Some(Arc::new(now));
        Ok(begun.elapsed() > SLOW)
    }

    /// True when the units are what they should be.
    async fn look(&mut self, now: &Deployment) -> Result<bool> {
        let Some(counts) = Counts::read(now) else { return Ok(false) };
        if is_given_up(now) {
            return Err(Error::refused(format!("deployment {:?} exceeded its progress deadline", now.name_any())));
        }
        let running = !self.progress.is_checking() && counts.updated == counts.wanted && self.all_run(now, counts).await?;
        for line in self.progress.lines(counts, running) {
            self.say(&line);
        }
        if self.progress.is_checking() {
            self.patience.check();
        }
        if self.progress.advanced(counts) {
            self.patience.advance();
        }
        Ok(counts.is_done())
    }

    /// All pods of the newest revision run.
    async fn all_run(&mut self, now: &Deployment, counts: Counts) -> Result<bool> {
        if counts.wanted == 0 {
            return Ok(true);
        }
        if self.hash.is_none() {
            self.hash = replica_set(self.site(), now).await?.and_then(|set| set.labels().get(HASH).cloned());
        }
        let Some(hash) = &self.hash else { return Ok(false) };
        let pods = faults::pods(self.site(), &self.work.scene.want.app, now);
        let new: Vec<_> = pods.iter().filter(|pod| pod.labels().get(HASH) == Some(hash)).collect();
        let runs = |pod: &&Arc<Pod>| pod.status.as_ref().and_then(|status| status.phase.as_deref()) == Some("Running");
        Ok(!new.is_empty() && new.iter().all(runs))
    }

    async fn spend(&mut self, time: Duration, written: &Deployment) -> Result<()> {
        let Some(over) = self.patience.spend(time) else { return Ok(()) };
        // The last word may have come with the question before.
        if let Some(now) = self.now(written)
            && self.look(&now).await?
        {
            return Ok(());
        }
        self.say(&over.told());
        Err(faults::of(self.site(), &self.work.scene.want.app, written).await)
    }

    fn tell(&self, event: &Event, written: &Deployment) {
        if let Some(text) = words::told(event, &written.name_any()) {
            self.say(&text);
        }
    }

    fn end(self, written: &Deployment) {
        for event in self.work.events.waiting() {
            if let Some(text) = words::told(&event, &written.name_any()) {
                self.work.scene.out.write(&text);
            }
        }
        self.say(&words::all_ready());
    }
}

/// The cluster gave up on it.
fn is_given_up(deployment: &Deployment) -> bool {
    let conditions = deployment.status.iter().flat_map(|status| status.conditions.iter().flatten());
    conditions.into_iter().any(|one| one.type_ == "Progressing" && one.reason.as_deref() == Some("ProgressDeadlineExceeded"))
}
