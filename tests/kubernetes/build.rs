//! Deploys from a source to units that answer, built by the cluster's BuildKit and kept in its registry.

use impaas::{
    output::Output,
    provisioner::{
        JobBuild, Source,
        kubernetes::{
            ClusterSpec,
            build::Builds,
            settings::{ClusterSettings, ServerSettings},
        },
    },
    store::{Filter, Update},
};
use serde_json::{Value, json};

use super::{PATIENCE, Real, World, running::started};
use crate::{
    api::{double, harness::Reply},
    build::{buildkit, service::Service},
    server::{archive, eventually},
};

const REGISTRY: &str = "127.0.0.1:5000";
const PAGE: &str = "import http.server, os
class Page(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(open('greeting.txt').read().encode())
http.server.HTTPServer(('', int(os.environ['PORT'])), Page).serve_forever()
";
/// Answers with a file's text, from an image of its own.
const DOCKERFILE: &str = "FROM 127.0.0.1:5000/base/busybox:latest
COPY greeting.txt /www/index.html
EXPOSE 8080
CMD [\"httpd\", \"-f\", \"-p\", \"8080\", \"-h\", \"/www\"]
";

/// A world with a build service and a repository of its own.
pub struct Yard {
    pub world: World,
    pub service: Service,
}

impl Yard {
    pub async fn new() -> Option<Self> {
        Some(Self::of(World::new().await?).await)
    }

    /// In this world.
    pub async fn of(world: World) -> Self {
        std::fs::create_dir_all(world.server.ctx.config.uploads()).unwrap();
        let service = Service::start(buildkit::work()).await;
        world.enter("real", building(world.by_token(), &world.name, &service)).await;
        Self { world, service }
    }

    pub async fn with_app() -> Option<Self> {
        let yard = Self::new().await?;
        yard.world.make_app().await;
        Some(yard)
    }

    fn image(&self, version: &str) -> String {
        format!("{REGISTRY}/{0}/app-{0}:{version}", self.world.name)
    }

    pub async fn upload(&self, fields: &[(&str, &str)], files: &[(&str, &str)]) -> Reply {
        let (kind, body) = archive::multipart(fields, &archive::of_files(files));
        self.world.server.admin().await.post(&self.deploys()).body(&kind, body).send().await
    }

    async fn deploy(&self, fields: &[(&str, &str)]) -> Reply {
        self.world.server.admin().await.post(&self.deploys()).form(fields).send().await
    }

    fn deploys(&self) -> String {
        format!("/1.0/apps/{}/deploy", self.world.name)
    }

    /// What the app answers.
    async fn answer(&self, port: u16) -> String {
        let info = self.world.until("a unit runs", |info| started(info) == 1).await;
        let address = info["units"][0]["InternalIP"].as_str().unwrap().to_owned();
        answer(&format!("http://{address}:{port}/")).await
    }

    /// The tags that the registry has of the app.
    pub async fn tags(&self) -> Vec<String> {
        tags(&format!("{0}/app-{0}", self.world.name)).await
    }
}

/// What is answered there, once somebody listens: a unit without health check runs before it does.
pub async fn answer(url: &str) -> String {
    eventually("somebody listens", PATIENCE, async || reqwest::get(url).await.is_ok()).await;
    reqwest::get(url).await.unwrap().text().await.unwrap()
}

/// The tags of a repository.
async fn tags(repository: &str) -> Vec<String> {
    let known: Value = reqwest::get(format!("http://{REGISTRY}/v2/{repository}/tags/list")).await.unwrap().json().await.unwrap();
    let mut tags: Vec<String> = known["tags"].as_array().into_iter().flatten().map(|tag| tag.as_str().unwrap().to_owned()).collect();
    tags.sort();
    tags
}

/// The cluster, with this build service and a repository of this name; units that end are not waited for.
pub fn building(mut cluster: Value, name: &str, service: &Service) -> Value {
    cluster["custom_data"].as_object_mut().unwrap().extend(custom(name, service));
    cluster["custom_data"]["pre-stop-sleep"] = "0".into();
    cluster
}

/// The same, entered for the pool `kube` of a server that is a process of its own.
pub fn entry(real: &Real, name: &str, service: &Service) -> Value {
    let mut cluster = building(real.by_token(name), name, service);
    let entry = json!({"name": "real", "provisioner": "kubernetes", "pools": ["kube"]});
    cluster.as_object_mut().unwrap().extend(entry.as_object().unwrap().clone());
    cluster
}

fn custom(name: &str, service: &Service) -> Vec<(String, Value)> {
    let pairs = [("build-service-address", format!("dns:///{}", service.address)), ("registry", format!("{REGISTRY}/{name}"))];
    pairs.into_iter().chain([("registry-insecure", "true".to_owned())]).map(|(key, value)| (key.to_owned(), json!(value))).collect()
}

pub fn ended_well(reply: &Reply) -> &str {
    assert!(reply.text.ends_with("\nOK\n"), "{}", reply.text);
    &reply.text
}

#[actix_web::test]
async fn an_upload_is_built_upon_a_platform_and_the_next_upon_the_last() {
    let Some(yard) = Yard::new().await else { return };
    let admin = yard.world.server.admin().await;
    let dockerfile = "--x\r\nContent-Disposition: form-data; name=\"name\"\r\n\r\npy\r\n--x\r\nContent-Disposition: form-data; \
                      name=\"dockerfile_content\"; filename=\"Dockerfile\"\r\n\r\nFROM 127.0.0.1:5000/base/python:latest\r\n--x--\r\n";
    let added = admin.post("/1.0/platforms").body("multipart/form-data; boundary=x", dockerfile).send().await.ok(200);
    assert!(added.text.contains("Platform successfully added!"), "{}", added.text);
    let app = json!({"name": yard.world.name, "platform": "py", "teamOwner": "demo", "pool": "kube"});
    admin.post("/1.0/apps").json(&app).send().await.ok(201);
    let yaml = "healthcheck:\n  path: /\n  interval_seconds: 1\n";
    let files = [("app.py", PAGE), ("Procfile", "web: python3 app.py\n"), ("tsuru.yaml", yaml), ("greeting.txt", "first")];
    let said = yard.upload(&[("message", "the first")], &files).await.ok(200);
    let text = ended_well(&said);
    let beginning =
        format!("---- Starting container image build for app {:?} ----\n ---> Starting container image build\n", yard.world.name);
    assert!(text.starts_with(&beginning), "{text}");
    let found = format!(
        " ---> Container image build finished\n ---> Tsuru config file (tsuru.yaml) found\n{yaml}\n \
         ---> Process \"web\" found with commands: [\"python3 app.py\"] (defined in: \"Procfile\")\n---- Updating units [web] [version 1] ----\n"
    );
    assert!(text.contains(&found), "{text}");
    assert_eq!(yard.answer(8888).await, "first");
    ended_well(&yard.upload(&[], &[("greeting.txt", "second"), ("Procfile", "web: python3 app.py\n")]).await.ok(200));
    let requests = yard.service.requests.lock().unwrap().clone();
    let sources: Vec<&str> = requests.iter().map(|request| request.source_image.as_str()).collect();
    assert_eq!(sources, ["", &*format!("{REGISTRY}/{}/py:v1", yard.world.name), &*yard.image("v1")]);
    assert_eq!(requests[1].destination_images, [yard.image("v1"), yard.image("latest")]);
    assert_eq!(requests[1].app.as_ref().unwrap().env["TSURU_APPNAME"], yard.world.name);
    assert_eq!(yard.tags().await, ["latest", "v1", "v2"]);
    is_built_for_later(&yard).await;
    // Versions that are one manifest, tags and all.
    let path = format!("/1.0/apps/{}", yard.world.name);
    admin.delete(&path).send().await.ok(200);
    assert_eq!(yard.tags().await, Vec::<String>::new());
    admin.delete("/1.0/platforms/py").send().await.ok(200);
    assert_eq!(tags(&format!("{}/py", yard.world.name)).await, Vec::<String>::new());
}

/// A build with a tag is not deployed; its image can be, later.
async fn is_built_for_later(yard: &Yard) {
    let before = yard.world.object("deployment", &yard.world.named("web"));
    let files = archive::of_files(&[("greeting.txt", "third"), ("Procfile", "web: python3 app.py\n")]);
    let (kind, body) = archive::multipart(&[("tag", "later")], &files);
    let path = format!("/1.5/apps/{}/build", yard.world.name);
    let said = yard.world.server.admin().await.post(&path).body(&kind, body).send().await.ok(200);
    assert!(said.text.ends_with(&format!("\n{}\nOK\n", yard.image("v3"))), "{}", said.text);
    assert_eq!(yard.tags().await, ["later", "latest", "v1", "v2", "v3"]);
    assert_eq!(yard.world.object("deployment", &yard.world.named("web"))["spec"], before["spec"]);
    ended_well(&yard.deploy(&[("image", &yard.image("later"))]).await.ok(200));
    assert_eq!(yard.answer(8888).await, "third");
}

#[actix_web::test]
async fn an_app_goes_also_where_a_registry_of_its_images_is_away() {
    let Some(yard) = Yard::with_app().await else { return };
    ended_well(&yard.upload(&[("dockerfile", DOCKERFILE)], &[("greeting.txt", "soon gone")]).await.ok(200));
    let versions = yard.world.server.ctx.store.of::<impaas::app::version::AppVersions>();
    // Nobody listens there.
    let away = Update::set("versions.1.buildimage", "127.0.0.1:9/a/b:c");
    versions.update(Filter::eq("appname", &yard.world.name), away).await.unwrap();
    let admin = yard.world.server.admin().await;
    let said = admin.delete(&format!("/1.0/apps/{}", yard.world.name)).send().await.ok(200);
    assert!(said.text.contains("Done removing application."), "{}", said.text);
    admin.get(&format!("/1.0/apps/{}", yard.world.name)).send().await.ok(404);
    assert_eq!((yard.world.names("deployments"), yard.tags().await), (Vec::<String>::new(), Vec::<String>::new()));
}

#[actix_web::test]
async fn a_dockerfile_runs_what_it_says_and_its_image_can_be_deployed_again() {
    let Some(yard) = Yard::with_app().await else { return };
    let said = yard.upload(&[("dockerfile", DOCKERFILE)], &[("greeting.txt", "from a Dockerfile")]).await.ok(200);
    let told = "using ENTRYPOINT and CMD defined in the image instead.\n ---> Process \"web\" found with commands: \
                [\"httpd\" \"-f\" \"-p\" \"8080\" \"-h\" \"/www\"] (defined in: \"dockerfile\")\n";
    assert!(ended_well(&said).contains(told), "{}", said.text);
    assert_eq!(yard.answer(8080).await, "from a Dockerfile");
    ended_well(&yard.deploy(&[("image", &yard.image("v1"))]).await.ok(200));
    assert_eq!(yard.service.requests.lock().unwrap()[1].source_image, yard.image("v1"));
    // Both versions are one manifest: the older goes, and the newer's image stays.
    let admin = yard.world.server.admin().await;
    admin.delete(&format!("/1.10/apps/{}/versions/1", yard.world.name)).send().await.ok(200);
    assert!(yard.tags().await.contains(&"v2".to_owned()));
    ended_well(&yard.upload(&[("dockerfile", DOCKERFILE)], &[("greeting.txt", "another")]).await.ok(200));
    admin.delete(&format!("/1.10/apps/{}/versions/2", yard.world.name)).send().await.ok(200);
    assert_eq!(yard.tags().await, ["latest", "v3"]);
}

#[actix_web::test]
async fn an_archive_at_an_address_is_fetched_and_built() {
    let Some(yard) = Yard::new().await else { return };
    let admin = yard.world.server.admin().await;
    let app = json!({"name": yard.world.name, "platform": "python", "teamOwner": "demo", "pool": "kube"});
    admin.post("/1.0/apps").json(&app).send().await.ok(201);
    // A platform that was never built is taken by its plain name.
    let name = format!("{REGISTRY}/{}/python:latest", yard.world.name);
    let platform = ("dockerfile", "FROM 127.0.0.1:5000/base/python:latest\n");
    let files = archive::of_files(&[("app.py", PAGE), ("Procfile", "web: python3 app.py\n"), ("greeting.txt", "from afar")]);
    let url = double::serve(actix_web::web::Data::new(files), |files: actix_web::web::Data<Vec<u8>>| async move { files.to_vec() });
    let missing = yard.deploy(&[("archive-url", &url)]).await.ok(200);
    assert!(
        missing.text.contains("---- ERROR during deploy: ----\nrpc error: code = Unknown desc = failed to solve: "),
        "{}",
        missing.text
    );
    assert_eq!(yard.tags().await, Vec::<String>::new());
    let work = buildkit::work();
    let (saying, _said) = tokio::sync::mpsc::channel(1000);
    let request = impaas::build::agent::message::BuildRequest {
        kind: impaas::build::agent::message::Kind::PlatformDockerfile.into(),
        containerfile: platform.1.into(),
        destination_images: vec![name],
        ..Default::default()
    };
    work(request, saying).await;
    ended_well(&yard.deploy(&[("archive-url", &url)]).await.ok(200));
    assert_eq!(yard.answer(8888).await, "from afar");
}

#[actix_web::test]
async fn a_build_that_fails_says_why_and_leaves_nothing() {
    let Some(yard) = Yard::with_app().await else { return };
    let broken = "FROM 127.0.0.1:5000/base/python:latest\nRUN echo it breaks here; exit 7\n";
    let said = yard.upload(&[("dockerfile", broken)], &[("a", "b")]).await.ok(200);
    assert!(said.text.contains("it breaks here"), "{}", said.text);
    let why = "---- ERROR during deploy: ----\nrpc error: code = Unknown desc = failed to solve: process \"/bin/sh -c echo it breaks here; exit 7\" \
               did not complete successfully: exit code: 7\n";
    assert!(said.text.contains(why), "{}", said.text);
    let unclear = "FROM 127.0.0.1:5000/base/busybox:latest\nWORKDIR /app\nCOPY tsuru.yaml .\nCMD [\"true\"]\n";
    let said = yard.upload(&[("dockerfile", unclear)], &[("tsuru.yaml", "healthcheck: [\n")]).await.ok(200);
    assert!(said.text.contains("failed to decode Tsuru YAML: "), "{}", said.text);
    let versions = impaas::app::version::AppVersions::load(&yard.world.server.ctx.store, &yard.world.name).await.unwrap();
    assert_eq!((versions.count, versions.versions.len()), (2, 0));
    assert_eq!(yard.tags().await, Vec::<String>::new());
    assert_eq!(yard.world.info(&yard.world.server.admin().await).await["units"], json!([]));
}

#[actix_web::test]
async fn jobs_are_built_from_images_and_dockerfiles() {
    let Some(world) = World::new().await else { return };
    let service = Service::start(buildkit::work()).await;
    let custom = custom(&world.name, &service).into_iter().map(|(key, value)| (key, value.as_str().unwrap().into())).collect();
    let cluster = ClusterSpec { settings: ClusterSettings { custom, ..Default::default() }, ..ClusterSpec::default() };
    let builds = Builds { cluster: &cluster, server: &ServerSettings::default() };
    let context = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(context.path(), archive::of_files(&[("greeting.txt", "a job's")])).unwrap();
    for source in [
        Source::Dockerfile { text: DOCKERFILE.into(), context: Some(context.path().into()) },
        Source::Image("127.0.0.1:5000/base/busybox:latest".into()),
    ] {
        let env = [("NAME".to_owned(), "it's".into())].into();
        let request = JobBuild { job: "nightly".into(), pool: "kube".into(), source, env };
        assert_eq!(builds.job(request, &Output::default()).await.unwrap(), format!("{REGISTRY}/{}/job-nightly:latest", world.name));
    }
    let kinds: Vec<i32> = service.requests.lock().unwrap().iter().map(|request| request.kind).collect();
    assert_eq!(kinds, [8, 7]);
    let gone = format!("{REGISTRY}/{}/job-nightly:latest", world.name);
    builds.remove_images(&[gone], &[]).await;
    let url = format!("http://{REGISTRY}/v2/{}/job-nightly/manifests/latest", world.name);
    assert_eq!(reqwest::Client::new().head(url).send().await.unwrap().status(), 404);
}

#[actix_web::test]
async fn images_of_other_teams_apps_are_not_deployed() {
    let Some(world) = World::new().await else { return };
    let mut cluster = world.by_token();
    cluster["custom_data"]["registry"] = format!("{REGISTRY}/{}", world.name).into();
    world.enter("real", cluster).await;
    world.make_app().await;
    let admin = world.server.admin().await;
    admin.post("/1.4/teams").json(&json!({"name": "others"})).send().await.ok(201);
    let theirs = format!("{}-o", world.name);
    admin.post("/1.0/apps").json(&json!({"name": theirs, "teamOwner": "others", "pool": "kube"})).send().await.ok(201);
    let (image, path) = (format!("localhost:5000/{}/app-{theirs}:v1", world.name), format!("/1.0/apps/{}/deploy", world.name));
    let deploy = async || admin.post(&path).form(&[("image", image.as_str()), ("origin", "image")]).send().await.text;
    let refused = deploy().await;
    assert!(refused.contains(&format!("image {image:?} is not there for team \"demo\"")), "{refused}");
    admin.put(&format!("/1.0/apps/{theirs}/teams/demo")).send().await.ok(200);
    let allowed = deploy().await;
    assert!(allowed.contains("build service address not provided"), "{allowed}");
}
