//! Objects are written whole and only where they differ from what is there: what somebody else changed meanwhile is looked at again.
//! Nothing is written twice when an answer is lost. What belongs to one app, job or volume is never written over or removed for another:
//! names are put together from those of apps and processes, and `blog-x` + `web` comes to the same as `blog` + `x-web`. Who may have lost
//! the hold on an app makes sure of it before each write; between that and the write only the object's own version counts.

use std::{fmt::Debug, time::Duration};

use kube::{
    Api, Resource, ResourceExt,
    api::{DeleteParams, PostParams, Preconditions},
    core::Status,
};
use serde::{Serialize, de::DeserializeOwned};
use tokio::time::{Instant, sleep};

use super::{
    client::{ask, told},
    objects::{filled::is_same, labels},
};
use crate::{
    error::{Error, Result},
    failpoint,
    provisioner::hold::Hold,
};

/// How long a cluster may be away before work that began is given up.
pub const LONG: Duration = Duration::from_secs(300);
/// Others may change an object so often between our look and our write.
const TRIES: usize = 10;

/// How long an object may take to go, once it was deleted.
const GOING: Duration = Duration::from_secs(60);
const PAUSE: Duration = Duration::from_millis(300);

/// What became of an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Written {
    /// It is new.
    Created,
    /// It was something else.
    Updated,
    /// It was right.
    Unchanged,
}

/// An object that can be written.
pub trait Object: Resource<DynamicType = ()> + Clone + Debug + Serialize + DeserializeOwned + Send + Sync + 'static {}
impl<K: Resource<DynamicType = ()> + Clone + Debug + Serialize + DeserializeOwned + Send + Sync + 'static> Object for K {}

/// Writes to one cluster.
#[derive(Clone, Copy)]
pub struct Writer<'a> {
    /// The cluster's name, for those who read of a fault.
    pub cluster: &'a str,
    /// How long it may be away.
    pub patience: Duration,
    /// What is written only while it holds.
    pub hold: Option<&'a dyn Hold>,
}

impl Writer<'_> {
    /// The object of this name, if it is there, and if there are objects of its kind at all.
    pub async fn get<K: Object>(&self, api: &Api<K>, name: &str) -> Result<Option<K>> {
        self.unless(&[404], || api.get(name)).await
    }

    /// Makes the object what is wanted.
    pub async fn ensure<K: Object>(&self, api: &Api<K>, want: &K) -> Result<(Written, K)> {
        self.ensure_over(api, want, |want, _| want.clone()).await
    }

    /// The same; `over` gives what is wanted together with what the one that is there must keep.
    pub async fn ensure_over<K: Object>(&self, api: &Api<K>, want: &K, over: impl Fn(&K, &K) -> K) -> Result<(Written, K)> {
        let keep = |there: Option<&K>| match there {
            None => Ok(Some(want.clone())),
            Some(there) => check_owner(want, there).map(|()| Some(over(want, there))),
        };
        let written = Box::pin(self.change(api, &want.name_any(), keep)).await?;
        written.ok_or_else(|| Error::internal("nothing was wanted"))
    }

    /// Makes the object where it is missing; what is there stays as it is.
    pub async fn ensure_there<K: Object>(&self, api: &Api<K>, want: &K) -> Result<()> {
        self.change(api, &want.name_any(), |there| Ok(there.is_none().then(|| want.clone()))).await.map(drop)
    }

    /// The same of one that is hardly ever there: it is made before anybody looks.
    pub async fn ensure_new<K: Object>(&self, api: &Api<K>, want: &K) -> Result<()> {
        failpoint::reach("cluster:before-write");
        if self.unless(&[409], || api.create(&PARAMS, want)).await?.is_none() {
            return self.ensure_there(api, want).await;
        }
        failpoint::reach("cluster:written");
        Ok(())
    }

    /// Writes what `change` makes of the object that is there; nothing where it gives nothing or the same.
    pub async fn change<K, F>(&self, api: &Api<K>, name: &str, change: F) -> Result<Option<(Written, K)>>
    where
        K: Object,
        F: Fn(Option<&K>) -> Result<Option<K>>,
    {
        for _ in 0..TRIES {
            let there = self.settled(api, name).await?;
            let Some(mut want) = change(there.as_ref())? else { return Ok(None) };
            failpoint::reach("cluster:before-write");
            self.make_sure().await?;
            let written = match there {
                Some(there) if is_same(&want, &there)? => return Ok(Some((Written::Unchanged, there))),
                Some(there) => {
                    want.meta_mut().resource_version.clone_from(&there.meta().resource_version);
                    self.unless(&[404, 409, UNSURE], || self.surely(api.replace(name, &PARAMS, &want)))
                        .await?
                        .map(|now| (Written::Updated, now))
                }
                None => self.unless(&[409, UNSURE], || self.surely(api.create(&PARAMS, &want))).await?.map(|now| (Written::Created, now)),
            };
            if written.is_some() {
                failpoint::reach("cluster:written");
                return Ok(written);
            }
        }
        Err(Error::unavailable(format!("cluster {:?}: {name:?} is changed by somebody else all the time", self.cluster)))
    }

    /// The object, if it is there to stay; one that is on its way out is waited for.
    async fn settled<K: Object>(&self, api: &Api<K>, name: &str) -> Result<Option<K>> {
        let end = Instant::now() + GOING;
        loop {
            match self.get(api, name).await? {
                Some(there) if there.meta().deletion_timestamp.is_some() => {}
                there => return Ok(there),
            }
            if Instant::now() > end {
                return Err(Error::unavailable(format!("cluster {:?}: {name:?} was deleted and does not go", self.cluster)));
            }
            sleep(PAUSE).await;
        }
    }

    /// Removes the object with what belongs to it; false when it was not there.
    pub async fn remove<K: Object>(&self, api: &Api<K>, name: &str) -> Result<bool> {
        self.remove_as(api, name, &DeleteParams::background()).await
    }

    /// Removes the object if it is the app's, with what belongs to it.
    pub async fn remove_of<K: Object>(&self, app: &str, api: &Api<K>, name: &str) -> Result<()> {
        let found = self.get(api, name).await?.filter(|there| labels::owner(there.labels()) == Some(("app", app)));
        let Some(there) = found else { return Ok(()) };
        let this_one = Preconditions { uid: there.uid(), resource_version: None };
        self.remove_as(api, name, &DeleteParams::background().preconditions(this_one)).await.map(drop)
    }

    /// Removes the object in this way; false when it was not there.
    pub async fn remove_as<K: Object>(&self, api: &Api<K>, name: &str, how: &DeleteParams) -> Result<bool> {
        loop {
            self.make_sure().await?;
            match ask(self.cluster, self.patience, || self.surely(api.delete(name, how))).await {
                Ok(_) => {
                    failpoint::reach("cluster:removed");
                    return Ok(true);
                }
                Err(e) if is(&e, UNSURE) => {}
                Err(e) if is(&e, 404) => return Ok(false),
                Err(e) => return Err(self.told(&e)),
            }
        }
    }

    async fn make_sure(&self) -> Result<()> {
        match self.hold {
            Some(hold) => hold.check().await,
            None => Ok(()),
        }
    }

    /// Each try is made only while it is sure.
    async fn surely<T>(&self, call: impl Future<Output = Result<T, kube::Error>>) -> Result<T, kube::Error> {
        if self.hold.is_none_or(Hold::is_sure) {
            return call.await;
        }
        Err(kube::Error::Api(Box::new(Status { code: UNSURE, ..Status::default() })))
    }

    /// Asks with this patience.
    pub async fn asked<T, C>(&self, call: impl Fn() -> C) -> Result<T>
    where
        C: Future<Output = Result<T, kube::Error>> + Send,
    {
        Box::pin(ask(self.cluster, self.patience, call)).await.map_err(|e| self.told(&e))
    }

    /// `None` when one of these codes says that the object is not any more what it was when we looked.
    pub async fn unless<T, C>(&self, codes: &[u16], call: impl Fn() -> C) -> Result<Option<T>>
    where
        C: Future<Output = Result<T, kube::Error>> + Send,
    {
        match Box::pin(ask(self.cluster, self.patience, call)).await {
            Ok(done) => Ok(Some(done)),
            Err(e) if codes.iter().any(|code| is(&e, *code)) => Ok(None),
            Err(e) => Err(self.told(&e)),
        }
    }

    fn told(&self, e: &kube::Error) -> Error {
        told(self.cluster, e)
    }
}

