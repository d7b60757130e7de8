//! The local provisioner through its traits, with the real shim and real processes.

mod adoption;
mod bare;
mod build;
mod job;
mod logs;
mod rollout;
mod router;
mod sandbox;
mod shell;
mod steady;

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
    time::Duration,
};

use impaas::{
    error::Result,
    output::{Output, Sink},
    provisioner::{
        AppState, Apps, BuildRequest, Builder, Built, ProcessState, Source,
        hold::Firm,
        local::{Local, LocalConfig},
    },
    store::{Key, Sealer, Store, sqlite::Sqlite},
};
use tempfile::TempDir;

use crate::server::{archive, eventually, processes};

/// For anything that should happen soon.
pub const SOON: Duration = Duration::from_secs(20);

/// A web app of the standard library: says its version, and what is asked.
pub const PAGE: &str = r#"
import os, sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
class Page(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_GET(self):
        words = self.path.strip("/").split("/")
        status, body = 200, "version " + os.environ["TSURU_APPVERSION"]
        if words[0] == "env":
            body = os.environ.get(words[1], "")
        elif words[0] == "read":
            try:
                body = open("/" + "/".join(words[1:])).read()
            except OSError as error:
                status, body = 403, str(error)
        elif words[0] == "headers":
            body = str(self.headers)
        elif words[0] == "pid":
            body = str(os.getpid())
        elif words[0] == "exit":
            os._exit(int(words[1]))
        self.answer(status, body)
    def do_POST(self):
        size = int(self.headers["Content-Length"])
        self.answer(200, f"{len(self.rfile.read(size))} bytes")
    def answer(self, status, text):
        body = (text + "\n").encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def log_message(self, *args):
        pass
class Server(ThreadingHTTPServer):
    request_queue_size = 256
    daemon_threads = True
print("serving", flush=True)
Server(("127.0.0.1", int(os.environ["PORT"])), Page).serve_forever()
"#;

/// A provisioner in a folder of its own.
pub struct Lab {
    /// The server's data folder.
    pub data: TempDir,
    program: PathBuf,
    pub local: Option<Arc<Local>>,
    pub said: Arc<Said>,
    /// What it keeps is sealed with this store's key.
    store: Store,
    client: reqwest::Client,
}

/// Collects what the provisioner tells.
#[derive(Default)]
pub struct Said(Mutex<String>);

impl Sink for Said {
    fn write(&self, text: &str) {
        self.0.lock().unwrap().push_str(text);
    }
}

impl Said {
    /// Everything so far; the next time, only what came after.
    pub fn take(&self) -> String {
        std::mem::take(&mut self.0.lock().unwrap())
    }
}

fn sealed_store() -> Store {
    Store::new(Arc::new(Sqlite::in_memory().unwrap()), Sealer::new(Key::random()))
}

impl Lab {
    pub async fn new() -> Self {
        Self::with_program(env!("CARGO_BIN_EXE_impaasd").into()).await
    }

    /// With this program as the shim.
    pub async fn with_program(program: PathBuf) -> Self {
        let data = tempfile::Builder::new().prefix("local-").tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
        std::fs::write(data.path().join("secret.key"), "the server's key").unwrap();
        let mut lab = Self { data, program, local: None, said: Arc::default(), store: sealed_store(), client: reqwest::Client::new() };
        lab.start().await;
        lab
    }

    /// As a new server would, after the last one ended or crashed.
    pub async fn start(&mut self) {
        let config = LocalConfig {
            dir: self.data.path().join("local"),
            hidden: self.data.path().into(),
            apps_listen: ([127, 0, 0, 1], 0).into(),
            program: self.program.clone(),
            path: std::env::var("PATH").unwrap(),
            vault: impaas::server::vault(&self.store),
        };
        self.local = Some(Local::start(config).await.expect("the provisioner starts"));
    }

    /// As `kill -9` of the server.
    pub fn crash(&mut self) {
        self.local = None;
    }

    pub fn local(&self) -> &Local {
        self.local.as_deref().expect("it is started")
    }

    pub fn out(&self) -> Output {
        Output::to(self.said.clone())
    }

    pub async fn try_build(&self, app: &str, platform: &str, version: u32, files: &[(&str, &str)]) -> Result<Built> {
        self.build_archive(app, platform, version, &archive::of_files(files)).await
    }

    pub async fn build_archive(&self, app: &str, platform: &str, version: u32, archive: &[u8]) -> Result<Built> {
        let upload = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(&upload, archive).unwrap();
        let env = BTreeMap::from([("TSURU_APPNAME".to_owned(), app.into())]);
        let source = Source::Archive(upload.path().into());
        let request = BuildRequest { app: app.into(), version, platform: platform.into(), source, env, place: Default::default() };
        self.local().build(request, &self.out()).await
    }

    pub async fn build(&self, app: &str, platform: &str, version: u32, files: &[(&str, &str)]) -> Built {
        self.try_build(app, platform, version, files).await.unwrap_or_else(|e| panic!("{e}: {}", self.said.take()))
    }

    pub async fn try_apply(&self, want: AppState) -> Result<()> {
        self.local().apply(want, Arc::new(Firm), &self.out()).await
    }

    pub async fn apply(&self, want: AppState) {
        self.try_apply(want).await.unwrap_or_else(|e| panic!("{e:?}: {}", self.said.take()));
    }

    /// Builds and runs a Python app with these files; gives its state.
    pub async fn python(&self, app: &str, version: u32, files: &[(&str, &str)]) -> AppState {
        let built = self.build(app, "python", version, files).await;
        let state = state(app, "python", version, &built);
        self.apply(state.clone()).await;
        state
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.local().apps_address())
    }

    /// A request to an app, by its host name.
    pub fn get(&self, app: &str, path: &str) -> reqwest::RequestBuilder {
        self.client.get(self.url(path)).header("host", format!("{app}.localhost"))
    }

    /// Status and text of an answer.
    pub async fn ask(&self, app: &str, path: &str) -> (u16, String) {
        let answer = self.get(app, path).send().await.expect("an answer");
        let status = answer.status().as_u16();
        (status, answer.text().await.expect("a text").trim().to_owned())
    }

    /// Waits for an answer with this text.
    pub async fn wait_for(&self, app: &str, path: &str, wanted: &str) {
        let what = format!("{app}{path} answers {wanted:?}");
        eventually(&what, SOON, || async { self.ask(app, path).await == (200, wanted.to_owned()) }).await;
    }

    pub fn folder(&self, path: &str) -> PathBuf {
        self.data.path().join("local").join(path)
    }

    /// Processes of units and of commands beside them.
    pub fn shims(&self) -> Vec<u32> {
        processes::with_words(&format!("unit {}", real(self.data.path()).display()))
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        self.local = None;
        processes::kill_all_of(&real(self.data.path()));
        for shim in self.shims() {
            let _ = nix::sys::signal::kill(nix::unistd::Pid::from_raw(shim as i32), nix::sys::signal::Signal::SIGKILL);
        }
    }
}

