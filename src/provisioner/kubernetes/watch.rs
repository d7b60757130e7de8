//! What a cluster has, held in memory and kept up by watching: reading it asks nobody.

use std::{
    collections::{BTreeMap, HashMap},
    fmt::Debug,
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};

use futures_util::StreamExt;
use kube::{
    Api, Client, Resource, ResourceExt,
    api::ListParams,
    runtime::{WatchStreamExt, watcher, watcher::Event},
};
use serde::de::DeserializeOwned;
use tokio::{
    sync::{Notify, watch},
    time::timeout,
};
use tokio_util::sync::CancellationToken;

use super::{
    client::innermost,
    kept::Kept,
    objects::labels::{APP, JOB},
};

/// Ours are marked with this.
const OURS: &str = "tsuru.io/is-tsuru=true";
/// A watch is begun anew after so many seconds: a connection that died without a word is noticed then.
const WATCH: u32 = 120;
/// Objects are listed in pages of so many: each is in memory whole until it is trimmed.
const PAGE: u32 = 100;
/// A kind that a cluster lacks is looked for again.
const LOOK: Duration = Duration::from_secs(60);

/// What an object belongs to. Apps and jobs may have the same names.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Owner {
    /// An app.
    App(String),
    /// A job.
    Job(String),
}

type ByOwner<K> = HashMap<Owner, BTreeMap<String, Arc<K>>>;

/// Objects of one kind by app or job.
pub struct Cache<K> {
    known: RwLock<ByOwner<K>>,
    /// Counts changes; the first is that the first list is whole.
    changes: watch::Sender<u64>,
    trouble: RwLock<Option<String>>,
    expected: Notify,
}

impl<K> Default for Cache<K> {
    fn default() -> Self {
        Self { known: RwLock::default(), changes: watch::Sender::new(0), trouble: RwLock::default(), expected: Notify::default() }
    }
}

impl<K> Cache<K>
where
    K: Resource<DynamicType = ()> + Kept + Clone + DeserializeOwned + Debug + Send + Sync + 'static,
{
    /// Begins to watch, until `end`.
    pub fn start(client: Client, end: CancellationToken) -> Arc<Self> {
        Self::start_with(client, end, OURS)
    }

    /// The same for everything that names an app, whoever made it.
    pub fn of_apps(client: Client, end: CancellationToken) -> Arc<Self> {
        Self::start_with(client, end, APP)
    }

    fn start_with(client: Client, end: CancellationToken, labels: &'static str) -> Arc<Self> {
        let cache = Arc::new(Self::default());
        let watching = cache.clone();
        tokio::spawn(async move {
            tokio::select! {
                () = end.cancelled() => {}
                () = watching.follow(client, labels) => {}
            }
        });
        cache
    }

    /// The same of a kind that the cluster may lack: it is watched once it is there.
    pub fn start_if_there(client: Client, end: CancellationToken) -> Arc<Self> {
        let cache = Arc::new(Self::default());
        let watching = cache.clone();
        tokio::spawn(async move {
            tokio::select! {
                () = end.cancelled() => {}
                () = async {
                    while !watching.is_there(&client).await {
                        timeout(LOOK, watching.expected.notified()).await.ok();
                    }
                    watching.follow(client, OURS).await;
                } => {}
            }
        });
        cache
    }

    async fn is_there(&self, client: &Client) -> bool {
        Api::<K>::all(client.clone()).list_metadata(&ListParams::default().limit(1)).await.is_ok()
    }

    /// Somebody found out that the kind is there.
    pub fn expect(&self) {
        self.expected.notify_one();
    }

    async fn follow(&self, client: Client, labels: &str) {
        let ours = watcher::Config::default().labels(labels).timeout(WATCH).page_size(PAGE);
        let stream = watcher(Api::<K>::all(client), ours).default_backoff();
        let mut stream = std::pin::pin!(stream);
        let mut listed = ByOwner::new();
        while let Some(event) = stream.next().await {
            match event {
                Ok(event) => {
                    self.set_trouble(None);
                    self.take(event, &mut listed);
                }
                Err(e) => self.set_trouble(Some(innermost(&e))),
            }
        }
    }

    /// Takes one piece of news; a list is gathered in `listed` and shown when it is whole.
    fn take(&self, event: Event<K>, listed: &mut ByOwner<K>) {
        match event {
            Event::Init => listed.clear(),
            Event::InitApply(object) => insert(listed, object),
            Event::InitDone => self.change(|known| *known = std::mem::take(listed)),
            Event::Apply(object) => self.change(|known| insert(known, object)),
            Event::Delete(object) => self.change(|known| remove(known, &object)),
        }
    }

    fn change(&self, change: impl FnOnce(&mut ByOwner<K>)) {
        change(&mut self.known.write().unwrap_or_else(PoisonError::into_inner));
        self.changes.send_modify(|count| *count += 1);
    }

    fn set_trouble(&self, why: Option<String>) {
        *self.trouble.write().unwrap_or_else(PoisonError::into_inner) = why;
    }

    /// The app's objects by namespace and name.
    pub fn of(&self, app: &str) -> Vec<Arc<K>> {
        self.owned_by(&Owner::App(app.into()))
    }

    /// The job's objects by namespace and name.
    pub fn of_job(&self, job: &str) -> Vec<Arc<K>> {
        self.owned_by(&Owner::Job(job.into()))
    }

    /// The owner's objects by namespace and name.
    pub fn owned_by(&self, owner: &Owner) -> Vec<Arc<K>> {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        known.get(owner).map(|objects| objects.values().cloned().collect()).unwrap_or_default()
    }

    /// The apps and jobs that have some, each with its objects.
    pub fn each(&self, mut see: impl FnMut(&[&K])) {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        known.values().for_each(|objects| see(&objects.values().map(Arc::as_ref).collect::<Vec<_>>()));
    }

    /// Why nothing is heard of the cluster, if so.
    pub fn trouble(&self) -> Option<String> {
        self.trouble.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Hears of every change from now on.
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.changes.subscribe()
    }

    /// How many changes were heard of.
    pub fn count(&self) -> u64 {
        *self.changes.borrow()
    }

    /// Waits until what is known is so, so long; false when it never was.
    pub async fn until(&self, patience: Duration, holds: impl Fn(&Self) -> bool) -> bool {
        let mut changes = self.changes();
        let held = timeout(patience, async { while !holds(self) && changes.changed().await.is_ok() {} }).await;
        held.is_ok()
    }

    /// True once the first list is whole; waits for it so long.
    pub async fn is_whole(&self, patience: Duration) -> bool {
        let mut changes = self.changes();
        let whole = timeout(patience, changes.wait_for(|count| *count > 0)).await;
        matches!(whole, Ok(Ok(_)))
    }
}

