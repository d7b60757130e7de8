//! A service's broker: an HTTP server of somebody else, spoken to by tsuru's classic API. Nothing it answers is trusted.

mod call;
mod client;
mod fault;
mod payload;

use std::{collections::BTreeMap, time::Duration};

use reqwest::{Method, Url, header::HeaderMap};
use serde::Deserialize;

pub use call::Proxied;
pub use client::Client;
pub use fault::Fault;
pub use payload::{BoundApp, BoundJob};

use super::{Instance, Service};
use crate::{
    cluster,
    context::Context,
    error::{Error, Result},
    event::begin::Running,
    names,
    pool::Pool,
    store::Filter,
};
use payload::Payload;

/// As long as tsuru waits for a broker that makes or removes something.
const CHANGE: Duration = Duration::from_secs(300);
/// As long as a question may take.
const QUESTION: Duration = Duration::from_secs(30);

/// On whose behalf the broker is asked.
#[derive(Clone, Debug)]
pub struct Asker {
    /// E-mail.
    pub user: String,
    /// The event; empty when nothing is recorded.
    pub event: String,
}

impl Asker {
    /// The owner of an event.
    pub fn of(event: &Running) -> Self {
        let owner = event.owner();
        let user = if owner.kind == "token" { format!("{}@tsuru-team-token", owner.name) } else { owner.name.clone() };
        Self { user, event: event.id() }
    }
}

/// A plan that the broker offers.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct Plan {
    /// Name.
    pub name: String,
    /// What it is.
    pub description: String,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Labelled {
    label: String,
    value: String,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Refusal {
    missing_params: Vec<String>,
}

/// The broker of a service.
pub struct Broker<'a> {
    client: &'a Client,
    service: &'a Service,
    base: Url,
    /// Of an instance that lives in a pool: the pool and its cluster.
    about: HeaderMap,
}

impl<'a> Broker<'a> {
    /// The broker as all instances share it.
    pub fn of(ctx: &'a Context, service: &'a Service) -> Result<Self> {
        Self::at(ctx, service, None)
    }

    /// The broker for a cluster, when the service names one for it.
    fn at(ctx: &'a Context, service: &'a Service, cluster: Option<&str>) -> Result<Self> {
        let own = cluster.and_then(|cluster| service.endpoint.get(cluster));
        let endpoint = own.or_else(|| service.endpoint.get("production")).ok_or_else(|| Error::refused("Unknown endpoint: production"))?;
        let full = if endpoint.starts_with("http://") || endpoint.starts_with("https://") {
            endpoint.clone()
        } else {
            format!("http://{endpoint}")
        };
        let wrong = |e: &dyn std::fmt::Display| Error::refused(format!("the endpoint of service {:?} is not a URL: {e}", service.name));
        let mut base = Url::parse(&full).map_err(|e| wrong(&e))?;
        base.set_query(None);
        base.set_fragment(None);
        if base.set_username("").and_then(|()| base.set_password(None)).is_err() {
            return Err(wrong(&"it has no host"));
        }
        Ok(Self { client: &ctx.brokers, service, base, about: HeaderMap::new() })
    }

    /// The broker for instances of this pool; of none when it is empty.
    pub async fn in_pool(ctx: &'a Context, service: &'a Service, pool: &str) -> Result<Self> {
        if pool.is_empty() {
            return Self::of(ctx, service);
        }
        let pool = ctx.store.of::<Pool>().get(Filter::id(pool)).await?.ok_or_else(|| Error::refused("Pool does not exist."))?;
        let headers = cluster::headers(&ctx.store, &pool).await?;
        let named = headers.get("x-tsuru-cluster-name").and_then(|name| name.to_str().ok());
        let mut broker = Self::at(ctx, service, named)?;
        broker.about = headers;
        Ok(broker)
    }