/// 409 where the object that is there belongs to somebody else.
fn check_owner<K: Object>(want: &K, there: &K) -> Result<()> {
    let (own, other) = (labels::owner(want.labels()), labels::owner(there.labels()));
    if own.is_none() || own == other {
        return Ok(());
    }
    let whose = other.map_or_else(|| "somebody else".to_owned(), |(kind, name)| format!("{kind} {name:?}"));
    let kind = K::kind(&());
    Err(Error::conflict(format!("the {kind} {:?} is there already and belongs to {whose}", want.name_any())))
}

/// No code of an API server: somebody else may have the hold by now.
const UNSURE: u16 = 1;
const PARAMS: PostParams = PostParams { dry_run: false, field_manager: None };

fn is(e: &kube::Error, code: u16) -> bool {
    matches!(e, kube::Error::Api(status) if status.code == code)
}

#[cfg(test)]
mod tests {
    use k8s_openapi::api::core::v1::Service;
    use serde_json::{Value, json};

    use super::*;

    fn service(labels: Value) -> Service {
        serde_json::from_value(json!({"metadata": {"name": "blog-x-web", "labels": labels}})).unwrap()
    }

    #[test]
    fn what_is_of_another_app_or_of_nobody_here_is_not_written_over() {
        let blog = service(json!({"tsuru.io/app-name": "blog"}));
        let why = |there: Value| check_owner(&blog, &service(there)).unwrap_err().to_string();
        assert!(check_owner(&blog, &blog).is_ok());
        let theirs = why(json!({"tsuru.io/app-name": "blog-x"}));
        assert_eq!(theirs, "the Service \"blog-x-web\" is there already and belongs to app \"blog-x\"");
        assert!(why(json!({"tsuru.io/job-name": "blog"})).ends_with("belongs to job \"blog\""));
        assert!(why(json!({"app": "blog"})).ends_with("belongs to somebody else"));
        // What is of all apps, as the login for their images, is of nobody.
        assert!(check_owner(&service(json!({})), &service(json!({"any": "label"}))).is_ok());
    }
}
