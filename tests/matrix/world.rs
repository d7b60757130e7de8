//! Two owners who have one of everything, and a third who has nothing: `own-app` is of team `own-team` in pool `own-pool`, and so on.

use std::{collections::BTreeMap, sync::Arc};

use bson::{Document as Doc, doc, oid::ObjectId};
use impaas::{
    event::Event,
    platform::Platform,
    service::Service,
    store::{Backend, Filter, Update},
};
use serde_json::json;

use super::watched::Watched;
use crate::api::{
    broker::Broker,
    harness::{Caller, Reply, Server},
    memory::{Memory, Running},
};

pub use impaas::permission::ContextType as Kind;

/// Whose things.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum World {
    Own,
    Other,
    Absent,
}

/// A context that a grant can be limited to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Known {
    pub kind: Kind,
    pub value: String,
}

/// What requests and paths name.
pub const NOUNS: [&str; 17] = [
    "app",
    "service",
    "instance",
    "team",
    "pool",
    "volume",
    "job",
    "dynamic-router",
    "email",
    "token",
    "webhook",
    "role",
    "platform",
    "plan",
    "cluster",
    "event",
    "block",
];

/// Every kind of context but the global one.
pub const KINDS: [Kind; 9] =
    [Kind::App, Kind::Team, Kind::User, Kind::Pool, Kind::Service, Kind::ServiceInstance, Kind::Volume, Kind::Router, Kind::Job];

impl World {
    pub fn word(self) -> &'static str {
        match self {
            Self::Own => "own",
            Self::Other => "other",
            Self::Absent => "absent",
        }
    }

    /// The name of its thing of this kind.
    pub fn name(self, noun: &str) -> String {
        let digit = self as u8 + 1;
        match noun {
            "email" => format!("{}@example.com", self.word()),
            "event" => format!("{:024x}", 0xa0 + digit),
            "block" => format!("{:024x}", 0xb0 + digit),
            _ => format!("{}-{noun}", self.word()),
        }
    }

    /// The value of the context of this kind in which its things are.
    pub fn context(self, kind: Kind) -> String {
        match kind {
            Kind::Global => String::new(),
            Kind::User => self.name("email"),
            Kind::ServiceInstance => format!("{}/{}", self.name("service"), self.name("instance")),
            Kind::Router => self.name("dynamic-router"),
            kind => self.name(kind.word()),
        }
    }
}

/// The server with everything, and what it looked like at first.
pub struct Scene {
    pub server: Server,
    watched: Arc<Watched>,
    first: BTreeMap<String, Vec<Doc>>,
    memory: Arc<Memory>,
    running: Running,
    _broker: Broker,
}

impl Scene {
    pub async fn new() -> Self {
        let (watched, broker) = (Watched::new(), Broker::start());
        let memory = Memory::new();
        let server = Server::over(watched.clone(), memory.clone(), "").await;
        furnish(&server, &broker.url).await;
        server.ctx.store.of::<Event>().delete(Filter::eq("running", false).and(Filter::ne("kind.name", "app.deploy"))).await.unwrap();
        Self { server, watched, first: BTreeMap::new(), memory, running: Running::default(), _broker: broker }
    }

    /// From now on this is what it looked like at first.
    pub async fn keep(&mut self) {
        self.first = self.watched.all().await;
        self.running = self.memory.running();
        self.watched.written();
    }

    /// What was written until now does not count.
    pub fn forget(&self) {
        self.watched.written();
    }

    /// Names of the collections that were written since the last look; they are as at first afterwards.
    pub async fn undo(&self) -> Vec<&'static str> {
        let written = self.watched.written();
        for (name, spec) in &written {
            let now = self.watched.dump(name).await.unwrap();
            self.watched.put_back(spec, self.first_of(name), &now).await;
            self.server.ctx.store.changes().of(name).fetch_add(2, std::sync::atomic::Ordering::SeqCst);
        }
        if !written.is_empty() {
            self.memory.run_again(&self.running);
        }
        self.watched.written();
        written.into_keys().collect()
    }

    /// What became of the other owner's things: documents about them that are gone, new or different. Undoes everything.
    pub async fn undo_and_tell_what_became_of_others(&self) -> (Vec<&'static str>, Vec<String>) {
        let written = self.watched.written();
        let mut told = Vec::new();
        for (name, spec) in &written {
            let now = self.watched.dump(name).await.unwrap();
            let first = self.first_of(name);
            if !matches!(*name, "events" | "event_logs") {
                told.extend(difference(name, first, &now));
            }
            self.watched.put_back(spec, first, &now).await;
            self.server.ctx.store.changes().of(name).fetch_add(2, std::sync::atomic::Ordering::SeqCst);
        }
        if !written.is_empty() {
            self.memory.run_again(&self.running);
        }
        self.watched.written();
        (written.into_keys().collect(), told)
    }

    fn first_of(&self, name: &str) -> &[Doc] {
        self.first.get(name).map_or(&[], Vec::as_slice)
    }
}

