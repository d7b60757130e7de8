//! `cargo xtask test` and `cargo xtask bench`: what a fresh machine needs to check and to measure this project.

mod bench;
mod cluster;
mod coverage;
mod mongo_wire;
mod oidc_provider;
mod schemathesis;
mod server;
mod steps;
mod test;
mod tools;

use std::process::ExitCode;

/// Failures are told to a person, so a text is enough.
type Result<T> = std::result::Result<T, String>;

const USAGE: &str = "usage: cargo xtask COMMAND

  test              installs what the tests need (apt-get), then format, lints, dependencies, all tests, and the stock CLI where it is on
                    PATH; with --no-install only says what is missing
  coverage FILE     compares the contract with what tests asserted, noted in FILE by a run with IMPAAS_CONTRACT_CASES=FILE
  cluster up        starts a real Kubernetes of one node with a registry and BuildKit on this machine (root); says how to use it
  cluster environment   what a shell is told to run `cargo test kubernetes::` against it
  cluster status    which of its parts run
  cluster down      stops it and removes all of it but what was downloaded and built
  mongo-wire PORT   runs the MongoDB wire server of the tests until Ctrl-C
  bench [cluster]   start time, memory and requests per second of a release build, beside a route that does nothing; or only
                    those with 1,000 apps and 2,000 units in a cluster
";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let outcome = match words.as_slice() {
        ["test"] => test::run(true),
        ["test", "--no-install"] => test::run(false),
        ["cluster", "up"] => cluster::Cluster::here().up(true).map(|how| println!("{how}")),
        ["cluster", "environment"] => {
            cluster::Cluster::here().environment().iter().for_each(|(name, value)| println!("export {name}={value}"));
            Ok(())
        }
        ["cluster", "status"] => {
            println!("{}", cluster::Cluster::here().status());
            Ok(())
        }
        ["cluster", "down"] => cluster::Cluster::here().down().map(drop),
        ["mongo-wire", port] => wire(port),
        ["coverage", file] => coverage::check(&test::root(), file.as_ref()).map(drop),
        ["bench", parts @ ..] => bench::run(parts),
        _ => Err(USAGE.to_owned()),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("{why}");
            ExitCode::FAILURE
        }
    }
}

fn wire(port: &str) -> Result<()> {
    let port = port.parse().map_err(|error| format!("{port}: {error}"))?;
    let server = mongo_wire::start(port, None).map_err(|error| error.to_string())?;
    println!("{}", server.url());
    loop {
        std::thread::park();
    }
}
