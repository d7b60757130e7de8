//! Bad input over every route: wrong types, missing and more fields, empty and null JSON, missing parts, NUL, invalid UTF-8, names that
//! are too long, deep JSON, huge bodies. None is answered with a 5xx that the contract does not have, none is a panic.
//!
//! `IMPAAS_BAD_INPUT` is how many requests are made (5,000 without it; `cargo xtask test` makes 100,000), `IMPAAS_SEED` what they are made from.

mod inputs;

use std::{
    collections::BTreeMap,
    panic::AssertUnwindSafe,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use futures_util::FutureExt;

use self::inputs::{Bad, Dice};
use crate::{
    api::harness::{Caller, Reply},
    matrix::{
        rights::{self, Right},
        world::{Scene, World},
    },
};

const WORKERS: usize = 2;
const PATIENCE: Duration = Duration::from_secs(20);

/// What starts long work of the machine and nothing else.
const SKIPPED: [&str; 3] = ["/debug/pprof/profile", "/debug/pprof/trace", "/debug/fgprof"];

#[derive(Default)]
struct Tally {
    routes: BTreeMap<String, usize>,
    past: usize,
    faults: BTreeMap<String, Vec<String>>,
}

#[test]
fn nothing_that_is_sent_is_a_fault_of_the_server() {
    let (wanted, seed) = (number("IMPAAS_BAD_INPUT", 5_000), number("IMPAAS_SEED", 4));
    let panics = count_panics();
    let workers: Vec<_> = (0..WORKERS)
        .map(|worker| std::thread::Builder::new().name("bad-input".into()).spawn(move || work(worker, wanted, seed as u64)).unwrap())
        .collect();
    let mut all = Tally::default();
    for tally in workers.into_iter().map(|worker| worker.join().unwrap()) {
        all.past += tally.past;
        tally.routes.into_iter().for_each(|(route, count)| *all.routes.entry(route).or_default() += count);
        tally.faults.into_iter().for_each(|(fault, inputs)| all.faults.entry(fault).or_default().extend(inputs));
    }
    let count: usize = all.routes.values().sum();
    all.routes.iter().for_each(|(route, count)| println!("{count:6} {route}"));
    SKIPPED.iter().for_each(|path| println!("skipped: {path}, it runs as long as it is told"));
    println!("{count} requests (seed {seed}), {} of them past login and decoding", all.past);
    let faults: Vec<String> =
        all.faults.iter().map(|(fault, inputs)| format!("{} times {fault}\n    {}", inputs.len(), inputs[0])).collect();
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    assert_eq!(panics.load(Ordering::SeqCst), 0, "something that runs beside a request panicked");
    assert!(count >= wanted, "{count} of {wanted}");
    assert!(all.past * 10 >= count * 9, "{} of {count} were past login and decoding", all.past);
}

fn number(name: &str, otherwise: usize) -> usize {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(otherwise)
}

/// Panics of the workers, also in tasks that a request leaves behind.
fn count_panics() -> Arc<AtomicUsize> {
    let count = Arc::new(AtomicUsize::new(0));
    let (counted, before) = (count.clone(), std::panic::take_hook());
    std::panic::set_hook(Box::new(move |info| {
        if std::thread::current().name() == Some("bad-input") {
            counted.fetch_add(1, Ordering::SeqCst);
        }
        before(info);
    }));
    count
}

fn work(worker: usize, wanted: usize, seed: u64) -> Tally {
    let lines: Vec<Right> = rights::table().into_iter().filter(|right| !SKIPPED.contains(&right.path)).collect();
    actix_web::rt::System::new().block_on(async {
        let mut scene = Scene::new().await;
        scene.server.admin().await;
        let admin = scene.server.admin().await.token.unwrap();
        scene.keep().await;
        let admin = scene.server.with_token(&admin);
        let served: Vec<&Right> = served(&scene, &admin, &lines).await;
        let each = wanted.div_ceil(served.len());
        let mut tally = Tally::default();
        for (number, right) in served.iter().enumerate().filter(|(number, _)| number % WORKERS == worker) {
            let mut dice = Dice::new(seed + 1 + number as u64);
            for at in 0..each {
                let bad = inputs::make(right, at, &mut dice);
                one(&scene, &admin, right, &bad, &mut tally).await;
            }
            *tally.routes.entry(format!("{} {}", right.method, right.path)).or_default() += each;
        }
        tally
    })
}

async fn served<'a>(scene: &Scene, admin: &Caller<'_>, lines: &'a [Right]) -> Vec<&'a Right> {
    let mut served = Vec::new();
    for right in lines {
        let path = right.request((World::Own, World::Own)).0;
        let reply = admin.request(right.method, &path).send().await;
        scene.undo().await;
        if !(reply.status == 501 && reply.text.starts_with(&format!("{} {} is not there yet", right.method, right.path))) {
            served.push(right);
        }
    }
    served
}

async fn one(scene: &Scene, admin: &Caller<'_>, right: &Right, bad: &Bad, tally: &mut Tally) {
    let mut request = admin.request(right.method, &bad.path);
    request = match bad.media {
        Some("") => request.body("", bad.body.clone()),
        Some(media) => request.body(media, bad.body.clone()),
        None => request,
    };
    let answered = tokio::time::timeout(PATIENCE, AssertUnwindSafe(request.send()).catch_unwind()).await;
    let fault = match answered {
        Ok(Ok(reply)) => {
            tally.past += usize::from(is_past(&reply));
            (is_fault(right, &reply)).then(|| format!("{} {}", reply.status, normal(&reply.text)))
        }
        Ok(Err(_)) => Some("a panic".to_owned()),
        Err(_) => Some("no answer in 20 s".to_owned()),
    };
    scene.undo().await;
    if let Some(fault) = fault {
        let shown: String = String::from_utf8_lossy(&bad.body).chars().take(300).collect();
        let input = format!("{} {:?} {shown:?}", bad.path.chars().take(300).collect::<String>(), bad.media);
        tally.faults.entry(format!("{} {}: {fault}", right.method, right.path)).or_default().push(input);
    }
}

/// It went by the door, found its route and was understood.
fn is_past(reply: &Reply) -> bool {
    let undecoded = ["unable to parse", "unable to decode", "404 page not found"];
    !matches!(reply.status, 401 | 413) && !undecoded.iter().any(|text| reply.text.starts_with(text))
}

/// A 5xx that is not in `refusals.tsv`: what the contract has as 500 for a route, and what deviations.csv has as 501.
fn is_fault(right: &Right, reply: &Reply) -> bool {
    if reply.text.contains("internal error, number") {
        return true;
    }
    let route = format!("{} {}", right.method, right.path);
    let known = |line: &str| {
        let (of, text) = line.split_once('\t').unwrap_or((line, ""));
        (of == "*" || of == route) && matches(text, reply.text.trim_end_matches('\n'))
    };
    reply.status >= 500 && !include_str!("refusals.tsv").lines().any(known)
}

/// `*` stands for anything.
fn matches(pattern: &str, text: &str) -> bool {
    let mut pieces = pattern.split('*');
    let Some(mut rest) = pieces.next().and_then(|first| text.strip_prefix(first)) else { return false };
    for piece in pieces {
        let Some(at) = rest.find(piece) else { return false };
        rest = &rest[at + piece.len()..];
    }
    rest.is_empty() || pattern.ends_with('*')
}

fn normal(text: &str) -> String {
    let digits = text.chars().map(|c| if c.is_ascii_hexdigit() && c.is_ascii_digit() { '0' } else { c });
    digits.take(160).collect::<String>().replace('\n', " ")
}
