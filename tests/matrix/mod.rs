//! The authorization matrix: every route, with every permission of its row, in every context, by every kind of caller, on things of
//! their own, of others and of nobody. What must come of it is in `rights.tsv`, which says what the contract says.

mod callers;
mod cells;
pub mod rights;
mod watched;
pub mod world;

use std::collections::BTreeSet;

use cells::{Stage, Tally};
use impaas::api::routes;

/// Each works on a world of its own.
const WORKERS: usize = 2;

#[test]
fn callers_may_do_what_the_contract_permits_and_nothing_else() {
    let workers: Vec<_> = (0..WORKERS).map(|worker| std::thread::spawn(move || work(worker))).collect();
    let mut all = Tally::default();
    for worker in workers {
        let tally = worker.join().unwrap();
        all.cells += tally.cells;
        all.permitted += tally.permitted;
        all.done += tally.done;
        all.twisted += tally.twisted;
        all.faults.extend(tally.faults);
        all.unserved.extend(tally.unserved);
        all.outside.extend(tally.outside);
    }
    println!(
        "{} cells: {} permitted ({} of them done), {} with names repeated where they do not belong, {} faults",
        all.cells,
        all.permitted,
        all.done,
        all.twisted,
        all.faults.len()
    );
    println!("routes that are not served yet: {}", all.unserved.len());
    all.outside.iter().for_each(|line| println!("outside: {line}"));
    assert!(all.faults.is_empty(), "{} of {} cells:\n{}", all.faults.len(), all.cells, all.faults.join("\n"));
}

fn work(worker: usize) -> Tally {
    actix_web::rt::System::new().block_on(async {
        let mut stage = Stage::new().await;
        for right in rights::table().iter().enumerate().filter(|(at, _)| at % WORKERS == worker).map(|(_, right)| right) {
            stage.run(right).await;
        }
        stage.tally
    })
}

#[test]
fn every_route_has_its_line() {
    let lines: BTreeSet<_> = rights::table().iter().map(|right| (right.method, right.path)).collect();
    let served: BTreeSet<_> = routes::table().iter().map(|route| (route.method, route.path)).collect();
    let missing: Vec<_> = served.difference(&lines).collect();
    assert!(missing.is_empty(), "say in tests/matrix/rights.tsv what these ask of their callers: {missing:?}");
    let gone: Vec<_> = lines.difference(&served).collect();
    assert!(gone.is_empty(), "no such routes: {gone:?}");
}

#[test]
fn what_differs_from_the_contract_is_a_deviation() {
    let deviations = include_str!("../../compat-tests/deviations.csv");
    for right in rights::table().iter().filter(|right| !right.deviation.is_empty()) {
        let known = deviations.lines().any(|line| line.trim_start_matches('"').starts_with(right.deviation));
        assert!(known, "{} is no row of deviations.csv", right.deviation);
    }
}
