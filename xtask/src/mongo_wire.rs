//! The MongoDB wire server of the tests: mongo-java-server from Maven Central, pinned in `xtask/mongo-wire/pom.xml`.
//! It needs `mvn`, `javac` and `java` (Debian: openjdk-17-jdk-headless maven).

use std::{
    io,
    net::{Ipv4Addr, SocketAddr, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread::sleep,
    time::{Duration, Instant},
};

/// How long the server may take until it answers.
const PATIENCE: Duration = Duration::from_secs(60);

/// A running wire server; it ends with this value.
pub struct MongoWire {
    child: Child,
    port: u16,
}

impl MongoWire {
    /// Where it answers.
    pub fn url(&self) -> String {
        format!("mongodb://127.0.0.1:{}", self.port)
    }
}

impl Drop for MongoWire {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// Starts it on this port of the loopback address, in memory or kept in a file, and waits until it answers.
pub fn start(port: u16, file: Option<&Path>) -> io::Result<MongoWire> {
    let mut command = Command::new("java");
    command.args(java_arguments()?).arg(port.to_string()).args(file).stdin(Stdio::null()).stdout(Stdio::null());
    let mut server = MongoWire { child: command.spawn().map_err(|e| needs("java", &e))?, port };
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let deadline = Instant::now() + PATIENCE;
    while TcpStream::connect_timeout(&address, Duration::from_secs(1)).is_err() {
        if let Some(status) = server.child.try_wait()? {
            return Err(io::Error::other(format!("the MongoDB wire server ended: {status}")));
        }
        if Instant::now() > deadline {
            return Err(io::Error::other(format!("the MongoDB wire server does not answer on port {port}")));
        }
        sleep(Duration::from_millis(50));
    }
    Ok(server)
}

/// The command line that starts it when a port is appended, for tests that stop and start servers (`IMPAAS_MONGO_WIRE`).
pub fn command_line() -> io::Result<String> {
    Ok(format!("java {}", java_arguments()?.map(|argument| format!("'{argument}'")).join(" ")))
}

fn java_arguments() -> io::Result<[String; 4]> {
    let cache = prepare()?;
    let classes = format!("{}/lib/*:{}/classes", cache.display(), cache.display());
    Ok(["-Dorg.slf4j.simpleLogger.defaultLogLevel=error".into(), "-cp".into(), classes, "MongoWire".into()])
}

/// Fetches and compiles it once into `target/mongo-wire`.
fn prepare() -> io::Result<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let source = root.join("mongo-wire");
    let cache = root.parent().unwrap_or(root).join("target/mongo-wire");
    let pinned = std::fs::read_to_string(source.join("pom.xml"))? + &std::fs::read_to_string(source.join("MongoWire.java"))?;
    let done = cache.join("made-from");
    if std::fs::read_to_string(&done).is_ok_and(|of| of == pinned) {
        return Ok(cache);
    }
    let (lib, classes) = (cache.join("lib"), cache.join("classes"));
    drop(std::fs::remove_dir_all(&cache));
    std::fs::create_dir_all(&classes)?;
    let output = format!("-DoutputDirectory={}", lib.display());
    run(Command::new("mvn").current_dir(&source).args(["-q", "--batch-mode", "dependency:copy-dependencies", &output]))?;
    let libraries = format!("{}/*", lib.display());
    run(Command::new("javac").args(["-cp", &libraries, "-d"]).arg(&classes).arg(source.join("MongoWire.java")))?;
    std::fs::write(done, pinned)?;
    Ok(cache)
}

fn run(command: &mut Command) -> io::Result<()> {
    let program = command.get_program().to_string_lossy().into_owned();
    let status = command.stdin(Stdio::null()).status().map_err(|e| needs(&program, &e))?;
    if status.success() { Ok(()) } else { Err(io::Error::other(format!("{program} failed for the MongoDB wire server: {status}"))) }
}

fn needs(program: &str, e: &io::Error) -> io::Error {
    io::Error::other(format!("{program}: {e} (the MongoDB wire server needs openjdk-17-jdk-headless and maven)"))
}
