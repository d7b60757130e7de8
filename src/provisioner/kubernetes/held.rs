//! Pods that somebody holds: they go when they are let go, and also when whoever held them is no more.
//!
//! The holder changes an annotation all the time. A server that sees one stand still for long, by its own clock, removes the pod: no
//! clocks are compared, and it does not matter which server it was.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
    time::{Duration, Instant},
};

use k8s_openapi::api::core::v1::Pod;
use kube::{
    Api, Client, ResourceExt,
    api::{DeleteParams, Patch, PatchParams},
};
use serde_json::json;
use tokio::{
    runtime::Handle,
    task::AbortHandle,
    time::{interval, sleep},
};
use tokio_util::sync::CancellationToken;

use super::{
    client::{SHORT, ask},
    watch::Cache,
};

/// Changed all the time while somebody holds the pod.
pub const MARK: &str = "impaas.io/held";
/// So often.
const EVERY: Duration = Duration::from_secs(20);
/// One that was not changed for so long is let go.
const LET_GO: Duration = Duration::from_secs(90);

/// A pod that goes when this is dropped.
pub struct Held {
    api: Api<Pod>,
    app: String,
    name: String,
    holding: AbortHandle,
    removed: bool,
}

impl Held {
    /// Marks a pod that is about to be made.
    pub fn mark(pod: &mut Pod) {
        pod.metadata.annotations.get_or_insert_with(BTreeMap::new).insert(MARK.into(), "0".into());
    }

    /// Holds a marked pod of an app.
    pub fn new(api: Api<Pod>, app: &str, name: String) -> Self {
        let holding = tokio::spawn(hold(api.clone(), name.clone())).abort_handle();
        Self { api, app: app.into(), name, holding, removed: false }
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// It as it is known at this moment.
    pub fn seen(&self, pods: &Cache<Pod>) -> Option<Arc<Pod>> {
        pods.of(&self.app).into_iter().find(|pod| pod.name_any() == self.name)
    }

    /// Where it is.
    pub fn api(&self) -> &Api<Pod> {
        &self.api
    }

    /// Removes it.
    pub async fn remove(mut self) {
        self.removed = true;
        remove(self.api.clone(), self.name.clone()).await;
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.holding.abort();
        // Where there is nobody any more to do it, the next server does.
        if let (false, Ok(runtime)) = (self.removed, Handle::try_current()) {
            runtime.spawn(remove(self.api.clone(), self.name.clone()));
        }
    }
}

async fn hold(api: Api<Pod>, name: String) {
    let mut every = interval(EVERY);
    every.tick().await;
    for beat in 1_u64.. {
        every.tick().await;
        let held = json!({"metadata": {"annotations": {MARK: beat.to_string()}}});
        if let Err(e) = api.patch(&name, &PatchParams::default(), &Patch::Merge(held)).await {
            tracing::debug!(pod = name, error = %e, "a pod could not be held");
        }
    }
}

async fn remove(api: Api<Pod>, name: String) {
    let at_once = DeleteParams::default().grace_period(0);
    match ask("", SHORT, || api.delete(&name, &at_once)).await {
        Err(kube::Error::Api(status)) if status.code == 404 => {}
        Err(e) => tracing::warn!(pod = name, error = %e, "a pod of a command could not be removed; it is removed later"),
        Ok(_) => {}
    }
}

/// Removes what nobody holds any more, until `end`.
pub fn sweep(client: Client, pods: Arc<Cache<Pod>>, end: CancellationToken) {
    let sweeping = async move {
        let mut seen = Seen::default();
        loop {
            let mut marked = Vec::new();
            pods.each(|pods| marked.extend(pods.iter().filter_map(|pod| marked_pod(pod))));
            for Marked { namespace, name, .. } in seen.stale(Instant::now(), marked) {
                tracing::info!(pod = name, "nobody holds this pod any more: it is removed");
                remove(Api::namespaced(client.clone(), &namespace), name).await;
            }
            sleep(EVERY).await;
        }
    };
    tokio::spawn(async move {
        tokio::select! {
            () = end.cancelled() => {}
            () = sweeping => {}
        }
    });
}

struct Marked {
    uid: String,
    namespace: String,
    name: String,
    mark: String,
}

fn marked_pod(pod: &Pod) -> Option<Marked> {
    let mark = pod.annotations().get(MARK)?.clone();
    Some(Marked { uid: pod.uid()?, namespace: pod.namespace()?, name: pod.name_any(), mark })
}

/// The marks as they were last seen, and since when they are so.
#[derive(Default)]
struct Seen(HashMap<String, (String, Instant)>);

impl Seen {
    /// Those whose mark has been standing still.
    fn stale(&mut self, now: Instant, marked: Vec<Marked>) -> Vec<Marked> {
        self.0.retain(|uid, _| marked.iter().any(|pod| pod.uid == *uid));
        let stale = |pod: &Marked| {
            let since = self.0.entry(pod.uid.clone()).or_insert_with(|| (pod.mark.clone(), now));
            if since.0 != pod.mark {
                *since = (pod.mark.clone(), now);
            }
            now.duration_since(since.1) >= LET_GO
        };
        let (mut stale, mut found) = (stale, marked);
        found.retain(|pod| stale(pod));
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn marked(uid: &str, mark: &str) -> Marked {
        Marked { uid: uid.into(), namespace: "n".into(), name: uid.into(), mark: mark.into() }
    }

    #[test]
    fn a_mark_that_stands_still_is_stale_and_one_that_moves_never() {
        let (mut seen, begun) = (Seen::default(), Instant::now());
        let mut names = |after: Duration, moving: &str| {
            let stale = seen.stale(begun + after, vec![marked("still", "1"), marked("moving", moving)]);
            stale.into_iter().map(|pod| pod.name).collect::<Vec<_>>()
        };
        assert!(names(Duration::ZERO, "1").is_empty());
        assert!(names(LET_GO / 2, "2").is_empty());
        assert_eq!(names(LET_GO, "2"), ["still"]);
    }
}
