//! Our objects at a recorded moment.

use impaas::{
    app::{
        App, env,
        rollout::Which,
        version::AppVersions,
        wanted::{Recipe, place},
    },
    job::Job,
    plan::{Plan, StoredPlan},
    pool::Pool,
    provisioner::{
        AppState, Mount, ProcessState,
        kubernetes::{
            objects::{
                Making, Owner, Spot, account, app_resource, autoscale, budget, certificate, deployment, ingress, job, routing, secret,
                service, spot, volume,
            },
            observed,
            settings::{ClusterSettings, PoolSettings, ServerSettings},
        },
        routes::{Edge, Route},
        scaling::{CpuLoad, Scaling},
    },
    volume::{Bind, Volume},
};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;

use super::recorded::Moment;

/// The recorded server's `host`.
const HOST: &str = "http://127.0.0.1:8081";
/// Where the apps were.
const NAMESPACE: &str = "default";
/// Where their resources were.
const HOME: &str = "tsuru";
/// What the names of apps were followed by.
const DOMAIN: &str = "apps.localhost";
/// The minute of the recorded run that somebody asked for.
const RUN: i64 = 29_920_306 * 60;

/// Changes that no unit was made of since: of this app from this moment on, volumes are as they were at the other.
const NOT_ROLLED_OUT: [(&str, &str, &str); 1] = [("dock", "volume-bind", "si-bind")];

/// tsuru's server failed to update the job: its secret went with the old cron job. The cluster has the new schedule, the database the old.
const HALF_UPDATED: (&[&str], &str) = (&["event-list", "event-block-add", "webhook-create"], "0 4 * * *");

/// One app with everything about it.
#[derive(Clone)]
struct Deployed {
    app: App,
    state: AppState,
    spots: std::collections::BTreeMap<(u32, String), Spot>,
}

/// Everything at a moment.
pub struct World<'a> {
    moment: &'a Moment,
    before: &'a [Moment],
    server: ServerSettings,
    pool: PoolSettings,
    apps: Vec<Deployed>,
}

impl<'a> World<'a> {
    /// Of the documents, and of what the deployments say runs.
    pub fn of(moment: &'a Moment, before: &'a [Moment]) -> Self {
        let server = ServerSettings { host: HOST.into(), ..ServerSettings::default() };
        let pool = ClusterSettings::default().pool("dev").unwrap();
        let mut world = Self { moment, before, server, pool, apps: Vec::new() };
        world.apps = moment.all::<App>("apps").into_iter().map(|app| world.adopt(app)).collect();
        world
    }

    fn adopt(&self, app: App) -> Deployed {
        let label = |object: &&Value| object["metadata"]["labels"]["tsuru.io/app-name"] == app.name.as_str();
        let own = self.moment.objects.values().filter(|object| object["kind"] == "Deployment").filter(label);
        let deployments: Vec<_> = own.map(read).collect();
        let seen = observed::state(&app.name, &deployments);
        let state = self.recipe(&app, |recipe| recipe.renew(&seen));
        let spots = spot::all(&state, NAMESPACE, &observed::existing(&deployments));
        Deployed { app, state, spots }
    }

    /// The moment whose volumes an app's units have.
    fn volumes_at(&self, app: &str) -> &Moment {
        let names: Vec<&str> = self.before.iter().map(|moment| moment.name.as_str()).chain([self.moment.name.as_str()]).collect();
        let late = NOT_ROLLED_OUT.iter().find(|(late, since, _)| *late == app && names.contains(since));
        let then = late.and_then(|(_, _, then)| self.before.iter().find(|moment| moment.name == *then));
        then.unwrap_or(self.moment)
    }

    fn recipe<T>(&self, app: &App, make: impl FnOnce(Recipe<'_>) -> T) -> T {
        let at = self.volumes_at(&app.name);
        let binds = at.all::<Bind>("volume_binds").into_iter().filter(|bind| bind.id.app == app.name);
        let mount = |bind: Bind| Mount { volume: bind.id.volume, path: bind.id.mount_point, read_only: bind.read_only };
        let mounts: Vec<Mount> = binds.map(mount).collect();
        let mut volumes: Vec<Volume> = at.all("volumes");
        volumes.retain(|volume| mounts.iter().any(|mount| mount.volume == volume.name));
        let versions = self.moment.all::<AppVersions>("app_versions").into_iter().find(|versions| versions.app == app.name);
        let pool = self.moment.all::<Pool>("pool").into_iter().find(|pool| pool.name == app.pool).unwrap();
        let plans = self.moment.all::<StoredPlan>("plans").into_iter().map(|plan| (plan.name.clone(), Plan::from(plan))).collect();
        make(Recipe {
            app,
            versions: &versions.unwrap_or_else(|| AppVersions::none(&app.name)),
            env: &env::all(app, HOST),
            plans: &plans,
            mounts: &mounts,
            place: &place::of_app(app, &pool, volumes.iter().map(|volume| volume.place(&[])).collect(), Vec::new()),
        })
    }

    /// After a restart of every app.
    pub fn restarted(&self) -> World<'a> {
        let mut world = World::of(self.moment, self.before);
        for deployed in world.apps.iter_mut().filter(|deployed| !deployed.state.processes.is_empty()) {
            deployed.state = self.recipe(&deployed.app, |recipe| recipe.restart(&deployed.state, &Which::all(), true)).unwrap();
        }
        world
    }

