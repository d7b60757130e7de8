//! `GET /debug/...`: what tsuru's server tells through Go's profiler. This server is no Go program: it tells its command line, and by name
//! what it cannot tell.

use crate::{
    api::{Answer, Call, answer},
    error::{Error, Result},
};

const INDEX: &str = "/debug/pprof/\n\nThis server is no Go program and has no profiles for pprof. It has:\n\
                     cmdline  its command line\n\
                     /metrics requests, events, locks, store commands and their durations, for Prometheus\n";

fn permit(call: &Call) -> Result<()> {
    call.permit("debug", &[])
}

/// What there is.
pub async fn index(call: Call) -> Answer {
    permit(&call)?;
    answer::text(INDEX)
}

/// The command line, its words with NUL between them.
pub async fn cmdline(call: Call) -> Answer {
    permit(&call)?;
    answer::text(std::env::args_os().map(|word| word.to_string_lossy().into_owned()).collect::<Vec<_>>().join("\0"))
}

/// No symbols: there is no profile that would name addresses.
pub async fn symbol(call: Call) -> Answer {
    permit(&call)?;
    answer::text("num_symbols: 0\n")
}

/// What only Go's runtime has.
pub async fn absent(call: Call) -> Answer {
    permit(&call)?;
    let name = call.route.rsplit('/').next().unwrap_or_default();
    Err(Error::NotYet(format!("profile {name:?} is not there: this server is no Go program; what it counts and times is at /metrics")))
}
