//! When a unit is ready, and whether it still is.

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use http_body_util::{BodyExt, Empty};
use hyper::Request;
use tokio::{
    net::TcpStream,
    time::{Instant, sleep, timeout},
};

use super::{
    exec,
    route::{Backend, Client, Target},
    running::Running,
    shared::Shared,
};
use crate::{
    build::{processes::WEB, tsuru_yaml::Healthcheck},
    provisioner::ProcessState,
};

/// Between looks at a unit that is starting.
const LOOK: Duration = Duration::from_millis(40);
/// Between two checks of a unit that is starting, at most.
const RETRY: Duration = Duration::from_secs(1);
/// A process that nobody sends requests to is ready when it lived so long.
const STAYS_UP: Duration = Duration::from_secs(1);
/// A connection to this machine.
const CONNECT: Duration = Duration::from_secs(2);

/// What was found out.
#[derive(Debug)]
pub enum Verdict {
    /// It is ready, at this place.
    Ready(Arc<Backend>),
    /// Not ready yet, because.
    Waiting(String),
    /// It was ready and is no longer, because.
    Unready(String),
    /// It should be started anew.
    Restart,
}

/// The watch over one life of a unit.
#[derive(Debug)]
pub struct Watch {
    shared: Arc<Shared>,
    unit: Arc<Running>,
    born: Instant,
    backend: Option<Arc<Backend>>,
    ready: bool,
    told: String,
    failures: u32,
}

impl Watch {
    /// Of a unit that just started.
    pub fn new(shared: Arc<Shared>, unit: Arc<Running>) -> Self {
        Self { shared, unit, born: Instant::now(), backend: None, ready: false, told: String::new(), failures: 0 }
    }

    /// The next change.
    pub async fn next(&mut self) -> Verdict {
        if self.backend.is_none() { self.until_ready().await } else { self.until_changed().await }
    }

    /// The health check, when it asks for more than an open port.
    fn check(&self) -> Option<&Healthcheck> {
        self.unit.process.healthcheck.as_ref().filter(|check| !check.path.is_empty() || !check.command.is_empty())
    }

    async fn until_ready(&mut self) -> Verdict {
        loop {
            let reason = match self.attempt().await {
                Ok(address) => {
                    let backend = Backend::new(Target::Port(address));
                    self.backend = Some(backend.clone());
                    self.ready = true;
                    return Verdict::Ready(backend);
                }
                Err(Reason::Hopeless(reason)) => {
                    tracing::warn!(unit = self.unit.record.id, reason, "startup check failed");
                    return Verdict::Restart;
                }
                Err(Reason::NotYet(reason, pause)) => {
                    sleep(pause).await;
                    reason
                }
            };
            if reason != self.told {
                self.told.clone_from(&reason);
                return Verdict::Waiting(reason);
            }
        }
    }

    async fn attempt(&self) -> Result<SocketAddr, Reason> {
        let port = self.unit.record.port;
        let address = self.place(port).await?;
        if let Some(startup) = &self.unit.process.startupcheck {
            let check = startup.as_health();
            if let Err(reason) = self.probe(&check, address).await {
                let patience = every(&check) * allowed(&check);
                return Err(if self.born.elapsed() > patience {
                    Reason::Hopeless(format!("startup check: {reason}"))
                } else {
                    Reason::NotYet(format!("startup check: {reason}"), every(&check).min(RETRY))
                });
            }
        }
        if let Some(check) = self.check() {
            let not_yet = |reason| Reason::NotYet(format!("health check: {reason}"), every(check).min(RETRY));
            self.probe(check, address).await.map_err(not_yet)?;
        }
        Ok(address)
    }

