//! Volumes: made with the first unit that mounts them, kept from unit to unit, removed when nobody is bound to them.

use impaas::{
    app::{
        App,
        version::{AppVersions, Version},
    },
    provisioner::ProcessState,
    store::Filter,
    volume::{Bind, BindId},
};
use serde_json::{Value, json};

use super::{
    PATIENCE,
    rollout::{Site, web},
};
use crate::{api::harness::Reply, server::eventually};

const PROVISIONED: &str =
    "updating a volume already provisioned is not supported, a new volume must be created and the old one deleted if necessary";

/// An app that runs, and the volume that is named as it.
struct Lab {
    site: Site,
}

impl Lab {
    async fn new() -> Option<Self> {
        let site = Site::new().await?;
        let mut process = ProcessState { healthcheck: None, ..web(1) };
        process.command = [
            "/bin/sh",
            "-c",
            "echo \"found <$(cat /data/word)>\"; echo it > /data/word && echo written; trap exit TERM; while :; do sleep 0.2; done",
        ]
        .map(str::to_owned)
        .into();
        let version = Version {
            version: 1,
            deploy_image: process.pod.image.clone(),
            processes: [(process.name.clone(), process.command.clone())].into(),
            deploy_successful: true,
            ..Version::default()
        };
        let versions = AppVersions { count: 1, versions: [("1".into(), version)].into(), ..AppVersions::none(&site.world.name) };
        site.world.server.ctx.store.of::<AppVersions>().insert(&versions).await.unwrap();
        site.applied(&site.state(vec![process])).await;
        Some(Self { site })
    }

    fn name(&self) -> &str {
        &self.site.world.name
    }

    fn path(&self, rest: &str) -> String {
        format!("/1.4/volumes/{}{rest}", self.name())
    }

    async fn create(&self, plan: &str, opts: &[(&str, &str)]) -> Reply {
        self.send("/1.4/volumes", plan, opts).await
    }

    async fn update(&self, plan: &str, opts: &[(&str, &str)]) -> Reply {
        self.send(&self.path(""), plan, opts).await
    }

    async fn send(&self, path: &str, plan: &str, opts: &[(&str, &str)]) -> Reply {
        let opts: Vec<(String, &str)> = opts.iter().map(|(name, value)| (format!("Opts.{name}"), *value)).collect();
        let mut form = vec![("Name", self.name()), ("Plan.Name", plan), ("Pool", "kube"), ("TeamOwner", "demo")];
        form.extend(opts.iter().map(|(name, value)| (name.as_str(), *value)));
        self.site.world.server.admin().await.post(path).form(&form).send().await
    }

    async fn bind(&self, at: &str, read_only: &str, no_restart: &str) -> Reply {
        let form = [("App", self.name()), ("MountPoint", at), ("NoRestart", no_restart), ("ReadOnly", read_only)];
        self.site.world.server.admin().await.post(&self.path("/bind")).form(&form).send().await.ok(200)
    }

    async fn unbind(&self, at: &str, no_restart: &str) -> Reply {
        let query = format!("/bind?App={}&MountPoint={at}&NoRestart={no_restart}", self.name());
        self.site.world.server.admin().await.delete(&self.path(&query)).send().await.ok(200)
    }

    async fn delete(&self) -> Reply {
        self.site.world.server.admin().await.delete(&self.path("")).send().await
    }

    async fn restart(&self) {
        let path = format!("/1.0/apps/{}/restart", self.name());
        well(&self.site.world.server.admin().await.post(&path).form(&[]).send().await.ok(200));
    }

    async fn said(&self, line: &str) {
        let path = format!("/1.0/apps/{}/log?lines=100", self.name());
        let admin = self.site.world.server.admin().await;
        let is_said = async || admin.get(&path).send().await.ok(200).json().as_array().unwrap().iter().any(|l| l["Message"] == line);
        eventually(&format!("a unit says {line:?}"), PATIENCE, is_said).await;
    }

    /// What the units have of volumes: the volumes, and where they see them.
    fn pod(&self) -> (Value, Value) {
        let deployment = self.site.get("deployment", &format!("{}-web", self.name()));
        let pod = &deployment["spec"]["template"]["spec"];
        (pod["volumes"].clone(), pod["containers"][0]["volumeMounts"].clone())
    }

    /// Storage and claims of the volume.
    fn stored(&self) -> String {
        let of_volume = format!("tsuru.io/volume-name={}", self.name());
        self.site.world.real.kubectl(&["get", "pv,pvc", "-A", "-l", &of_volume, "-o", "name"])
    }
}

/// A stream without an error.
#[track_caller]
fn well(reply: &Reply) {
    assert!(!reply.text.contains("\"Error\":\""), "{}", reply.text);
}

