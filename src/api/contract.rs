//! Routes of the contract that this server does not serve yet: they answer 501 and say so.

use super::{
    Answer, Call,
    route::{Route, route},
};
use crate::error::Error;

/// Every route of the contract: method, version, path, and `token` or `open`.
const CONTRACT: &str = include_str!("contract.csv");

/// The contract's routes that `served` leaves open.
pub fn not_yet(served: &[Route]) -> Vec<Route> {
    CONTRACT
        .lines()
        .filter_map(|line| {
            let mut fields = line.split(',');
            let (method, since, path, door) = (fields.next()?, fields.next()?, fields.next()?, fields.next()?);
            let line = route(method, since, path, unserved);
            let there = served.iter().any(|known| known.method == method && known.path == path && known.since == line.since);
            (!there).then(|| if door == "open" { line.open() } else { line })
        })
        .collect()
}

/// Says that the route is not served yet.
pub async fn unserved(call: Call) -> Answer {
    Err(Error::NotYet(format!("{} {} is not there yet in this server", call.method(), call.route)))
}