    /// Unsets a variable and gives the units today's.
    pub fn unset(&mut self, app: &str, name: &str) {
        let at = self.apps.iter().position(|deployed| deployed.app.name == app).unwrap();
        let mut deployed = self.apps[at].clone();
        deployed.app.env.remove(name).unwrap();
        deployed.state = self.recipe(&deployed.app, |recipe| recipe.renew(&deployed.state));
        self.apps[at] = deployed;
    }

    /// Every object.
    pub fn objects(&self) -> Vec<Value> {
        let apps = self.apps.iter().flat_map(|deployed| self.of_app(deployed));
        apps.chain(self.moment.all::<Job>("jobs").iter().flat_map(|job| self.of_job(job))).collect()
    }

    fn of_app(&self, deployed: &Deployed) -> Vec<Value> {
        let (app, state) = (&deployed.app, &deployed.state);
        let makings: Vec<Making<'_>> = state.processes.iter().map(|process| self.making(deployed, process)).collect();
        let mut objects = vec![json("App", &app_resource::of(state, HOME, NAMESPACE, &makings))];
        if makings.is_empty() {
            return objects;
        }
        objects.push(json("ServiceAccount", &account::of_app(state, NAMESPACE)));
        for m in &makings {
            let owner = Owner { api: "apps/v1", kind: "Deployment", name: &m.spot.name, uid: "" };
            objects.push(json("Deployment", &deployment::of(m).unwrap()));
            objects.push(json("Secret", &secret::of_deployment(m, Some(owner))));
        }
        let base = makings.iter().find(|m| m.spot.base).unwrap();
        objects.extend(service::all(&makings).iter().map(|service| json("Service", service)));
        objects.extend(budget::of(base).iter().map(|budget| json("PodDisruptionBudget", budget)));
        objects.extend(self.scaled(base));
        objects.extend(state.place.volumes.iter().flat_map(stored));
        objects.extend(reached(app));
        objects
    }

    fn making<'b>(&'b self, deployed: &'b Deployed, process: &'b ProcessState) -> Making<'b> {
        let spot = &deployed.spots[&(process.version, process.name.clone())];
        Making { app: &deployed.state, process, spot, pool: &self.pool, server: &self.server }
    }

    /// The database does not have it: the recorded command line does.
    fn scaled(&self, m: &Making<'_>) -> Option<Value> {
        let scaling = Scaling { process: "web".into(), min: 1, max: 2, cpu: Some(CpuLoad::Percent(50)), ..Scaling::default() };
        let asked = self.moment.name == "autoscale-set" && m.app.app == "hello";
        asked.then(|| json("HorizontalPodAutoscaler", &autoscale::of(m, &scaling)))
    }

    fn of_job(&self, job: &Job) -> Vec<Value> {
        let mut state = impaas::job::state(job);
        let half = HALF_UPDATED.0.contains(&self.moment.name.as_str());
        if half {
            state.schedule = Some(HALF_UPDATED.1.into());
        }
        let cron = job::of(&state, NAMESPACE, &self.pool);
        let mut objects = vec![json("CronJob", &cron)];
        objects.push(json("ServiceAccount", &account::of_job(&state, NAMESPACE)));
        if !half {
            let name = cron.metadata.name.clone().unwrap();
            let owner = Owner { api: "batch/v1", kind: "CronJob", name: &name, uid: "" };
            objects.push(json("Secret", &secret::of_job(&state, NAMESPACE, Some(owner))));
        }
        if self.moment.name == "job-trigger" && job.spec.manual {
            objects.push(json("Job", &job::manual(&cron, &job.name, RUN)));
        }
        objects
    }
}

fn stored(place: &impaas::provisioner::VolumePlace) -> Vec<Value> {
    let (storage, claim) = volume::of(place, NAMESPACE).unwrap();
    let storage = storage.map(|storage| json("PersistentVolume", &storage));
    storage.into_iter().chain([json("PersistentVolumeClaim", &claim)]).collect()
}

/// The recorded apps were reached by tsuru's kubernetes-router, which ours takes over from.
fn reached(app: &App) -> Vec<Value> {
    let edge = Edge { domain: DOMAIN.into(), ..Edge::default() };
    let team = app.team_owner.clone();
    let route = Route { app: app.name.clone(), team, tags: app.tags.clone(), cnames: app.cname.clone(), ..Route::default() };
    let service = format!("{}-web", app.name);
    let own = routing::Backend { service, namespace: NAMESPACE.into(), port: 8888, ..routing::Backend::default() };
    let routing = routing::Routing::new(&edge, &route, vec![own]).unwrap();
    let none = certificate::Certified::new();
    let cnames = app.cname.iter().map(|cname| json("Ingress", &ingress::of_cname(&routing, cname, "", None, &none)));
    [json("Ingress", &ingress::of(&routing, &none))].into_iter().chain(cnames).collect()
}

fn json<T: Serialize>(kind: &str, object: &T) -> Value {
    let mut value = serde_json::to_value(object).unwrap();
    assert_eq!(value["kind"], kind);
    value.as_object_mut().unwrap().retain(|_, value| !value.is_null());
    value
}

fn read<T: DeserializeOwned>(object: &Value) -> T {
    serde_json::from_value(object.clone()).unwrap()
}
