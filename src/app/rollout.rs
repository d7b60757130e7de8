//! Brings what runs to what is wanted: restart, start, stop, number of units.

use std::{collections::BTreeMap, sync::Arc};

use super::{
    App, autoscale, env,
    intended::{self, Process},
    journal, router,
    version::{AppVersions, Version, write},
    wanted::{self, Others, Recipe},
};
use crate::{
    context::Context,
    error::{Error, Result},
    event::{Locked, begin::CANCELED},
    failpoint,
    output::Output,
    plan::{Plan, StoredPlan},
    pool::Pool,
    provisioner::{AppPlace, AppState, DynHold, DynProvisioner, Mount, ProcessState, UnitStatus},
    secret::Secret,
    store::Filter,
    volume,
};

/// Which processes of which versions.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Which {
    /// Only this process.
    pub process: Option<String>,
    /// Only this version.
    pub version: Option<u32>,
}

impl Which {
    /// Everything.
    pub fn all() -> Self {
        Self::default()
    }

    /// As requests say it: empty texts select everything; versions are called as in [`AppVersions::find`].
    pub async fn asked(ctx: &Context, app: &App, process: &str, version: &str) -> Result<Self> {
        let process = (!process.is_empty()).then(|| process.to_owned());
        if version.is_empty() || version == "0" {
            return Ok(Self { process, version: None });
        }
        let versions = AppVersions::load(&ctx.store, &app.name).await?;
        Ok(Self { process, version: Some(versions.find(version)?.number()) })
    }

    pub(super) fn selects(&self, process: &ProcessState) -> bool {
        self.version.is_none_or(|version| version == process.version) && self.process.as_ref().is_none_or(|name| *name == process.name)
    }
}

/// The provisioner of an app's pool.
pub async fn provisioner(ctx: &Context, app: &App) -> Result<DynProvisioner> {
    let pool = Pool::load(&ctx.store, &app.pool).await?;
    ctx.provisioner(&pool).await
}

/// Gives everything selected new units with today's environment. What is stopped stays stopped; nothing is said or done when nothing runs.
pub async fn restart(ctx: &Context, app: &Locked<App>, which: &Which, out: &Output) -> Result<()> {
    let rollout = Rollout::load(ctx, app, out).await?;
    let Some(before) = &rollout.before else { return Ok(()) };
    if !before.processes.iter().any(|p| p.units > 0 && which.selects(p)) {
        return Ok(());
    }
    rollout.restart(before, which, Stopped::Stays).await
}

/// Like [`restart`], without announcing it and with nothing new for routers: what a change of the environment does, as tsuru tells it.
pub async fn renew(ctx: &Context, app: &Locked<App>, which: &Which, out: &Output) -> Result<()> {
    let rollout = Rollout::load(ctx, app, out).await?;
    match &rollout.before {
        Some(before) if before.processes.iter().any(|p| p.units > 0 && which.selects(p)) => {
            let renewed = async { rollout.run(rollout.restarted(before, which, Stopped::Stays)?).await };
            renewed.await.map_err(|e| during("restart", e))
        }
        _ => Ok(()),
    }
}

/// Like [`restart`], and also starts what is stopped: what `app restart` means.
pub async fn restart_all(ctx: &Context, app: &Locked<App>, which: &Which, out: &Output) -> Result<()> {
    let rollout = Rollout::load(ctx, app, out).await?;
    match &rollout.before {
        Some(before) => rollout.restart(before, which, Stopped::Starts).await,
        None => {
            rollout.say_restart(which);
            Ok(())
        }
    }
}

/// What is stopped comes back with the units it had.
pub async fn start(ctx: &Context, app: &Locked<App>, which: &Which, out: &Output) -> Result<()> {
    let rollout = Rollout::load(ctx, app, out).await?;
    rollout.out.write(&format!("\n ---> Starting {}\n", rollout.what(which)));
    let Some(before) = &rollout.before else { return Ok(()) };
    let started = async { rollout.apply(rollout.recipe().start(before, which)?).await };
    started.await.map_err(|e| during("start", e))
}

/// Takes all units away until a start.
pub async fn stop(ctx: &Context, app: &Locked<App>, which: &Which, out: &Output) -> Result<()> {
    let rollout = Rollout::load(ctx, app, out).await?;
    rollout.stop(which).await
}

/// Adds units to one process by hand.
pub async fn add_units(ctx: &Context, app: &Locked<App>, which: &Which, more: u32, out: &Output) -> Result<()> {
    let rollout = Rollout::load(ctx, app, out).await?;
    rollout.check_manual(ctx, which).await?;
    rollout.add(which, more).await
}

/// Adds units to one process.
pub async fn grow(ctx: &Context, app: &Locked<App>, which: &Which, more: u32, out: &Output) -> Result<()> {
    Rollout::load(ctx, app, out).await?.add(which, more).await
}

