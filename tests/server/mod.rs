//! A real `impaasd` in a folder of its own: start, log in, deploy, ask apps by host name, stop, kill, start again.
//!
//! `let server = Server::start().await;` is the whole set-up. When a test fails, the end of the server's log is printed. What the
//! server started (units that outlive a `kill -9` on purpose) is gone when the value is dropped.

pub mod archive;
pub mod processes;

use std::{
    fs::{File, read_to_string},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{
        LazyLock,
        atomic::{AtomicU16, Ordering},
    },
    time::{Duration, Instant},
};

use reqwest::{Method, RequestBuilder, Response};
use serde_json::Value;
use tempfile::TempDir;

/// How long anything that should happen may take on a busy machine of two cores.
pub const PATIENCE: Duration = Duration::from_secs(120);

/// A server process, its folder and a logged-in client.
pub struct Server {
    home: TempDir,
    child: Option<Child>,
    api: u16,
    apps: u16,
    flags: Vec<String>,
    /// Talks HTTP; keeps no cookies and follows no redirect.
    pub http: reqwest::Client,
    /// The first admin's session.
    pub token: String,
}

impl Server {
    /// A first start in an empty folder, logged in as the admin of `first-login.txt`.
    pub async fn start() -> Self {
        Self::start_with(&[]).await
    }

    /// The same with more flags for `impaasd serve`.
    pub async fn start_with(flags: &[&str]) -> Self {
        let mut server = Self::stopped(flags);
        server.start_again().await;
        server.log_in().await;
        server
    }

