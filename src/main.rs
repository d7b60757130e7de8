//! `impaasd`.

use std::process::ExitCode;

fn main() -> ExitCode {
    let args: Vec<std::ffi::OsString> = std::env::args_os().skip(1).collect();
    // Before any thread or runtime exists: namespaces can only be made by a process of one thread.
    if args.first().is_some_and(|word| word == "unit") {
        return impaas::provisioner::local::unit::main(args.into_iter().skip(1));
    }
    ExitCode::from(64)
}
