//! What the tests need of the machine: programs that are there, or Debian packages that bring them.

use std::process::{Command, Stdio};

use crate::Result;

/// Something needed: what for, how to see that it is there, and the packages that bring it.
struct Tool {
    name: &'static str,
    what_for: &'static str,
    check: &'static [&'static str],
    packages: &'static [&'static str],
}

const TOOLS: &[Tool] = &[
    Tool { name: "a C compiler", what_for: "the bundled SQLite", check: &["cc", "--version"], packages: &["build-essential"] },
    Tool {
        name: "python3 with venv",
        what_for: "Python apps, the CLI tests and schemathesis",
        check: &["python3", "-c", "import venv, ensurepip"],
        packages: &["python3", "python3-venv"],
    },
    Tool {
        name: "Node.js with npm",
        what_for: "Node.js apps and the OpenID provider",
        check: &["npm", "--version"],
        packages: &["nodejs", "npm"],
    },
    Tool { name: "Go", what_for: "Go apps", check: &["go", "version"], packages: &["golang-go"] },
    Tool {
        name: "Java with its compiler",
        what_for: "the MongoDB wire server",
        check: &["javac", "-version"],
        packages: &["openjdk-17-jdk-headless"],
    },
    Tool { name: "Maven", what_for: "the MongoDB wire server", check: &["mvn", "--version"], packages: &["maven"] },
    Tool {
        name: "MariaDB",
        what_for: "the database service of the demo",
        check: &["mariadbd", "--version"],
        packages: &["mariadb-server-core", "mariadb-client-core"],
    },
];

/// What a Kubernetes node needs, where one can run.
const CLUSTER: &[Tool] = &[
    Tool { name: "Go", what_for: "the test cluster", check: &["go", "version"], packages: &["golang-go"] },
    Tool { name: "ip", what_for: "the test cluster", check: &["ip", "-V"], packages: &["iproute2"] },
    Tool { name: "iptables", what_for: "the test cluster", check: &["/usr/sbin/iptables", "--version"], packages: &["iptables"] },
    Tool { name: "conntrack", what_for: "the test cluster", check: &["/usr/sbin/conntrack", "--version"], packages: &["conntrack"] },
    Tool { name: "openssl", what_for: "the test cluster", check: &["openssl", "version"], packages: &["openssl"] },
    Tool { name: "debootstrap", what_for: "images", check: &["/usr/sbin/debootstrap", "--version"], packages: &["debootstrap"] },
];

/// Makes sure that everything is there; with `install`, by apt-get.
pub fn prepare(install: bool) -> Result<String> {
    provide(TOOLS, install)
}

/// The same for what the test cluster needs besides.
pub fn prepare_cluster(install: bool) -> Result<String> {
    provide(CLUSTER, install)
}

fn provide(tools: &'static [Tool], install: bool) -> Result<String> {
    let missing: Vec<&Tool> = tools.iter().filter(|tool| !works(tool.check)).collect();
    if missing.is_empty() {
        return Ok("everything is there".to_owned());
    }
    for tool in &missing {
        println!("    {} is missing, needed for {}", tool.name, tool.what_for);
    }
    let packages: Vec<&str> = missing.iter().flat_map(|tool| tool.packages).copied().collect();
    if !install {
        return Err(format!("missing: apt-get install {}", packages.join(" ")));
    }
    apt_get(&["update", "-qq"])?;
    apt_get(&[&["install", "-y", "-qq", "--no-install-recommends"], packages.as_slice()].concat())?;
    match missing.iter().find(|tool| !works(tool.check)) {
        Some(tool) => Err(format!("{} is still missing after the installation", tool.name)),
        None => Ok(format!("installed {}", packages.join(" "))),
    }
}

/// Whether a program is on PATH.
pub fn on_path(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|folder| folder.join(program).is_file())
}

fn works(command: &[&str]) -> bool {
    let [program, arguments @ ..] = command else { return false };
    let quiet = Command::new(program).args(arguments).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status();
    quiet.is_ok_and(|status| status.success())
}

fn apt_get(arguments: &[&str]) -> Result<()> {
    let root = Command::new("id").arg("-u").output().is_ok_and(|id| id.stdout.trim_ascii() == b"0");
    let words = if root { vec!["apt-get"] } else { vec!["sudo", "-n", "apt-get"] };
    let words: Vec<&str> = words.into_iter().chain(arguments.iter().copied()).collect();
    println!("    {}", words.join(" "));
    let [program, rest @ ..] = words.as_slice() else { return Err("no command".to_owned()) };
    let status = Command::new(program).args(rest).env("DEBIAN_FRONTEND", "noninteractive").stdout(Stdio::null()).status();
    match status {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!("`{}` ended with {status}: install by hand what is missing", words.join(" "))),
        Err(error) => Err(format!("`{}`: {error}: install by hand what is missing", words.join(" "))),
    }
}
