//! Everything that must hold before a change is done.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use crate::{
    Result,
    server::Server,
    steps::{Steps, shown},
    tools,
};

/// Runs all of it.
pub fn run(install: bool) -> Result<()> {
    let mut steps = Steps::new();
    steps.run("what the tests need", || tools::prepare(install));
    steps.run("format", || shown(&mut cargo(&["fmt", "--all", "--check"])));
    steps.run("lints", || shown(&mut cargo(&["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"])));
    dependencies(&mut steps);
    tests(&mut steps);
    stock_cli(&mut steps);
    steps.finish()
}

/// cargo-deny takes minutes to build, so it is used where somebody installed it. Advisories come from a repository on the internet,
/// which not every machine reaches.
fn dependencies(steps: &mut Steps) {
    let (rules, advisories) = ("dependencies: licences, bans, sources", "dependencies: advisories");
    if !tools::on_path("cargo-deny") {
        steps.skip("dependencies", "cargo-deny is not installed (cargo install cargo-deny --locked)");
        return;
    }
    steps.run(rules, || shown(&mut cargo(&["deny", "--workspace", "check", "bans", "licenses", "sources"])));
    if shown(&mut cargo(&["deny", "fetch", "db"])).is_ok() {
        steps.run(advisories, || shown(&mut cargo(&["deny", "--offline", "--workspace", "check", "advisories"])));
    } else {
        steps.skip(advisories, "the advisory database could not be fetched");
    }
}

fn tests(steps: &mut Steps) {
    steps.run("tests", || shown(&mut cargo(&["test", "--workspace"])));
}

/// The recorded CLI of tsuru is nothing that this project ships: it runs where it is on PATH.
fn stock_cli(steps: &mut Steps) {
    let runs = [("a day with the stock CLI", "compat-tests/cli"), ("the demo with the stock CLI", "compat-tests/demo")];
    for (name, program) in runs {
        if !tools::on_path("tsuru") {
            steps.skip(name, "absent: no `tsuru` on PATH");
            continue;
        }
        steps.run(name, || with_server(program));
    }
}

fn with_server(program: &str) -> Result<String> {
    shown(&mut cargo(&["build", "--bin", "impaasd"]))?;
    let server = Server::start(&root().join("target/debug/impaasd"), "cli", &[])?;
    let outcome = shown(Command::new("python3").arg(root().join(program)).args(server.addresses()));
    outcome.map_err(|why| format!("{why}\n---- end of the server's log ----\n{}", server.log_tail()))
}

fn cargo(arguments: &[&str]) -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.args(arguments).current_dir(root());
    command
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap_or(Path::new(".")).to_owned()
}
