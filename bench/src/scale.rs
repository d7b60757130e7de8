//! Whether an answer of the same size takes longer in a larger installation.

use std::time::Duration;

use crate::{
    Result,
    client::{Figures, load},
};

const CONNECTIONS: usize = 8;
const TIME: Duration = Duration::from_secs(3);
/// p99 among many apps, as a part of p99 among few, at most.
const LIMIT: f64 = 1.3;

/// Routes whose answers do not grow.
const ROUTES: [&str; 4] =
    ["/1.1/events?limit=20", "/1.1/events?limit=20&skip=20", "/1.0/apps/app-50", "/1.0/apps?simplified=true&name=^app-50$"];

/// Asks each route for a while.
pub fn ask(api: u16, token: &str) -> Result<Vec<Figures>> {
    ROUTES.iter().map(|path| load(api, path, token, CONNECTIONS, TIME)).collect()
}

/// Prints both side by side.
pub fn compare((few, before): (usize, &[Figures]), (many, after): (usize, &[Figures])) {
    println!("\np99 ms                                    {few} apps  {many} apps   ratio (goal {LIMIT})");
    for ((path, few), many) in ROUTES.iter().zip(before).zip(after) {
        let (few, many) = (few.p99.as_secs_f64() * 1000.0, many.p99.as_secs_f64() * 1000.0);
        println!("{path:40} {few:8.2} {many:12.2} {:7.2}", many / few);
    }
}