fn insert<K: Resource<DynamicType = ()> + Kept>(known: &mut ByOwner<K>, mut object: K) {
    // It is half of the object.
    object.meta_mut().managed_fields = None;
    object.trim();
    if let Some(owner) = owner(&object) {
        known.entry(owner).or_default().insert(key(&object), Arc::new(object));
    }
}

fn owner<K: Resource<DynamicType = ()>>(object: &K) -> Option<Owner> {
    let label = |name: &str| object.labels().get(name).cloned();
    label(APP).map(Owner::App).or_else(|| label(JOB).map(Owner::Job))
}

fn remove<K: Resource<DynamicType = ()>>(known: &mut ByOwner<K>, object: &K) {
    let Some(owner) = owner(object) else { return };
    if let Some(objects) = known.get_mut(&owner) {
        objects.remove(&key(object));
        if objects.is_empty() {
            known.remove(&owner);
        }
    }
}

fn key<K: Resource<DynamicType = ()>>(object: &K) -> String {
    format!("{}/{}", object.namespace().unwrap_or_default(), object.name_any())
}

#[cfg(test)]
mod tests {
    use k8s_openapi::{api::core::v1::Pod, apimachinery::pkg::apis::meta::v1::ObjectMeta};

    use super::*;

    fn pod(app: &str, name: &str) -> Pod {
        labelled(APP, app, name)
    }

    fn labelled(label: &str, owner: &str, name: &str) -> Pod {
        let labels = Some(BTreeMap::from([(label.to_owned(), owner.to_owned())]));
        Pod {
            metadata: ObjectMeta { name: Some(name.into()), namespace: Some("default".into()), labels, ..ObjectMeta::default() },
            ..Pod::default()
        }
    }

    fn names(cache: &Cache<Pod>, app: &str) -> Vec<String> {
        cache.of(app).iter().map(|pod| pod.name_any()).collect()
    }

    #[tokio::test]
    async fn objects_are_found_by_app_as_they_come_and_go() {
        let (cache, mut listed) = (Cache::<Pod>::default(), ByOwner::new());
        assert!(!cache.is_whole(Duration::ZERO).await);
        for event in [Event::Init, Event::InitApply(pod("a", "a-1")), Event::InitApply(pod("b", "b-1")), Event::InitDone] {
            cache.take(event, &mut listed);
        }
        assert!(cache.is_whole(Duration::ZERO).await);
        cache.take(Event::Apply(pod("a", "a-2")), &mut listed);
        assert_eq!((names(&cache, "a"), names(&cache, "b")), (vec!["a-1".into(), "a-2".into()], vec!["b-1".to_owned()]));
        cache.take(Event::Delete(pod("a", "a-1")), &mut listed);
        assert_eq!(names(&cache, "a"), ["a-2"]);
    }

    #[test]
    fn an_app_and_a_job_of_one_name_have_their_own() {
        let (cache, mut listed) = (Cache::<Pod>::default(), ByOwner::new());
        cache.take(Event::Apply(pod("a", "a-web")), &mut listed);
        cache.take(Event::Apply(labelled(JOB, "a", "a-run")), &mut listed);
        assert_eq!((names(&cache, "a"), cache.of_job("a").len()), (vec!["a-web".to_owned()], 1));
        cache.take(Event::Delete(labelled(JOB, "a", "a-run")), &mut listed);
        assert_eq!((cache.of("a").len(), cache.of_job("a").len()), (1, 0));
    }

    #[tokio::test]
    async fn what_a_new_list_lacks_is_gone_and_until_then_the_old_one_stands() {
        let (cache, mut listed) = (Cache::<Pod>::default(), ByOwner::new());
        for event in [Event::Init, Event::InitApply(pod("a", "a-1")), Event::InitDone, Event::Init] {
            cache.take(event, &mut listed);
        }
        assert_eq!(names(&cache, "a"), ["a-1"]);
        cache.take(Event::InitDone, &mut listed);
        assert!(names(&cache, "a").is_empty());
    }
}