    /// An empty folder and free ports, nothing running yet.
    pub fn stopped(flags: &[&str]) -> Self {
        let http = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).timeout(Duration::from_secs(600));
        Self {
            home: tempfile::Builder::new().prefix("impaas-test-").tempdir().expect("a temporary folder"),
            child: None,
            api: free_port(),
            apps: free_port(),
            flags: flags.iter().map(ToString::to_string).collect(),
            http: http.build().expect("an HTTP client"),
            token: String::new(),
        }
    }

    /// Starts the process on the same folder and ports, and waits until it answers.
    pub async fn start_again(&mut self) {
        self.start_again_with(&[]).await;
    }

    /// The same with these variables.
    pub async fn start_again_with(&mut self, variables: &[(&str, &str)]) {
        self.begin(self.command("serve").envs(variables.iter().copied())).await;
    }

    /// The same by a program that becomes `impaasd`, which is given to it as its last arguments.
    pub async fn start_by(&mut self, program: &[&str], variables: &[(&str, &str)]) {
        self.begin(self.command_by(program, "serve").envs(variables.iter().copied())).await;
    }

    async fn begin(&mut self, impaasd: &mut Command) {
        assert!(self.child.is_none(), "the server runs already");
        self.child = Some(impaasd.spawn().expect("impaasd starts"));
        let begun = Instant::now();
        while !self.answers().await {
            if let Some(status) = self.child.as_mut().and_then(|child| child.try_wait().expect("the process can be asked")) {
                panic!("impaasd ended at start with {status}");
            }
            assert!(begun.elapsed() < PATIENCE, "impaasd did not answer at {}", self.url("/healthcheck/"));
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// `impaasd COMMAND` with this server's folder and addresses, its output appended to this server's log.
    pub fn command(&self, command: &str) -> Command {
        self.command_by(&[], command)
    }

    fn command_by(&self, program: &[&str], command: &str) -> Command {
        let log = File::options().create(true).append(true).open(self.log_path()).expect("the log opens");
        let mut words = program.iter().chain(&[env!("CARGO_BIN_EXE_impaasd")]);
        let mut impaasd = Command::new(words.next().expect("a program"));
        impaasd.args(words).arg(command).arg("--data-dir").arg(self.data());
        if command == "serve" {
            impaasd.args(["--listen", &format!("127.0.0.1:{}", self.api), "--apps-listen", &format!("127.0.0.1:{}", self.apps)]);
            impaasd.args(&self.flags);
        }
        impaasd.current_dir(self.home.path()).env_remove("TSURU_TOKEN").stdin(Stdio::null());
        impaasd.stdout(log.try_clone().expect("a second handle")).stderr(log);
        impaasd
    }

    /// Takes a session for the user of `first-login.txt`.
    pub async fn log_in(&mut self) {
        let (email, password) = self.first_login();
        self.token = self.session(&email, &password).await;
    }

    /// E-mail and password of the first admin.
    pub fn first_login(&self) -> (String, String) {
        let text = read_to_string(self.data().join("first-login.txt")).expect("first-login.txt is there");
        let mut lines = text.lines().map(str::to_owned);
        (lines.next().expect("an e-mail"), lines.next().expect("a password"))
    }

    /// A session token of any user.
    pub async fn session(&self, email: &str, password: &str) -> String {
        let path = format!("/1.0/users/{email}/tokens");
        let answer = self.http.post(self.url(&path)).form(&[("password", password)]).send().await.expect("the server answers");
        let (status, text) = read(answer).await;
        assert_eq!(status, 200, "login of {email}: {text}");
        let json: Value = serde_json::from_str(&text).expect("JSON");
        json["token"].as_str().expect("a token").to_owned()
    }

    /// A request to the API as the admin.
    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.http.request(method, self.url(path)).bearer_auth(&self.token)
    }

    /// Sends it and returns status and text; says which request failed when no answer comes.
    pub async fn send(&self, request: RequestBuilder) -> (u16, String) {
        match request.send().await {
            Ok(answer) => read(answer).await,
            Err(error) => panic!("no answer from the API: {error:?}"),
        }
    }

    /// `GET` that must answer 200 (or 204, read as null) with JSON.
    pub async fn json(&self, path: &str) -> Value {
        match self.send(self.request(Method::GET, path)).await {
            (204, _) => Value::Null,
            (200, text) => serde_json::from_str(&text).unwrap_or_else(|error| panic!("GET {path}: {error}: {text}")),
            (status, text) => panic!("GET {path}: {status} {text}"),
        }
    }

    /// A form sent to the API that must be answered with 2xx; a JSON stream with an error in it fails, too. Returns the body.
    pub async fn form(&self, method: Method, path: &str, form: &[(&str, &str)]) -> String {
        let request = self.request(method.clone(), path);
        let request = if method == Method::DELETE { request.query(form) } else { request.form(form) };
        let (status, text) = self.send(request).await;
        assert!((200..300).contains(&status), "{method} {path}: {status} {text}");
        assert!(!text.contains("\"Error\":\""), "{method} {path}: {text}");
        text
    }

    /// Creates an app in the team `demo`.
    pub async fn create_app(&self, name: &str, platform: &str) {
        self.form(Method::POST, "/1.0/apps", &[("name", name), ("platform", platform), ("teamOwner", "demo")]).await;
    }

    /// Deploys an archive; the deploy must succeed. Returns its log.
    pub async fn deploy(&self, app: &str, archive: &[u8]) -> String {
        let (status, text) = self.try_deploy(app, archive).await;
        assert!(status == 200 && text.ends_with("\nOK\n"), "deploy of {app}: {status}\n{text}");
        text
    }

    /// Deploys an archive; status and log as they come.
    pub async fn try_deploy(&self, app: &str, archive: &[u8]) -> (u16, String) {
        self.send(self.deploy_request(app, archive)).await
    }

    /// The deploy request itself, for tests that hang up or kill.
    pub fn deploy_request(&self, app: &str, archive: &[u8]) -> RequestBuilder {
        let (content_type, body) = archive::multipart(&[("origin", "app-deploy")], archive);
        self.request(Method::POST, &format!("/1.0/apps/{app}/deploy")).header("Content-Type", content_type).body(body)
    }

    /// A `GET` at the app's own host name.
    pub fn at_app(&self, app: &str, path: &str) -> RequestBuilder {
        self.at_host(&format!("{app}.localhost"), path)
    }

    /// A `GET` at a host name of the app router.
    pub fn at_host(&self, host: &str, path: &str) -> RequestBuilder {
        self.http.get(format!("http://127.0.0.1:{}{path}", self.apps)).header("Host", format!("{host}:{}", self.apps))
    }

    /// Status and text of a `GET` at the app's own host name.
    pub async fn ask(&self, app: &str, path: &str) -> (u16, String) {
        match self.at_app(app, path).send().await {
            Ok(answer) => read(answer).await,
            Err(error) => panic!("no answer from {app}{path}: {error:?}"),
        }
    }

    /// Asks until the app answers 200 with a text that contains `wanted`.
    pub async fn wait_for(&self, app: &str, path: &str, wanted: &str) -> String {
        let mut last = String::new();
        let begun = Instant::now();
        while begun.elapsed() < PATIENCE {
            match self.at_app(app, path).send().await {
                Ok(answer) => match read(answer).await {
                    (200, text) if text.contains(wanted) => return text,
                    (status, text) => last = format!("{status} {text}"),
                },
                Err(error) => last = format!("{error:?}"),
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        panic!("{app}{path} did not answer {wanted:?}; the last answer was {last}");
    }

    /// `kill -9`, and nothing else: units stay.
    pub fn kill(&mut self) {
        let mut child = self.child.take().expect("the server runs");
        child.kill().expect("the process can be killed");
        child.wait().expect("the process can be waited for");
    }

    /// True until it was killed or stopped, or its death was waited for.
    pub fn is_running(&self) -> bool {
        self.child.is_some()
    }

    /// Waits for a server that dies by itself.
    pub async fn wait_for_death(&mut self) {
        let mut child = self.child.take().expect("the server runs");
        let begun = Instant::now();
        while child.try_wait().expect("the process can be asked").is_none() {
            assert!(begun.elapsed() < PATIENCE, "the server lives");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Asks it to stop (SIGTERM).
    pub fn tell_to_stop(&self) {
        processes::terminate(self.child.as_ref().expect("the server runs").id());
    }

    /// Asks it to stop and waits for its end.
    pub async fn stop(&mut self) {
        self.tell_to_stop();
        let mut child = self.child.take().expect("the server runs");
        let begun = Instant::now();
        while child.try_wait().expect("the process can be asked").is_none() {
            if begun.elapsed() > PATIENCE {
                child.kill().expect("the process can be killed");
                panic!("impaasd did not stop on SIGTERM");
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// The data folder.
    pub fn data(&self) -> PathBuf {
        self.home.path().join("data")
    }

    /// A folder beside the data folder, for a test's own files.
    pub fn home(&self) -> &Path {
        self.home.path()
    }

    /// Address of an API path.
    pub fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.api)
    }

    /// Port of the app router.
    pub fn apps_port(&self) -> u16 {
        self.apps
    }

    /// Everything the server printed.
    pub fn log(&self) -> String {
        read_to_string(self.log_path()).unwrap_or_default()
    }

    fn log_path(&self) -> PathBuf {
        self.home.path().join("server.log")
    }

    async fn answers(&self) -> bool {
        matches!(self.http.get(self.url("/healthcheck/")).send().await, Ok(answer) if answer.status() == 200)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let log = self.log();
            let from = log.char_indices().rev().nth(6000).map_or(0, |(at, _)| at);
            eprintln!("---- end of the server's log ({}) ----\n{}\n----", self.data().display(), &log[from..]);
        }
        if let Some(mut child) = self.child.take() {
            drop((child.kill(), child.wait()));
        }
        processes::kill_all_of(self.home.path());
    }
}

/// Status and text of an answer; a body that breaks off is part of the text.
pub async fn read(mut answer: Response) -> (u16, String) {
    let status = answer.status().as_u16();
    let mut body = Vec::new();
    loop {
        match answer.chunk().await {
            Ok(Some(chunk)) => body.extend_from_slice(&chunk),
            Ok(None) => break,
            Err(error) => {
                body.extend_from_slice(format!("\n[the answer broke off: {error}]").as_bytes());
                break;
            }
        }
    }
    (status, String::from_utf8_lossy(&body).into_owned())
}

/// Waits until `condition` holds; `what` is printed when it does not.
pub async fn eventually<F: Future<Output = bool>>(what: &str, within: Duration, mut condition: impl FnMut() -> F) {
    let (begun, mut pause) = (Instant::now(), Duration::from_millis(20));
    while !condition().await {
        assert!(begun.elapsed() < within, "not within {within:?}: {what}");
        tokio::time::sleep(pause).await;
        // To look at a cluster costs a program's start: who waits long leaves the machine to what is waited for.
        pause = (pause * 5 / 4).min(Duration::from_millis(250));
    }
}

/// One of some tries takes less time than that: who waits for somebody else waits each time, a machine that stands still does not.
pub async fn quickly<F: Future<Output = ()>>(what: &str, within: Duration, mut act: impl FnMut() -> F) {
    let mut quickest = Duration::MAX;
    for _ in 0..10 {
        let begun = Instant::now();
        act().await;
        quickest = quickest.min(begun.elapsed());
        if quickest < within {
            return;
        }
    }
    panic!("not within {within:?} but {quickest:?}: {what}");
}

/// A free port below the ranges from which the system gives ports to everybody and servers give ports to their units, and given to nobody
/// else in this process, so that nobody takes it meanwhile.
pub fn free_port() -> u16 {
    static NEXT: LazyLock<AtomicU16> = LazyLock::new(|| AtomicU16::new(rand::random_range(0..5_000)));
    for _ in 0..1000 {
        let port = 12_000 + NEXT.fetch_add(1, Ordering::Relaxed) % 5_000;
        if std::net::TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
    panic!("no free port between 12000 and 17000");
}