    /// Makes an instance.
    pub async fn create(&self, instance: &Instance, asker: &Asker) -> Result<(), Fault> {
        let reply = self.change(Method::POST, &["resources"], &Payload::create(instance, asker), asker).await;
        match reply {
            Ok(reply) if reply.is_ok() => Ok(()),
            Ok(reply) if reply.status == 409 => Err(Fault::refused("instance already exists in the service API")),
            other => Err(fault::of(other).within(&format!("Failed to create the instance {}", instance.name))),
        }
    }

    /// Tells that an instance is to be as this one. A broker that does not know it, or takes no updates, is no error.
    pub async fn update(&self, instance: &Instance, asker: &Asker) -> Result<(), Fault> {
        let reply = self.change(Method::PUT, &["resources", &instance.name], &Payload::update(instance, asker), asker).await;
        match reply {
            Ok(reply) if reply.is_ok() || reply.status == 404 => Ok(()),
            other => Err(fault::of(other).within(&format!("Failed to update the instance {}", instance.name))),
        }
    }

    /// Removes an instance; one that is gone already is no error.
    pub async fn remove(&self, instance: &str, asker: &Asker) -> Result<(), Fault> {
        let reply = self.change(Method::DELETE, &["resources", instance], &Payload::asker(asker), asker).await;
        match reply {
            Ok(reply) if reply.is_ok() || reply.status == 404 => Ok(()),
            other => Err(fault::of(other).within(&format!("Failed to destroy the instance {instance}"))),
        }
    }

    /// Binds an app; the variables it gets.
    pub async fn bind(&self, instance: &Instance, app: &BoundApp, asker: &Asker) -> Result<BTreeMap<String, String>, Fault> {
        let payload = Payload::bind(app, asker);
        let mut reply = self.change(Method::POST, &["resources", &instance.name, "bind-app"], &payload, asker).await;
        if reply.as_ref().is_ok_and(|reply| reply.status == 404) {
            reply = self.change(Method::POST, &["resources", &instance.name, "bind"], &payload, asker).await;
        }
        let name = format!("{}/{}", instance.service_name, instance.name);
        match reply {
            Ok(reply) if reply.is_ok() => variables(reply.json::<Option<BTreeMap<String, String>>>()?.unwrap_or_default()),
            Ok(reply) if reply.status == 412 => Err(Fault::refused("instance is not ready yet")),
            Ok(reply) if reply.status == 404 => Err(Fault::refused("instance does not exist in the service API")),
            Ok(reply) => Err(reply.refusal().within(&format!("Failed to bind the instance {name:?} to the app {:?}", app.name))),
            Err(fault) => Err(fault.within(&format!("Failed to bind app {:?} to service instance {name:?}", app.name))),
        }
    }

    /// Unbinds an app; one that is not bound is no error.
    pub async fn unbind(&self, instance: &str, app: &str, hosts: &[String], asker: &Asker) -> Result<(), Fault> {
        let path = ["resources", instance, "bind-app"];
        match self.change(Method::DELETE, &path, &Payload::unbind(app, hosts, asker), asker).await {
            Ok(reply) if reply.is_ok() || reply.status == 404 => Ok(()),
            Ok(reply) => Err(reply.refusal().within(&format!("Failed to unbind (\"/{}\")", path.join("/")))),
            Err(fault) => Err(fault),
        }
    }

    /// Binds a job of this pool; the variables it gets.
    pub async fn bind_job(&self, instance: &Instance, bound: &BoundJob<'_>, asker: &Asker) -> Result<BTreeMap<String, String>, Fault> {
        let job = bound.name;
        let path = ["resources", &instance.name, "binds", "jobs", job];
        let reply = self.change(Method::PUT, &path, &Payload::bind_job(bound, asker), asker).await;
        let name = format!("{}/{}", instance.service_name, instance.name);
        match reply {
            Ok(reply) if reply.is_ok() => variables(reply.json::<Option<BTreeMap<String, String>>>()?.unwrap_or_default()),
            Ok(reply) if reply.status == 412 => Err(Fault::refused("instance is not ready yet")),
            Ok(reply) if reply.status == 404 => Err(Fault::refused("instance does not exist in the service API")),
            Ok(reply) => Err(reply.refusal().within(&format!("Failed to bind the instance {name:?} to the job {job:?}"))),
            Err(fault) => Err(fault.within(&format!("Failed to bind job {job:?} to service instance {name:?}"))),
        }
    }

