//! What is about to become of an app in a cluster is written down first: a cluster keeps what runs, not what was wanted. When the server
//! dies before it is so, another one, or the next start, brings it to its end.

use std::time::Duration;

use bson::oid::ObjectId;
use serde::{Deserialize, Serialize};

use super::{App, deploy, rollout};
use crate::{
    context::Context,
    error::{Error, Result},
    event::{Allowed, Begin, Locked, Subject},
    failpoint,
    output::Output,
    provisioner::{AppState, DynProvisioner, ProcessState},
    store::{Document, Filter, Spec, Store, Update, patient},
};

/// While something is written down, it is looked at so often; otherwise so seldom, unless a server is found to be gone.
const LOOK: Duration = Duration::from_secs(5);
const SELDOM: Duration = Duration::from_secs(30);

/// What is about to become of an app, as stored until it is so.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Intended {
    /// The app.
    #[serde(rename = "_id")]
    app: String,
    /// The event that does it.
    event: ObjectId,
    /// The event is a deploy: a version waits for its end.
    #[serde(default)]
    deploy: bool,
    /// How many deploys there are once it is over, and whether the next one pulls the platform anew.
    #[serde(default)]
    counted: Option<Counted>,
    /// What should run, once that is known.
    #[serde(default)]
    processes: Option<Vec<Process>>,
    /// What ran before.
    #[serde(default)]
    before: Option<Vec<Process>>,
}

/// What a deploy changes of its app's document when it is over.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
struct Counted {
    deploys: i64,
    update_platform: bool,
}

/// What should run of one process of a version; everything else is the app's documents' to say.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Process {
    /// Version number.
    pub version: u32,
    /// Process name.
    pub name: String,
    /// How many units.
    pub units: u32,
    /// Units before a stop.
    pub past_units: u32,
    /// Requests go to it.
    pub routable: bool,
    /// Restarts since the last deploy.
    pub restarted: i64,
}

impl Document for Intended {
    const SPEC: &'static Spec = &Spec { name: "app_intents", indexes: &[], sealed: &[] };
}

impl From<&ProcessState> for Process {
    fn from(p: &ProcessState) -> Self {
        let (version, name, units, past_units, routable, restarted) =
            (p.version, p.name.clone(), p.units, p.past_units, p.routable, p.restarted);
        Self { version, name, units, past_units, routable, restarted }
    }
}

impl Process {
    /// As a wanted state has it; what it is made from is yet to be said.
    pub fn state(&self) -> ProcessState {
        let Self { version, name, units, past_units, routable, restarted } = self.clone();
        ProcessState { version, name, units, past_units, routable, restarted, ..ProcessState::default() }
    }
}

/// A deploy begins, after which the platform is pulled anew or not.
pub async fn begin_deploy(ctx: &Context, app: &Locked<App>, provisioner: &DynProvisioner, update_platform: bool) -> Result<()> {
    if provisioner.cluster(&app.name).is_some() {
        let counted = Counted { deploys: app.deploys + 1, update_platform };
        note(ctx, app, Update::set("deploy", true).and_set("counted", counted)).await?;
        failpoint::reach("deploy:noted");
    }
    Ok(())
}

/// It is over: the version serves, or is forgotten.
pub async fn end_deploy(ctx: &Context, app: &Locked<App>) {
    if ctx.provisioners.now(&app.pool).cluster(&app.name).is_some() {
        forget(ctx, own(app)).await;
    }
}

/// The note of this event: another server that took it over has one of its own.
fn own(app: &Locked<App>) -> Filter {
    let event = ObjectId::parse_str(app.event().id()).unwrap_or_default();
    Filter::id(&app.name).and(Filter::eq("event", event))
}

/// Does it with a note of what is wanted, which is gone when it is so or failed.
pub async fn applying<T>(
    ctx: &Context,
    app: &Locked<App>,
    (before, want): (Option<&AppState>, &AppState),
    work: impl Future<Output = Result<T>>,
) -> Result<T> {
    let all = |state: &AppState| state.processes.iter().map(Process::from).collect::<Vec<_>>();
    note(ctx, app, Update::set("processes", all(want))).await?;
    // What a change finds that brings another one to its end is not what ran before.
    let first = Filter::id(&app.name).and(Filter::missing("before"));
    ctx.store.of::<Intended>().update(first, Update::set("before", before.map(all).unwrap_or_default())).await?;
    failpoint::reach("rollout:noted");
    let done = work.await;
    failpoint::reach("rollout:applied");
    // A deploy goes on: its note stays until its end.
    forget(ctx, own(app).and(Filter::ne("deploy", true))).await;
    done
}

async fn note(ctx: &Context, app: &Locked<App>, what: Update) -> Result<()> {
    app.event().check().await?;
    let event = ObjectId::parse_str(app.event().id()).map_err(Error::internal)?;
    ctx.store.of::<Intended>().upsert(Filter::id(&app.name), what.and_set("event", event)).await?;
    Ok(())
}

