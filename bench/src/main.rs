//! `bench IMPAASD`: start time, idle memory, and requests per second with p50 and p99 of the read routes, each also as a ratio to a
//! no-op actix route that sends the same bytes in the same run; times of changes; whether more apps make answers slower; and the lists,
//! the memory and the deploys of a server with 1,000 apps and 2,000 units in a cluster, which `bench IMPAASD cluster` measures alone.
//! `bench noop PORT FILE` is that route, `bench stand-in PORT BUILDS APPS` that cluster with its build service.

mod builds;
mod client;
mod cluster;
mod compare;
mod crowd;
mod deploy;
mod fill;
mod measure;
mod noop;
mod scale;
mod server;

use std::{path::Path, process::ExitCode};

use measure::What;

/// Failures are told to a person.
type Result<T> = std::result::Result<T, String>;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let outcome = match words.as_slice() {
        ["noop", port, file] => noop::serve(port, Path::new(file)),
        ["stand-in", port, builds, apps] => crowd::stand_in([port, builds, apps]),
        [impaasd] => measure::run(Path::new(impaasd), What::All),
        [impaasd, "cluster"] => measure::run(Path::new(impaasd), What::Cluster),
        _ => Err("usage: bench IMPAASD [cluster]".to_owned()),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("{why}");
            ExitCode::FAILURE
        }
    }
}