    /// Unbinds a job; one that is not bound is no error.
    pub async fn unbind_job(&self, instance: &str, job: &str, asker: &Asker) -> Result<(), Fault> {
        let path = ["resources", instance, "binds", "jobs", job];
        match self.change(Method::DELETE, &path, &Payload::asker(asker), asker).await {
            Ok(reply) if reply.is_ok() || reply.status == 404 => Ok(()),
            Ok(reply) => Err(reply.refusal().within(&format!("Failed to unbind (\"/{}\")", path.join("/")))),
            Err(fault) => Err(fault),
        }
    }

    /// How an instance is: `up`, `pending`, `down`, or the broker's own words.
    pub async fn status(&self, instance: &str) -> Result<String, Fault> {
        let reply = self.ask(&["resources", instance, "status"]).await;
        match reply {
            Ok(reply) => match reply.status {
                200 => Ok(reply.text()),
                202 => Ok("pending".into()),
                204 => Ok("up".into()),
                404 => Ok("not implemented for this service".into()),
                500 => Ok("down".into()),
                _ => Err(reply.refusal().within(&format!("Failed to get status of instance {instance}"))),
            },
            Err(fault) => Err(fault.within(&format!("Failed to get status of instance {instance}"))),
        }
    }

    /// What the broker tells about an instance, by label.
    pub async fn info(&self, instance: &str) -> Result<BTreeMap<String, String>, Fault> {
        let reply = self.ask(&["resources", instance]).await?;
        if reply.status != 200 {
            return Ok(BTreeMap::new());
        }
        let labelled: Option<Vec<Labelled>> = reply.json()?;
        Ok(labelled.unwrap_or_default().into_iter().map(|one| (one.label, one.value)).collect())
    }

    /// The plans; `None` when the broker has no list of them.
    pub async fn plans(&self) -> Result<Plans, Fault> {
        let reply = self.ask(&["resources", "plans"]).await?;
        match reply.status {
            200 => Ok(Plans::Listed(reply.json()?)),
            400 if reply.json::<Refusal>().is_ok_and(|refusal| refusal.missing_params.iter().any(|name| name == "cluster")) => {
                Ok(Plans::NeedPool)
            }
            _ => Ok(Plans::Listed(None)),
        }
    }

    async fn change(&self, method: Method, path: &[&str], payload: &Payload, asker: &Asker) -> Result<call::Reply, Fault> {
        let request = call::Request { method, path, payload: Some(payload), asker: Some(asker), patience: CHANGE };
        self.call(request).await
    }

    async fn ask(&self, path: &[&str]) -> Result<call::Reply, Fault> {
        self.call(call::Request { method: Method::GET, path, payload: None, asker: None, patience: QUESTION }).await
    }
}

/// What a broker says when it is asked for its plans.
#[derive(Debug)]
pub enum Plans {
    /// These; or it has no list.
    Listed(Option<Vec<Plan>>),
    /// It wants to know the pool first.
    NeedPool,
}

impl Plans {
    /// The plan of this name.
    pub fn find(self, name: &str) -> Option<Plan> {
        match self {
            Self::Listed(Some(plans)) => plans.into_iter().find(|plan| plan.name == name),
            _ => None,
        }
    }
}

/// Variables that a unit can be started with.
fn variables(all: BTreeMap<String, String>) -> Result<BTreeMap<String, String>, Fault> {
    match all.iter().find(|(name, value)| !names::is_env(name) || value.contains('\0')) {
        Some((name, _)) => Err(Fault::nonsense(format!("invalid response: {name:?} cannot be an environment variable"))),
        None => Ok(all),
    }
}