/// A note that stays is looked at again: nothing is left to do then.
async fn forget(ctx: &Context, which: Filter) {
    if let Err(e) = ctx.store.of::<Intended>().delete(which).await {
        tracing::warn!(error = %e, "a note of what was done to an app could not be removed");
    }
}

/// The apps about which something is written down.
pub async fn apps(store: &Store) -> Result<Vec<String>> {
    Ok(store.of::<Intended>().find(Filter::All).await?.into_iter().map(|left| left.app).collect())
}

/// Brings to its end what was left behind, as long as the server runs.
pub async fn keep(ctx: Context) {
    let mut abandoned = ctx.events.abandoned();
    loop {
        let pause = match recover(&ctx).await {
            Ok(0) => SELDOM,
            Ok(_) => LOOK,
            Err(e) => {
                tracing::warn!(error = %e, "what interrupted changes of apps left could not be looked for");
                LOOK
            }
        };
        // An error is a sender that is gone, with the server.
        tokio::time::timeout(pause, abandoned.changed()).await.ok();
    }
}

/// Begins to bring to its end what was left behind; how much is written down, also by those who are at it. Each app has a task of its
/// own: one whose units do not get ready holds up no other.
async fn recover(ctx: &Context) -> Result<usize> {
    let noted = ctx.store.of::<Intended>().find(Filter::All).await?;
    let count = noted.len();
    for left in noted {
        if ctx.events.is_running(left.event).await? {
            continue;
        }
        let ctx = ctx.clone();
        tokio::spawn(async move {
            if let Err(e) = patient(Box::pin(settle(&ctx, &left))).await {
                tracing::warn!(app = left.app, error = %e, "an interrupted change of an app could not be brought to its end yet");
            }
        });
    }
    Ok(count)
}

async fn settle(ctx: &Context, left: &Intended) -> Result<()> {
    let Some(app) = ctx.store.of::<App>().get(Filter::eq("name", &left.app)).await? else {
        forget(ctx, Filter::id(&left.app)).await;
        return Ok(());
    };
    let allowed = Allowed { scheme: app.events_permission().into(), contexts: app.contexts() };
    let event = ctx.events.begin(Begin::recovery(app.target(), "app.update.restart", allowed)).await?;
    // Another server may have been quicker.
    if ctx.store.of::<Intended>().count(Filter::id(&left.app).and(Filter::eq("event", left.event))).await? == 0 {
        return event.abort().await;
    }
    let mut app = Locked::new(app.reload(&ctx.store).await?, event);
    let settled = settle_locked(ctx, &mut app, left).await;
    app.end(settled).await
}

async fn settle_locked(ctx: &Context, app: &mut Locked<App>, left: &Intended) -> Result<()> {
    let out = app.event().output();
    out.section("Bringing an interrupted change to its end");
    let settled = match (&left.processes, &left.before) {
        (Some(want), before) => forward_or_back(ctx, app, (want, before.as_deref().unwrap_or_default()), &out).await,
        (None, _) => Ok(()),
    };
    if let Err(Error::Unavailable(_)) = settled {
        return settled;
    }
    if left.deploy {
        if left.processes.is_some() && settled.is_ok() {
            count(ctx, app, left.counted).await?;
        }
        deploy::tidy::end_interrupted(ctx, app).await?;
    }
    forget(ctx, Filter::id(&left.app)).await;
    settled
}

/// The deploy counts, unless it did before it was interrupted.
async fn count(ctx: &Context, app: &mut Locked<App>, counted: Option<Counted>) -> Result<()> {
    let Some(Counted { deploys, update_platform }) = counted.filter(|counted| app.deploys < counted.deploys) else { return Ok(()) };
    let id = app.id;
    app.change(&ctx.store, id, Update::set("deploys", deploys).and_set("updateplatform", update_platform)).await
}

/// Goes on; where that fails, back to what ran before.
async fn forward_or_back(ctx: &Context, app: &Locked<App>, (want, before): (&[Process], &[Process]), out: &Output) -> Result<()> {
    match rollout::again(ctx, app, want, out).await {
        Err(Error::Unavailable(e)) => Err(Error::Unavailable(e)),
        Err(e) => rollout::again(ctx, app, before, out).await.and(Err(e)),
        Ok(()) => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_down_has_no_secret_and_comes_back_as_it_was() {
        let process = ProcessState {
            version: 3,
            name: "web".into(),
            units: 2,
            past_units: 1,
            routable: true,
            restarted: 4,
            env: [("KEY".to_owned(), "hush".into())].into(),
            ..ProcessState::default()
        };
        let written = Process::from(&process);
        assert!(!format!("{}", bson::serialize_to_bson(&written).unwrap()).contains("hush"));
        assert_eq!(Process::from(&written.state()), written);
    }
}
