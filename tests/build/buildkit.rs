//! Real builds, by the test cluster's BuildKit: its `buildctl` is beside the cluster's kubectl (`IMPAAS_KUBECTL`).

use std::{
    collections::HashMap,
    env, fs,
    io::Write,
    path::{Path, PathBuf},
    process::Stdio,
};

use flate2::read::GzDecoder;
use impaas::build::agent::message::{BuildRequest, ImageConfig, Kind, TsuruConfig};
use serde_json::Value;
use tempfile::TempDir;
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::Command,
};
use tonic::Status;

use super::service::{Saying, Work, config, output};

const FILES: [&str; 2] = ["Procfile", "tsuru.yaml"];
const DIRECTORY: &str = "/home/application/current";

/// What a build service does that really builds.
pub fn work() -> Work {
    std::sync::Arc::new(|request, saying| {
        Box::pin(async move {
            let built = async {
                saying.send(output(" ---> Starting container image build\n")).await.ok();
                if let Some(found) = build(&request, &saying).await? {
                    saying.send(config(found)).await.ok();
                }
                saying.send(output(" ---> Container image build finished\n")).await.ok();
                Ok(())
            };
            if let Err(status) = built.await {
                saying.send(Err(status)).await.ok();
            }
        })
    })
}

async fn build(request: &BuildRequest, saying: &Saying) -> Result<Option<TsuruConfig>, Status> {
    let to = request.destination_images.first().ok_or_else(|| Status::invalid_argument("destination images not provided"))?;
    let folder = Folder::new();
    match Kind::try_from(request.kind).map_err(|e| Status::invalid_argument(e.to_string()))? {
        Kind::AppSources => {
            let found = of_archive(&request.data)?;
            fs::write(folder.context().join("application.tar.gz"), &request.data)?;
            folder.build(request, &sources(&request.source_image), saying).await?;
            if !found.procfile.is_empty() {
                return Ok(Some(found));
            }
            let platforms = of_image(to, DIRECTORY).await?;
            Ok(Some(TsuruConfig { procfile: platforms.procfile, ..found }))
        }
        Kind::AppImage | Kind::JobImage => {
            folder.build(request, &format!("FROM {}\n", request.source_image), saying).await?;
            whole(to).await
        }
        Kind::AppDockerfile | Kind::JobDockerfile => {
            tar::Archive::new(GzDecoder::new(&request.data[..])).unpack(folder.context())?;
            folder.build(request, &request.containerfile, saying).await?;
            whole(to).await
        }
        Kind::PlatformDockerfile => folder.build(request, &request.containerfile, saying).await.map(|()| None),
        Kind::Unspecified | Kind::PlatformImage => Err(Status::unimplemented("build kind not supported")),
    }
}

fn sources(base: &str) -> String {
    format!(
        "FROM {base}\nWORKDIR {DIRECTORY}\nCOPY application.tar.gz /home/application/archive.tar.gz\n\
         RUN --mount=type=secret,id=tsuru-app-envvars,target=/var/run/secrets/envs.sh,uid=1000,gid=1000 \
         . /var/run/secrets/envs.sh && /var/lib/tsuru/deploy archive file:///home/application/archive.tar.gz\n"
    )
}

/// The files that say what runs.
fn of_archive(archive: &[u8]) -> Result<TsuruConfig, Status> {
    let wrong = |e: std::io::Error| Status::unknown(format!("app source data must be a GZIP compressed file: {e}"));
    let mut files = HashMap::new();
    for entry in tar::Archive::new(GzDecoder::new(archive)).entries().map_err(wrong)? {
        let mut entry = entry.map_err(wrong)?;
        let name = entry.path()?.to_string_lossy().trim_start_matches("./").to_owned();
        if FILES.contains(&name.as_str()) {
            files.insert(name, std::io::read_to_string(&mut entry)?);
        }
    }
    let mut take = |name| files.remove(name).unwrap_or_default();
    Ok(TsuruConfig { procfile: take(FILES[0]), tsuru_yaml: take(FILES[1]), image: None })
}

async fn whole(image: &str) -> Result<Option<TsuruConfig>, Status> {
    let settings = settings(image).await?;
    let found = of_image(image, if settings.working_dir.is_empty() { "/" } else { &settings.working_dir }).await?;
    Ok(Some(TsuruConfig { image: Some(settings), ..found }))
}