    /// Where it listens, for a process that must; the usual place for one that only has to stay up.
    async fn place(&self, port: u16) -> Result<SocketAddr, Reason> {
        let usual = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), port);
        let process = &self.unit.process;
        let must_listen = (process.routable && process.name == WEB) || self.check().is_some_and(|check| !check.path.is_empty());
        if must_listen || process.routable {
            if let Some(address) = listening(port).await {
                return Ok(address);
            }
            if must_listen {
                return Err(Reason::NotYet(format!("nothing listens on port {port} (the value of $PORT) yet"), LOOK));
            }
        }
        let left = STAYS_UP.saturating_sub(self.born.elapsed());
        if left.is_zero() { Ok(usual) } else { Err(Reason::NotYet("just started".into(), left.min(LOOK * 5))) }
    }

    /// Waits until as many checks in a row have failed as may, or one succeeded again.
    async fn until_changed(&mut self) -> Verdict {
        loop {
            let Some((check, backend)) = self.check().cloned().zip(self.backend.clone()) else {
                return std::future::pending().await;
            };
            sleep(every(&check)).await;
            let Target::Port(address) = backend.target else { return std::future::pending().await };
            match self.probe(&check, address).await {
                Ok(()) => {
                    self.failures = 0;
                    if !std::mem::replace(&mut self.ready, true) {
                        return Verdict::Ready(backend);
                    }
                }
                Err(reason) => {
                    self.failures += 1;
                    if self.failures >= allowed(&check) {
                        self.failures = 0;
                        if check.force_restart {
                            return Verdict::Restart;
                        }
                        if std::mem::replace(&mut self.ready, false) {
                            return Verdict::Unready(format!("health check: {reason}"));
                        }
                    }
                }
            }
        }
    }

    async fn probe(&self, check: &Healthcheck, address: SocketAddr) -> Result<(), String> {
        let patience = Duration::from_secs(if check.timeout_seconds == 0 { 60 } else { check.timeout_seconds.into() });
        if !check.path.is_empty() && check.scheme != "https" {
            let host = format!("{}.localhost", self.unit.record.app);
            let answer = timeout(patience, get(&self.shared.gate.client, address, &host, check)).await;
            answer.map_err(|_elapsed| format!("GET {} did not answer within {}s", check.path, patience.as_secs()))??;
        }
        if !check.command.is_empty() {
            let code = timeout(patience, exec::quietly(&self.shared, &self.unit, check.command.clone())).await;
            match code {
                Ok(Ok(0)) => {}
                Ok(Ok(code)) => return Err(format!("the command ended with exit code {code}")),
                Ok(Err(e)) => return Err(format!("the command could not be run: {e}")),
                Err(_) => return Err(format!("the command did not end within {}s", patience.as_secs())),
            }
        }
        Ok(())
    }
}

enum Reason {
    NotYet(String, Duration),
    Hopeless(String),
}

fn every(check: &Healthcheck) -> Duration {
    Duration::from_secs(if check.interval_seconds == 0 { 10 } else { check.interval_seconds.into() })
}

fn allowed(check: &Healthcheck) -> u32 {
    if check.allowed_failures == 0 { 3 } else { check.allowed_failures }
}

/// How long units of a process may take to become ready.
pub fn patience(process: &ProcessState) -> Duration {
    let own = process.healthcheck.as_ref().map_or(0, |check| check.deploy_timeout_seconds);
    Duration::from_secs(if own == 0 { 120 } else { own.into() })
}

/// The address of this machine where a port accepts connections.
async fn listening(port: u16) -> Option<SocketAddr> {
    for ip in [IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V6(Ipv6Addr::LOCALHOST)] {
        let address = SocketAddr::new(ip, port);
        if timeout(CONNECT, TcpStream::connect(address)).await.is_ok_and(|connected| connected.is_ok()) {
            return Some(address);
        }
    }
    None
}

async fn get(client: &Client, address: SocketAddr, host: &str, check: &Healthcheck) -> Result<(), String> {
    let path = format!("/{}", check.path.trim_start_matches('/'));
    let mut request = Request::get(format!("http://{address}{path}")).header("host", host).header("user-agent", "impaas-healthcheck");
    for (name, value) in &check.headers {
        request = request.header(name, value);
    }
    let body = Empty::new().map_err(|never| match never {}).boxed_unsync();
    let request = request.body(body).map_err(|e| format!("GET {path}: {e}"))?;
    let answer = client.request(request).await.map_err(|e| format!("GET {path}: {}", root_cause(&e)))?;
    match answer.status().as_u16() {
        200..400 => Ok(()),
        other => Err(format!("GET {path} answered {other}")),
    }
}

fn root_cause(error: &dyn std::error::Error) -> String {
    error.source().map_or_else(|| error.to_string(), root_cause)
}
