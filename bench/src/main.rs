//! `bench IMPAASD`: start time, idle memory, and requests per second with p50 and p99 of the read routes, each also as a ratio to a
//! no-op actix route that sends the same bytes in the same run; times of changes; and whether more apps make answers slower. `bench noop PORT FILE` is that route.

mod client;
mod measure;
mod noop;
mod scale;

use std::{path::Path, process::ExitCode};

/// Failures are told to a person.
type Result<T> = std::result::Result<T, String>;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let outcome = match words.as_slice() {
        ["noop", port, file] => noop::serve(port, Path::new(file)),
        [impaasd] => measure::run(Path::new(impaasd)),
        _ => Err("usage: bench IMPAASD".to_owned()),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("{why}");
            ExitCode::FAILURE
        }
    }
}
