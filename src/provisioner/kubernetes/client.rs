//! A client of a cluster's API, and how it is asked: with patience for what passes by itself.

use std::{future::Future, time::Duration};

use kube::{
    Client, Config,
    config::{KubeConfigOptions, Kubeconfig},
};
use tokio::time::{Instant, sleep, timeout};

use super::spec::{ClusterSpec, reaches_in};
use crate::error::{Error, Result};

/// Until a connection stands.
const CONNECT: Duration = Duration::from_secs(10);
/// Until one call is answered.
const CALL: Duration = Duration::from_secs(30);
/// How long a cluster may be away before somebody who waits hears of it.
pub const SHORT: Duration = Duration::from_secs(10);

/// A client, which connects when it is first used. Only a trusted kubeconfig may reach into this machine.
pub async fn connect(spec: &ClusterSpec, trusted: bool) -> Result<Client> {
    let wrong = |e: &dyn std::fmt::Display| Error::refused(format!("cluster {:?} cannot be reached: {e}", spec.name));
    if let Some(why) = spec.kube_config.as_ref().filter(|_| !trusted).and_then(reaches_in) {
        return Err(wrong(&why));
    }
    // Two libraries bring different ones: which is used must be said once. A second time changes nothing.
    rustls::crypto::ring::default_provider().install_default().ok();
    let mut config = if spec.is_around_us() {
        Config::incluster().map_err(|e| wrong(&e))?
    } else {
        let known: Kubeconfig = serde_json::from_value(spec.to_kubeconfig()).map_err(|e| wrong(&e))?;
        Config::from_custom_kubeconfig(known, &KubeConfigOptions::default()).await.map_err(|e| wrong(&e))?
    };
    config.connect_timeout = Some(CONNECT);
    config.default_retry = false;
    Client::try_from(config).map_err(|e| wrong(&e))
}

/// Calls until there is an answer that another call would not change, for so long.
pub async fn ask<T, C>(cluster: &str, patience: Duration, call: impl Fn() -> C) -> Result<T, kube::Error>
where
    C: Future<Output = Result<T, kube::Error>> + Send,
{
    let (end, mut pause) = (Instant::now() + patience, Duration::from_millis(100));
    loop {
        let failed = match timeout(CALL.min(patience), call()).await {
            Ok(Ok(answer)) => return Ok(answer),
            Ok(Err(e)) if !passes(&e) => return Err(e),
            Ok(Err(e)) => e,
            Err(_) => kube::Error::Service("no answer in time".into()),
        };
        if Instant::now() + pause > end {
            return Err(failed);
        }
        tracing::debug!(cluster, error = %failed, "the cluster is asked again");
        sleep(pause).await;
        pause = (pause * 2).min(Duration::from_secs(5));
    }
}

/// True for faults that pass by themselves: too many requests, a server that is not well, a connection that broke.
pub fn passes(e: &kube::Error) -> bool {
    match e {
        // Without a code it is no answer of an API server.
        kube::Error::Api(status) => status.code == 429 || status.code >= 500 || status.code == 0,
        kube::Error::HyperError(_) | kube::Error::Service(_) | kube::Error::ReadEvents(_) => true,
        _ => false,
    }
}

/// What a person reads of a failed call.
pub fn told(cluster: &str, e: &kube::Error) -> Error {
    match e {
        kube::Error::Api(status) if !passes(e) => Error::refused(format!("cluster {cluster:?}: {}", status.message)),
        _ => Error::unavailable(format!("cluster {cluster:?} does not answer: {}", innermost(e))),
    }
}

/// The innermost reason, which says most.
pub fn innermost(e: &dyn std::error::Error) -> String {
    e.source().map_or_else(|| e.to_string(), innermost)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use kube::core::Status;

    use super::*;

    fn api(code: u16) -> kube::Error {
        kube::Error::Api(Box::new(Status { code, message: format!("says {code}"), ..Status::default() }))
    }

    async fn answers(codes: &[u16]) -> (usize, Result<usize, kube::Error>) {
        let calls = AtomicUsize::new(0);
        let answer = ask("c", Duration::from_secs(60), || {
            let at = calls.fetch_add(1, Ordering::Relaxed);
            let code = codes.get(at).copied();
            async move { code.map_or(Ok(at), |code| Err(api(code))) }
        });
        let answer = answer.await;
        (calls.load(Ordering::Relaxed), answer)
    }

    #[tokio::test(start_paused = true)]
    async fn what_passes_by_itself_is_asked_again() {
        let (calls, answer) = answers(&[429, 500, 503]).await;
        assert_eq!((calls, answer.unwrap()), (4, 3));
    }

    #[tokio::test(start_paused = true)]
    async fn a_refusal_is_final() {
        for code in [403, 404, 409, 422] {
            let (calls, answer) = answers(&[code]).await;
            assert_eq!(calls, 1);
            assert!(answer.is_err());
        }
    }

    #[tokio::test(start_paused = true)]
    async fn patience_has_an_end() {
        let begun = Instant::now();
        let (calls, answer) = answers(&[500; 100]).await;
        assert!(answer.is_err() && calls > 10 && begun.elapsed() <= Duration::from_secs(60));
    }

    #[test]
    fn faults_name_the_cluster() {
        assert_eq!(told("k1", &api(403)).to_string(), "cluster \"k1\": says 403");
        assert!(matches!(told("k1", &api(503)), Error::Unavailable(_)));
    }
}