fn real(path: &Path) -> PathBuf {
    path.canonicalize().unwrap_or_else(|_| path.into())
}

/// The state that a first deploy of a version makes.
pub fn state(app: &str, platform: &str, version: u32, built: &Built) -> AppState {
    let hooks = built.config.hooks.clone().unwrap_or_default();
    let process = |(name, command): (&String, &Vec<String>)| {
        let web = name == "web";
        ProcessState {
            version,
            name: name.clone(),
            command: command.clone(),
            units: 1,
            healthcheck: built.config.healthcheck.clone().filter(|_| web),
            startupcheck: built.config.startupcheck.clone().filter(|_| web),
            before: hooks.restart.before.clone(),
            after: hooks.restart.after.clone(),
            routable: web,
            ..ProcessState::default()
        }
    };
    let processes = built.processes.iter().map(process).collect();
    AppState { app: app.into(), platform: platform.into(), processes, ..AppState::default() }
}

/// The same with so many units of each process.
pub fn scaled(state: &AppState, units: u32) -> AppState {
    let mut state = state.clone();
    state.processes.iter_mut().for_each(|process| process.units = units);
    state
}

/// The same, to be started anew.
pub fn restarted(state: &AppState, stamp: i64) -> AppState {
    let mut state = state.clone();
    state.processes.iter_mut().for_each(|process| process.restarted = stamp);
    state
}
