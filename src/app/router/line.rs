//! A line to a router of an app: to a server that speaks the router HTTP API, or to what writes the objects of the app's cluster.

use super::{Reached, backend};
use crate::{
    app::{App, AppRouter},
    context::Context,
    error::{Error, Result},
    pool::Pool,
    provisioner::{
        DynProvisioner, Routes,
        routes::{Edge, Host, Route, Standing},
    },
    router::{self, Way, api::Api},
    secret::Secret,
};

const READY: &str = "ready";
const NOT_READY: &str = "not ready";

/// To a router that is not `local`.
pub enum Line<'a> {
    /// It is told of apps.
    Api(Api<'a>),
    /// The cluster has its objects.
    Cluster(Edge, DynProvisioner),
}

impl<'a> Line<'a> {
    /// To the router of this name, on behalf of an app; none to `local`.
    pub async fn to(ctx: &'a Context, app: &App, name: &str) -> Result<Option<Self>> {
        Ok(match router::find(ctx, name).await?.way(ctx)? {
            Way::Local => None,
            Way::Api(api) => Some(Self::Api(speaking(ctx, app, api).await?)),
            Way::Ingress(edge) => Some(Self::Cluster(edge, crate::app::rollout::provisioner(ctx, app).await?)),
        })
    }

    /// Has the router know of the app as it is now. Where the app answers, as far as the router knows.
    pub async fn ensure(&self, ctx: &Context, app: &App, linked: &AppRouter) -> Result<Vec<String>> {
        match self {
            Self::Api(api) => {
                api.ensure(&app.name, &backend::of(ctx, app, linked).await?).await?;
                Ok(api.addresses(&app.name).await.unwrap_or_default())
            }
            Self::Cluster(edge, provisioner) => routes(provisioner)?.ensure(edge, &route(app, linked)).await,
        }
    }

    /// Has it forget the app; one that is not known is forgotten already.
    pub async fn remove(&self, app: &str) -> Result<()> {
        match self {
            Self::Api(api) => api.remove(app).await,
            Self::Cluster(edge, provisioner) => routes(provisioner)?.remove(edge, app).await,
        }
    }

    /// What it says of the app.
    pub async fn look(&self, app: &str) -> Result<Reached> {
        match self {
            Self::Api(api) => {
                let addresses = api.addresses(app).await?;
                if addresses.is_empty() {
                    return Ok(Reached { status: NOT_READY.into(), ..Reached::default() });
                }
                let status = api.status(app).await?;
                Ok(Reached { addresses, status: status.status, detail: status.detail })
            }
            Self::Cluster(edge, provisioner) => Ok(reached(routes(provisioner)?.standing(edge, app).await)),
        }
    }

    /// True when it takes certificates.
    pub async fn supports_tls(&self) -> bool {
        match self {
            Self::Api(api) => api.supports_tls().await,
            Self::Cluster(..) => true,
        }
    }

    /// Refuses a host name that can be given no certificate, as far as that is known before one is given.
    pub async fn check_certificate(&self, at: Host<'_>) -> Result<()> {
        match self {
            Self::Api(_) => Ok(()),
            Self::Cluster(edge, provisioner) => routes(provisioner)?.check_certificate(edge, at).await,
        }
    }

    /// Gives a certificate for a host name.
    pub async fn set_certificate(&self, at: Host<'_>, pair: (&str, &Secret)) -> Result<()> {
        match self {
            Self::Api(api) => api.set_certificate(at.app, at.name, pair).await,
            Self::Cluster(edge, provisioner) => routes(provisioner)?.set_certificate(edge, at, pair).await,
        }
    }

    /// Takes the certificate of a host name away.
    pub async fn remove_certificate(&self, at: Host<'_>) -> Result<()> {
        let was_there = match self {
            Self::Api(api) => api.remove_certificate(at.app, at.name).await?,
            Self::Cluster(edge, provisioner) => routes(provisioner)?.remove_certificate(edge, at).await?,
        };
        if was_there { Ok(()) } else { Err(Error::invalid("Certificate not found")) }
    }

    /// The certificate of a host name, when there is one.
    pub async fn certificate(&self, at: Host<'_>) -> Result<Option<String>> {
        match self {
            Self::Api(api) => api.certificate(at.app, at.name).await,
            Self::Cluster(edge, provisioner) => routes(provisioner)?.certificate(edge, at).await,
        }
    }
}

fn routes(provisioner: &DynProvisioner) -> Result<&dyn Routes> {
    let none = || Error::refused(format!("routers of the type {:?} reach only apps in clusters", router::INGRESS));
    provisioner.routes()?.ok_or_else(none)
}

/// The router, told of pool and cluster when it wants to be.
async fn speaking<'a>(ctx: &Context, app: &App, api: Api<'a>) -> Result<Api<'a>> {
    if !api.multi_cluster {
        return Ok(api);
    }
    let pool = Pool::load(&ctx.store, &app.pool).await?;
    Ok(api.also_saying(crate::cluster::headers(&ctx.store, &pool).await?))
}

fn route(app: &App, linked: &AppRouter) -> Route {
    Route {
        app: app.name.clone(),
        team: app.team_owner.clone(),
        tags: app.tags.clone(),
        cnames: app.cname.clone(),
        issuers: super::issuers(app),
        opts: linked.opts.clone(),
    }
}

fn reached(standing: Option<Standing>) -> Reached {
    match standing {
        None => Reached { status: NOT_READY.into(), detail: "waiting for deploy".into(), ..Reached::default() },
        Some(Standing { addresses, ready, detail }) => Reached { addresses, status: if ready { READY } else { NOT_READY }.into(), detail },
    }
}