/// Documents about the other owner that are different or gone, and new ones. What is the caller's may come to name the other owner:
/// it can be given away. The admin made everything, and is about everybody.
fn difference(name: &str, first: &[Doc], now: &[Doc]) -> Vec<String> {
    let all = |docs: &[Doc]| docs.iter().map(|doc| (format!("{:?}", doc.get("_id")), without_notes(doc))).collect::<BTreeMap<_, _>>();
    let (first, now) = (all(first), all(now));
    let about = |text: &str| (text.contains("other-") || text.contains("other@")) && !text.contains(r#""email": String("admin@"#);
    let touched = |id: &&String| match (first.get(*id), now.get(*id)) {
        (Some(before), after) => about(before) && Some(before) != after,
        (None, Some(new)) => about(new),
        (None, None) => false,
    };
    let ids = first.keys().chain(now.keys()).collect::<std::collections::BTreeSet<_>>();
    ids.into_iter().filter(touched).map(|id| format!("{name} {id}: {:?} became {:?}", first.get(id), now.get(id))).collect()
}

fn without_notes(doc: &Doc) -> String {
    let mut doc = doc.clone();
    ["last_access", "apikey_last_access", "apikey_usage_counter"].iter().for_each(|note| drop(doc.remove(note)));
    format!("{doc:?}")
}

async fn furnish(server: &Server, broker: &str) {
    let admin = server.admin().await;
    std::fs::create_dir_all(server.ctx.config.uploads()).unwrap();
    made(admin.post("/1.0/teams").form(&[("name", "guest-team")]).send().await);
    server.ctx.store.of::<Platform>().insert(&Platform { name: "off-platform".into(), disabled: true }).await.unwrap();
    for world in [World::Own, World::Other] {
        places(&admin, world).await;
        app(&admin, world).await;
        service(server, &admin, world, broker).await;
        rest(&admin, world).await;
        later(&admin, world).await;
        let (event, block) = (event(world), block(world));
        server.ctx.store.backend().load("events", vec![event]).await.unwrap();
        server.ctx.store.backend().load("event_blocks", vec![block]).await.unwrap();
        server.ctx.store.of::<Platform>().insert(&Platform { name: world.name("platform"), disabled: false }).await.unwrap();
    }
}

async fn places(admin: &Caller<'_>, world: World) {
    let (team, client, pool, email) = (world.name("team"), world.name("client"), world.name("pool"), world.name("email"));
    made(admin.post("/1.0/teams").form(&[("name", &team)]).send().await);
    made(admin.post("/1.0/teams").form(&[("name", &client)]).send().await);
    made(admin.post("/1.0/pools").form(&[("name", pool.as_str()), ("provisioner", "local")]).send().await);
    made(admin.post(&format!("/1.0/pools/{pool}/team")).form(&[("team", &team)]).send().await);
    made(admin.post("/1.0/users").form(&[("email", email.as_str()), ("password", "secret123")]).send().await);
}

async fn app(admin: &Caller<'_>, world: World) {
    let (app, team, pool) = (world.name("app"), world.name("team"), world.name("pool"));
    let form = [("name", app.as_str()), ("platform", "static"), ("teamOwner", &team), ("pool", &pool)];
    made(admin.post("/1.0/apps").form(&form).send().await);
    made(admin.post(&format!("/1.0/apps/{app}/deploy")).form(&[("image", "img"), ("origin", "image")]).send().await);
    let secret = json!({"envs": [{"name": "SECRET", "value": world.name("secret"), "private": true}], "norestart": true});
    made(admin.post(&format!("/1.0/apps/{app}/env")).json(&secret).send().await);
    made(admin.post(&format!("/1.0/apps/{app}/cname")).form(&[("cname", format!("{app}.example.org").as_str())]).send().await);
}

async fn service(server: &Server, admin: &Caller<'_>, world: World, broker: &str) {
    let (service, instance, team) = (world.name("service"), world.name("instance"), world.name("team"));
    let form = [("id", service.as_str()), ("username", "u"), ("password", "pppp"), ("endpoint", broker), ("team", &team)];
    made(admin.post("/1.0/services").form(&form).send().await);
    let form = [("name", instance.as_str()), ("owner", &team), ("plan_name", "small")];
    made(admin.post(&format!("/1.0/services/{service}/instances")).form(&form).send().await);
    let closed = world.name("closed");
    let form = [("id", closed.as_str()), ("username", "u"), ("password", "pppp"), ("endpoint", broker), ("team", &team)];
    made(admin.post("/1.0/services").form(&form).send().await);
    let restricted = Update::set("is_restricted", true).and_set("teams", [world.name("client")]);
    server.ctx.store.of::<Service>().update(Filter::id(&closed), restricted).await.unwrap();
}

async fn rest(admin: &Caller<'_>, world: World) {
    let (team, pool, volume) = (world.name("team"), world.name("pool"), world.name("volume"));
    let new = json!({"name": volume, "pool": pool, "teamOwner": team, "plan": {"name": "azurefile"}});
    made(admin.post("/1.4/volumes").json(&new).send().await);
    let bind = json!({"app": world.name("app"), "mountpoint": "/bound", "norestart": true});
    made(admin.post(&format!("/1.4/volumes/{volume}/bind")).json(&bind).send().await);
    made(admin.post("/1.6/tokens").form(&[("token_id", world.name("token").as_str()), ("team", &team)]).send().await);
    let role = world.name("role");
    made(admin.post("/1.0/roles").form(&[("name", role.as_str()), ("context", "team")]).send().await);
    made(admin.post(&format!("/1.0/roles/{role}/permissions")).form(&[("permission", "app.read.log")]).send().await);
    made(admin.post("/1.0/plans").form(&[("name", world.name("plan").as_str()), ("memory", "64M"), ("cpumilli", "100")]).send().await);
}

/// Things of routes that may not be there yet.
async fn later(admin: &Caller<'_>, world: World) {
    let (team, pool) = (world.name("team"), world.name("pool"));
    let container = json!({"image": "i", "command": ["c"]});
    let job = json!({"name": world.name("job"), "teamOwner": team, "pool": pool, "schedule": "* * * * *", "container": container});
    made(admin.post("/1.13/jobs").json(&job).send().await);
    let hook = json!({"name": world.name("webhook"), "url": "http://127.0.0.1:1/", "team_owner": team});
    made(admin.post("/1.6/events/webhooks").json(&hook).send().await);
    let router = json!({"name": world.name("dynamic-router"), "type": "api", "config": {"api-url": "http://127.0.0.1:1"}});
    made(admin.post("/1.8/routers").json(&router).send().await);
}

fn made(reply: Reply) {
    let there = reply.status < 300 || (reply.status == 501 && reply.text.contains("is not there yet"));
    assert!(there, "{} {}", reply.status, reply.text);
}

fn event(world: World) -> Doc {
    let id = ObjectId::parse_str(world.name("event")).unwrap();
    let place = |kind: Kind| doc! {"ctxtype": kind.word(), "value": world.context(kind)};
    let contexts = vec![place(Kind::Team), place(Kind::App), place(Kind::Pool)];
    doc! {
        "_id": id, "uniqueid": id, "starttime": bson::DateTime::now(), "target": {"type": "app", "value": world.name("app")},
        "kind": {"type": "permission", "name": "app.deploy"}, "owner": {"type": "user", "name": "somebody@example.com"},
        "cancelable": true, "running": true,
        "allowed": {"scheme": "app.read.events", "contexts": contexts.clone()},
        "allowedcancel": {"scheme": "app.update.events", "contexts": contexts},
    }
}

fn block(world: World) -> Doc {
    let id = ObjectId::parse_str(world.name("block")).unwrap();
    doc! {"_id": id, "starttime": bson::DateTime::now(), "kindname": "none.none", "reason": "r", "active": true}
}