/// Takes units from one process; all of them is a stop.
pub async fn remove_units(ctx: &Context, app: &Locked<App>, which: &Which, fewer: u32, out: &Output) -> Result<()> {
    let rollout = Rollout::load(ctx, app, out).await?;
    rollout.check_manual(ctx, which).await?;
    let (before, version) = rollout.one_version(which)?;
    let removed = async {
        let one = wanted::one_process(before, version, which)?;
        let left = one.units.saturating_sub(fewer);
        if left > 0 {
            return rollout.patch(before, one, left).await;
        }
        rollout.out.section("Calling app stop internally as the number of units is zero");
        rollout.stop(&Which { process: Some(one.name.clone()), version: Some(one.version) }).await?;
        rollout.tell_routers().await
    };
    removed.await.map_err(|e| during("remove units", e))
}

/// Lets a version get requests, or none.
pub async fn set_routable(ctx: &Context, app: &Locked<App>, version: u32, routable: bool) -> Result<()> {
    let rollout = Rollout::load(ctx, app, &Output::default()).await?;
    let none = || Error::refused(format!("no deployment found for version {version}"));
    let before = rollout.before.as_ref().ok_or_else(none)?;
    // Routers know the services, which stay as they are.
    rollout.run(rollout.recipe().routable(before, version, routable)?).await
}

/// Makes again what somebody wanted who was interrupted.
pub async fn again(ctx: &Context, app: &Locked<App>, processes: &[Process], out: &Output) -> Result<()> {
    let rollout = Rollout::load(ctx, app, out).await?;
    let recipe = rollout.recipe();
    rollout.apply(recipe.renew(&recipe.state(processes.iter().map(Process::state).collect()))).await
}

/// Stops one unit; its replacement starts by itself.
pub async fn kill_unit(ctx: &Context, app: &Locked<App>, unit: &str, force: bool) -> Result<()> {
    provisioner(ctx, app).await?.kill_unit(&app.name, unit, force).await
}

/// An error as the end of a stage tells it.
pub fn during(stage: &str, e: Error) -> Error {
    match e {
        Error::Internal(_) | Error::Unavailable(_) => e,
        Error::Refused(ref text) if text == CANCELED => e,
        e => {
            let text = e.to_string();
            // Where there are lines of a log, they end the text.
            let end = if text.contains("\n---- Last ") { "" } else { "\n" };
            Error::refused(format!("\n---- ERROR during {stage}: ----\n{text}{end}"))
        }
    }
}

#[derive(Clone, Copy, PartialEq)]
enum Stopped {
    Stays,
    Starts,
}

/// Everything a change of what runs begins with.
pub(super) struct Rollout<'a> {
    ctx: Context,
    app: &'a Locked<App>,
    /// Who runs it.
    pub provisioner: DynProvisioner,
    /// Its versions.
    pub versions: AppVersions,
    /// What was last wanted; `None`: nothing is deployed.
    pub before: Option<AppState>,
    /// Progress; also goes to the app's log.
    pub out: Output,
    /// Today's environment.
    pub env: BTreeMap<String, Secret>,
    plans: BTreeMap<String, Plan>,
    mounts: Vec<Mount>,
    place: AppPlace,
}

impl<'a> Rollout<'a> {
    async fn check_manual(&self, ctx: &Context, which: &Which) -> Result<()> {
        match self.one_version(which).and_then(|(before, version)| wanted::one_process(before, version, which)) {
            Ok(one) => autoscale::check_manual(ctx, self.app, &one.name).await,
            // What is wrong is told when it is tried.
            Err(_) => Ok(()),
        }
    }

    async fn add(&self, which: &Which, more: u32) -> Result<()> {
        if self.provisioner.units(&self.app.name).iter().any(|unit| unit.status == UnitStatus::Stopped) {
            return Err(Error::refused("Cannot add units to an app that has stopped units"));
        }
        let (before, version) = self.one_version(which)?;
        let added = async {
            let one = wanted::one_process(before, version, which)?;
            self.patch(before, one, one.units.saturating_add(more)).await
        };
        added.await.map_err(|e| during("add units", e))
    }

    /// Reads it all, under the app's lock.
    pub async fn load(ctx: &Context, app: &'a Locked<App>, out: &Output) -> Result<Self> {
        let pool = Pool::load(&ctx.store, &app.pool).await?;
        let provisioner = ctx.provisioner(&pool).await?;
        let before = provisioner.state(&app.name).await?.filter(|state| !state.processes.is_empty());
        let out = journal::with(ctx, &provisioner, &app.name, "tsuru", out);
        let versions = AppVersions::load(&ctx.store, &app.name).await?;
        let before = before.map(|state| wanted::past::recall(state, &versions));
        let env = env::all(app, &ctx.config.host);
        let mounts = volume::mounts(&ctx.store, &app.name).await?;
        let place = wanted::place::of_app(app, &pool, volume::places(&ctx.store, &mounts).await?, router::gates(ctx, app).await?);
        Ok(Self { ctx: ctx.clone(), app, versions, before, out, env, plans: plans(ctx, app).await?, mounts, place, provisioner })
    }

