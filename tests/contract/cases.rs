//! Notes what tests assert, for the step "contract coverage" of `cargo xtask test`.

use std::{collections::HashSet, io::Write, sync::Mutex};

use impaas::api::route::Route;

use super::table::Key;

/// Names the file; without it nothing is noted.
const FILE: &str = "IMPAAS_CONTRACT_CASES";

static NOTED: Mutex<Option<HashSet<String>>> = Mutex::new(None);

/// The route as the table names it.
pub fn key(route: &Route) -> Key {
    (route.method.into(), route.path.into(), format!("{}.{}", route.since.0, route.since.1))
}

/// Notes that this was asserted of an answer of the route: a status of success, or status and text of an error.
pub fn asserted(route: Option<&Key>, status: u16, text: Option<&str>, want: Option<&str>) {
    let (Some((method, path, since)), Some(file)) = (route, std::env::var_os(FILE)) else { return };
    let text = text.map(|text| format!("={}", text.replace('\\', "\\\\").replace('\n', "\\n").replace('\t', "\\t")));
    let line = format!("{method}\t{path}\t{since}\t{status}\t{}\t{}\n", want.unwrap_or("-"), text.as_deref().unwrap_or("-"));
    let mut noted = NOTED.lock().unwrap();
    if noted.get_or_insert_default().insert(line.clone()) {
        let mut file = std::fs::OpenOptions::new().create(true).append(true).open(file).unwrap();
        file.write_all(line.as_bytes()).unwrap();
    }
}