/// The same files of an image's folder.
async fn of_image(image: &str, directory: &str) -> Result<TsuruConfig, Status> {
    let folder = Folder::new();
    let directory = directory.trim_end_matches('/');
    // Names as patterns: a file that is not there is no error.
    let text = format!("FROM {image} AS it\nFROM scratch\nCOPY --from=it {directory}/Procfil[e] {directory}/tsuru.yam[l] /\n");
    let out = folder.0.path().join("out");
    let mut command = folder.command(&text)?;
    command.arg("--output").arg(format!("type=local,dest={}", out.display()));
    run(command, None).await?;
    let read = |name| fs::read_to_string(out.join(name)).unwrap_or_default();
    Ok(TsuruConfig { procfile: read(FILES[0]), tsuru_yaml: read(FILES[1]), image: None })
}

/// An image's own settings, from its registry.
async fn settings(image: &str) -> Result<ImageConfig, Status> {
    let failed = |e: reqwest::Error| Status::unknown(e.to_string());
    let (registry, rest) = image.split_once('/').unwrap();
    let (repository, tag) = rest.rsplit_once(':').unwrap();
    let ask = async |what: String| {
        let request = reqwest::Client::new().get(format!("http://{registry}/v2/{repository}/{what}"));
        let request =
            request.header("accept", "application/vnd.docker.distribution.manifest.v2+json, application/vnd.oci.image.manifest.v1+json");
        request.send().await?.error_for_status()?.json::<Value>().await
    };
    let manifest = ask(format!("manifests/{tag}")).await.map_err(failed)?;
    let all = ask(format!("blobs/{}", manifest["config"]["digest"].as_str().unwrap())).await.map_err(failed)?;
    let config = &all["config"];
    let words = |key: &str| config[key].as_array().into_iter().flatten().map(|word| word.as_str().unwrap().to_owned()).collect();
    Ok(ImageConfig {
        entrypoint: words("Entrypoint"),
        command: words("Cmd"),
        exposed_ports: config["ExposedPorts"].as_object().into_iter().flat_map(|ports| ports.keys().cloned()).collect(),
        working_dir: config["WorkingDir"].as_str().unwrap_or_default().into(),
    })
}

/// A Dockerfile and its context.
struct Folder(TempDir);

impl Folder {
    fn new() -> Self {
        let folder = Self(tempfile::tempdir().unwrap());
        fs::create_dir(folder.context()).unwrap();
        folder
    }

    fn context(&self) -> PathBuf {
        self.0.path().join("context")
    }

    fn command(&self, dockerfile: &str) -> Result<Command, Status> {
        fs::write(self.0.path().join("Dockerfile"), dockerfile)?;
        let kubectl = PathBuf::from(env::var_os("IMPAAS_KUBECTL").unwrap());
        let mut command = Command::new(kubectl.with_file_name("buildctl"));
        if env::var_os("BUILDKIT_HOST").is_none() {
            command.env("BUILDKIT_HOST", "unix:///run/impaas-cluster/buildkitd.sock");
        }
        command.args(["build", "--progress=plain", "--frontend=dockerfile.v0"]);
        command.arg("--local").arg(local("context", &self.context())).arg("--local").arg(local("dockerfile", self.0.path()));
        Ok(command)
    }

    /// Builds and pushes.
    async fn build(&self, request: &BuildRequest, dockerfile: &str, saying: &Saying) -> Result<(), Status> {
        let mut command = self.command(dockerfile)?;
        let (id, owner) = if request.job.is_some() { ("tsuru-job-envvars", &request.job) } else { ("tsuru-app-envvars", &request.app) };
        if let Some(owner) = owner {
            let path = self.0.path().join("envs.sh");
            let mut file = fs::File::create(&path)?;
            for (name, value) in &owner.env {
                writeln!(file, "export {name}='{}'", value.replace('\'', r"'\''"))?;
            }
            command.arg("--secret").arg(format!("id={id},src={}", path.display()));
        }
        // What runs again each time, whatever was built before.
        command.arg("--opt").arg(format!("build-arg:tsuru_deploy_cache={}", self.0.path().display()));
        let names = request.destination_images.join(",");
        command.arg("--output").arg(format!("type=image,\"name={names}\",push=true,registry.insecure=true"));
        run(command, Some(saying)).await
    }
}

fn local(name: &str, path: &Path) -> String {
    format!("{name}={}", path.display())
}

/// Runs it; what it prints is told as it comes, and its last words are the reason when it fails.
async fn run(mut command: Command, saying: Option<&Saying>) -> Result<(), Status> {
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).stdin(Stdio::null()).kill_on_drop(true).spawn()?;
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
    let mut last = String::new();
    while let Some(line) = lines.next_line().await? {
        match line.strip_prefix("error: ") {
            Some(why) => last = why.to_owned(),
            None => {
                if let Some(saying) = saying {
                    saying.send(output(&format!("{line}\n"))).await.ok();
                }
            }
        }
    }
    if child.wait().await?.success() { Ok(()) } else { Err(Status::unknown(last)) }
}