    /// What new units are made from.
    pub fn recipe(&self) -> Recipe<'_> {
        Recipe { app: self.app, versions: &self.versions, env: &self.env, plans: &self.plans, mounts: &self.mounts, place: &self.place }
    }

    /// The state after a deploy of `version`.
    pub fn deployed(&self, version: &Version, others: Others) -> Result<AppState> {
        self.recipe().deploy(self.before.as_ref(), version, others)
    }

    /// Refuses more units than there were when the quota has no room for them, and for those that processes can scale to.
    async fn within_quota(&self, want: &AppState) -> Result<()> {
        let scaled = autoscale::seen(&self.ctx, self.app).await?;
        let most = |state: &AppState| autoscale::most(&state.processes, &scaled);
        let (had, wants) = (self.before.as_ref().map_or(0, most), most(want));
        let quota = crate::quota::Quota { in_use: had, ..self.app.quota };
        if wants > had { quota.check(wants - had) } else { Ok(()) }
    }

    /// Makes it so, and has routers know.
    pub async fn apply(&self, want: AppState) -> Result<()> {
        self.within_quota(&want).await?;
        self.bring_about(want).await
    }

    async fn bring_about(&self, want: AppState) -> Result<()> {
        let units = wanted::total(&want);
        self.run(want).await?;
        if units > 0 { self.tell_routers().await } else { Ok(()) }
    }

    async fn tell_routers(&self) -> Result<()> {
        self.app.event().check().await?;
        router::ensure(&self.ctx, self.app, &self.out).await?;
        failpoint::reach("router:ensured");
        Ok(())
    }

    /// When the event is cancelled meanwhile, what was before is made so again.
    async fn run(&self, want: AppState) -> Result<()> {
        let hold: DynHold = Arc::new(self.app.event().lease());
        let apply = |want: AppState| self.app.event().unless_cancelled(self.provisioner.apply(want, hold.clone(), &self.out));
        if self.provisioner.cluster(&self.app.name).is_some() {
            let change = (self.before.as_ref(), &want);
            let work = async {
                let applied = apply(want.clone()).await;
                if applied.is_err() {
                    // What was begun is undone there: until that is done the app is locked.
                    self.provisioner.settled(&self.app.name).await;
                }
                applied
            };
            return intended::applying(&self.ctx, self.app, change, work).await;
        }
        let applied = apply(want).await;
        if applied.is_err() && self.app.event().cancelled().is_cancelled() {
            let before = self.before.clone().unwrap_or_else(|| self.recipe().state(Vec::new()));
            self.provisioner.apply(before, hold, &self.out).await?;
        }
        applied
    }

    async fn restart(&self, before: &AppState, which: &Which, stopped: Stopped) -> Result<()> {
        self.say_restart(which);
        self.replace(before, which, stopped).await
    }

    async fn replace(&self, before: &AppState, which: &Which, stopped: Stopped) -> Result<()> {
        let replaced = async { self.apply(self.restarted(before, which, stopped)?).await };
        replaced.await.map_err(|e| during("restart", e))
    }

    fn restarted(&self, before: &AppState, which: &Which, stopped: Stopped) -> Result<AppState> {
        self.recipe().restart(before, which, stopped == Stopped::Starts)
    }

    async fn stop(&self, which: &Which) -> Result<()> {
        self.out.write(&format!("\n ---> Stopping {}\n", self.what(which)));
        let Some(before) = &self.before else { return Ok(()) };
        let want = self.recipe().stop(before, which)?;
        for (version, units) in wanted::past::noted(before, which, &self.versions) {
            write::stopped(&self.ctx.store, &self.app.name, version, &units).await?;
        }
        // Routers know the services, which stay as they are.
        self.run(want).await
    }

    async fn patch(&self, before: &AppState, one: &ProcessState, units: u32) -> Result<()> {
        let want = self.recipe().units(before, one, units);
        self.within_quota(&want).await?;
        self.out.section(&format!("Patching from {} to {units} units", one.units));
        self.bring_about(want).await
    }

    fn one_version(&self, which: &Which) -> Result<(&AppState, u32)> {
        let Some(before) = &self.before else {
            self.versions.latest()?;
            return Err(Error::refused("units can only be modified after the first deploy"));
        };
        Ok((before, wanted::one_version(before, which)?))
    }

    fn say_restart(&self, which: &Which) {
        let what = which.process.as_ref().map_or_else(|| format!("the app {:?}", self.app.name), |name| format!("process {name:?}"));
        self.out.section(&format!("Restarting {what}"));
    }

    fn what(&self, which: &Which) -> String {
        which.process.as_ref().map_or_else(|| format!("the app {:?}", self.app.name), |name| format!("the process {name:?}"))
    }
}

async fn plans(ctx: &Context, app: &App) -> Result<BTreeMap<String, Plan>> {
    let named: Vec<_> = app.processes.iter().filter(|p| !p.plan.is_empty()).map(|p| &p.plan).collect();
    if named.is_empty() {
        return Ok(BTreeMap::new());
    }
    let stored = ctx.store.of::<StoredPlan>().find(Filter::any_of("_id", named)).await?;
    Ok(stored.into_iter().map(|plan| (plan.name.clone(), Plan::from(plan))).collect())
}