#[actix_web::test]
async fn what_a_unit_writes_the_next_one_reads() {
    let Some(lab) = Lab::new().await else { return };
    lab.create("disk", &[("capacity", "1Mi")]).await.ok(201);
    lab.update("disk", &[("capacity", "2Mi")]).await.ok(200);
    assert_eq!(lab.stored(), "", "it is made with the first unit");
    well(&lab.bind("/data", "", "").await);
    lab.said("written").await;
    lab.restart().await;
    lab.said("found <it>").await;
    let claim = lab.site.get("pvc", &format!("{}-tsuru-claim", lab.name()));
    assert_eq!((&claim["spec"]["storageClassName"], &claim["status"]["phase"]), (&json!("local-path"), &json!("Bound")));
    assert_eq!(claim["spec"]["resources"]["requests"]["storage"], "2Mi");
    lab.update("disk", &[("capacity", "3Mi")]).await.fails(500, PROVISIONED);
    lab.delete().await.fails(500, "cannot delete volume with existing binds");
    well(&lab.unbind("/data", "").await);
    assert_eq!(lab.pod(), (Value::Null, Value::Null));
    lab.update("disk", &[("capacity", "3Mi")]).await.fails(500, PROVISIONED);
    lab.delete().await.ok(200);
    eventually("its storage is gone", PATIENCE, async || lab.stored().is_empty()).await;
}

#[actix_web::test]
async fn storage_of_a_plugin_is_seen_at_several_places_when_the_app_restarts() {
    let Some(lab) = Lab::new().await else { return };
    lab.create("host", &[("path", "/tmp")]).await.ok(201);
    for at in ["/a", "/b"] {
        assert_eq!(lab.bind(at, "true", "true").await.text, "");
    }
    assert_eq!((lab.pod(), lab.stored()), ((Value::Null, Value::Null), String::new()), "nothing restarted");
    lab.restart().await;
    let (volume, claim) = (format!("{}-tsuru", lab.name()), format!("{}-tsuru-claim", lab.name()));
    let (volumes, mounts) = lab.pod();
    assert_eq!(volumes, json!([{"name": volume, "persistentVolumeClaim": {"claimName": claim, "readOnly": true}}]));
    let mount = |at: &str| json!({"name": volume, "mountPath": at, "readOnly": true});
    assert_eq!(mounts, json!([mount("/a"), mount("/b")]));
    let storage = lab.site.get("pv", &volume);
    assert_eq!((&storage["spec"]["hostPath"]["path"], &storage["spec"]["accessModes"]), (&json!("/tmp"), &json!(["ReadWriteMany"])));
    assert_eq!(lab.unbind("/b", "true").await.text, "");
    well(&lab.unbind("/a", "").await);
    lab.delete().await.ok(200);
    eventually("its storage is gone", PATIENCE, async || lab.stored().is_empty()).await;
}

#[actix_web::test]
async fn volumes_that_go_with_the_unit_need_no_storage_of_their_own() {
    let Some(lab) = Lab::new().await else { return };
    lab.create("memory", &[("medium", "Memory"), ("sizeLimit", "1Mi")]).await.ok(201);
    well(&lab.bind("/data", "", "").await);
    assert_eq!(lab.pod().0[0]["emptyDir"], json!({"medium": "Memory", "sizeLimit": "1Mi"}));
    well(&lab.unbind("/data", "true").await);
    lab.delete().await.ok(200);
    lab.create("scratch", &[]).await.ok(201);
    well(&lab.bind("/data", "", "").await);
    lab.said("written").await;
    let template = &lab.pod().0[0]["ephemeral"]["volumeClaimTemplate"]["spec"];
    assert_eq!((&template["storageClassName"], &template["accessModes"]), (&json!("local-path"), &json!(["ReadWriteOnce"])));
}

#[actix_web::test]
async fn volumes_that_cannot_be_made_are_refused_when_they_are_asked_for() {
    let Some(lab) = Lab::new().await else { return };
    lab.create("disk", &[]).await.fails(500, "capacity is mandatory either in plan or as volume opts");
    lab.create("wrong", &[]).await.fails(500, "both volume plan plugin and storage-class cannot be set");
    lab.create("disk", &[("capacity", "lots")]).await.says(500, "unable to parse `capacity` opt");
    lab.create("disk", &[("capacity", "1Mi"), ("access-modes", "")])
        .await
        .fails(500, "access-modes is mandatory either in plan or as volume opts");
    lab.create("nosuch", &[]).await.fails(400, "volume-plan not present in pool constraint");
}

#[actix_web::test]
async fn apps_of_two_namespaces_cannot_have_one_volume() {
    let Some(lab) = Lab::new().await else { return };
    lab.create("host", &[("path", "/tmp")]).await.ok(201);
    let store = &lab.site.world.server.ctx.store;
    let mut other = store.of::<App>().get(Filter::eq("name", lab.name())).await.unwrap().unwrap();
    (other.id, other.name) = (bson::oid::ObjectId::new(), "other".into());
    store.of::<App>().insert(&other).await.unwrap();
    let resource =
        json!({"apiVersion": "tsuru.io/v1", "kind": "App", "metadata": {"name": "other"}, "spec": {"namespaceName": "elsewhere"}});
    lab.site.world.apply(&[resource]);
    let id = BindId { app: "other".into(), mount_point: "/m".into(), volume: lab.name().into() };
    store.of::<Bind>().insert(&Bind { id, read_only: false }).await.unwrap();
    let text = format!("multiple namespaces for volume not allowed: \"elsewhere\" and \"{}\"", lab.name());
    lab.bind("/m", "", "").await.says(200, &text);
    assert_eq!((lab.pod(), lab.stored()), ((Value::Null, Value::Null), String::new()));
}
