//! The walls of the house, read from the source text: which room may name which crate, which room may use which of ours, and how
//! long a file may grow. See ARCHITECTURE.md.

use std::{
    collections::BTreeSet,
    fs::{read_dir, read_to_string},
    path::Path,
};

/// Crates that have a home: (crate, rooms that may name it).
const CRATES: &[(&str, &[&str])] = &[
    ("mongodb", &["store"]),
    ("rusqlite", &["store"]),
    ("kube", &["provisioner/kubernetes"]),
    ("k8s_openapi", &["provisioner/kubernetes"]),
    ("actix_web", &["api", "web", "server"]),
    ("actix_http", &["api", "web", "server"]),
    ("actix_rt", &["api", "web", "server"]),
    ("actix_ws", &["api", "web"]),
    ("actix_multipart", &["api", "web"]),
    ("hyper", &["provisioner", "build/agent"]),
    ("hyper_util", &["provisioner", "build/agent"]),
    ("http_body_util", &["provisioner", "build/agent"]),
    ("prost", &["build/agent"]),
    ("tonic", &["build/agent"]),
    ("tonic_prost", &["build/agent"]),
    ("tower", &["build/agent"]),
];

/// Small things that any room may use and that use nothing but each other.
const LEAVES: &[&str] =
    &["clock", "cron", "error", "failpoint", "lenient", "metrics", "names", "outgoing", "output", "request_id", "secret"];

/// What no noun, store or provisioner may look back to.
const ABOVE: &[&str] = &["api", "web", "server", "main"];

/// Rooms with a fixed list of what else of ours they may use, beside [`LEAVES`]. Rooms not named here are nouns.
const ARROWS: &[(&str, &[&str])] = &[
    ("store", &["store"]),
    ("provisioner", &["provisioner", "build"]),
    ("build", &["build"]),
    ("clock", &[]),
    ("cron", &[]),
    ("error", &[]),
    ("failpoint", &[]),
    ("lenient", &[]),
    ("metrics", &[]),
    ("names", &[]),
    ("outgoing", &[]),
    ("output", &[]),
    ("request_id", &[]),
    ("secret", &[]),
    ("config", &["config"]),
];

/// Longest file, in lines.
const LIMIT: usize = 400;

#[test]
fn crates_stay_in_their_rooms() {
    complain(each_source(crate_faults));
}

#[test]
fn rooms_use_only_rooms_below_them() {
    complain(each_source(arrow_faults));
}

#[test]
fn files_are_short_and_finished() {
    complain(each_source(shape_faults));
}

#[test]
fn planted_violations_are_found() {
    let planted: &[(&str, &str, usize)] = &[
        ("api/app/create.rs", "use mongodb::Client;", 1),
        ("app/create.rs", "fn f() { let c = ::rusqlite::Connection::open(\"x\"); }", 1),
        ("event/begin.rs", "use {serde::Serialize, actix_web::{web, HttpResponse}};", 1),
        ("provisioner/local/run.rs", "use kube::Api;", 1),
        ("api/app/log.rs", "pub use hyper::body;", 1),
        ("provisioner/kubernetes/build/mod.rs", "use tonic::Status;", 1),
        ("store/sqlite.rs", "use crate::app::App;", 1),
        ("store/sqlite.rs", "use crate::{\n    error::Result,\n    api::routes,\n};", 1),
        ("provisioner/local/mod.rs", "fn f() { crate::store::open(); }", 1),
        ("provisioner/local/mod.rs", "use super::super::store::Store;", 1),
        ("team/remove.rs", "use crate::api::extract::Token;", 1),
        ("team/remove.rs", "use crate::{team::{self, Team}, web::page};", 1),
        ("build/archive.rs", "use crate::provisioner::Built;", 1),
        ("secret.rs", "use crate::store::Store;", 1),
        ("app/deploy.rs", "fn f() { todo!(\"later\") }", 1),
        ("app/deploy.rs", "fn f() { unimplemented!() }", 1),
        ("app/deploy.rs", &"\n".repeat(LIMIT + 1), 1),
        ("app/deploy.rs", "// mongodb:: and crate::api:: in a comment\nconst A: &str = \"crate::api::x todo!()\";", 0),
        ("app/deploy.rs", "#[cfg(test)]\nmod tests {\n    use crate::api::routes;\n}", 0),
        ("app/deploy.rs", "use crate::{store::{Filter, Store}, event::api, provisioner::Apps};", 0),
        ("api/app/create.rs", "use crate::{app, store::Store};\nuse actix_web::web;", 0),
        ("store/mongo.rs", "use mongodb::bson;\nuse super::{filter::Filter, Store};", 0),
    ];
    for (path, text, faults) in planted {
        let found = [crate_faults, arrow_faults, shape_faults].iter().flat_map(|check| check(path, text)).collect::<Vec<_>>();
        assert_eq!(found.len(), *faults, "{path}: {text}\nfound: {found:#?}");
    }
}

type Faults = Vec<String>;

fn crate_faults(path: &str, text: &str) -> Faults {
    let words: BTreeSet<String> = paths(&code_of(text)).into_iter().filter_map(|path| path.into_iter().next()).collect();
    let strays = CRATES.iter().filter(|(name, rooms)| words.contains(*name) && !rooms.iter().any(|room| in_room(path, room)));
    strays.map(|(name, rooms)| format!("{path} names the crate `{name}`, whose home is {}", rooms.join(", "))).collect()
}

fn arrow_faults(path: &str, text: &str) -> Faults {
    let from = room_of(path);
    let used: BTreeSet<String> = paths(&code_of(text)).into_iter().filter_map(|used| target(path, &used)).collect();
    let back = used.into_iter().filter(|to| *to != from && !may_use(&from, to));
    back.map(|to| format!("{path}: `{from}` must not use `{to}`")).collect()
}

fn may_use(from: &str, to: &str) -> bool {
    if LEAVES.contains(&to) || ["main", "lib"].contains(&from) {
        return true;
    }
    if let Some((_, rooms)) = ARROWS.iter().find(|(room, _)| *room == from) {
        return rooms.contains(&to);
    }
    match from {
        "server" => to != "main",
        "api" | "web" => !["main", "server"].contains(&to),
        _ => !ABOVE.contains(&to),
    }
}

fn shape_faults(path: &str, text: &str) -> Faults {
    let lines = text.lines().count();
    let mut faults = Vec::new();
    if lines > LIMIT {
        faults.push(format!("{path} has {lines} lines; split it before {LIMIT}"));
    }
    let code = code_of(text);
    let unfinished = ["todo!", "unimplemented!"].into_iter().filter(|name| code.contains(name));
    faults.extend(unfinished.map(|name| format!("{path} says {name}")));
    faults
}

/// First room of a path that starts at our crate: `crate::store::Store` is `store`. `super` and `self` count from the file's place.
fn target(file: &str, path: &[String]) -> Option<String> {
    let module: Vec<&str> = file.trim_end_matches(".rs").trim_end_matches("/mod").split('/').filter(|part| *part != "lib").collect();
    let ups = path.iter().take_while(|part| *part == "super").count();
    match path.first().map(String::as_str) {
        Some("crate" | "impaas") => path.get(1).cloned(),
        Some("super") if ups >= module.len() => path.get(ups).cloned(),
        _ => None,
    }
    .filter(|room| room.starts_with(|first: char| first.is_ascii_lowercase()))
}

fn room_of(path: &str) -> String {
    path.split('/').next().unwrap_or_default().trim_end_matches(".rs").to_owned()
}

fn in_room(path: &str, room: &str) -> bool {
    path.strip_prefix(room).is_some_and(|rest| rest.starts_with('/') || rest == ".rs")
}

/// All paths in code, `use` trees unfolded: `a::{b, c::d}` is `a::b` and `a::c::d`. A lone name is no path, except in a `use`.
fn paths(code: &str) -> Vec<Vec<String>> {
    let tokens = tokens(code);
    let mut found = Vec::new();
    let mut at = 0;
    while at < tokens.len() {
        let is_use = tokens[at] == "use";
        let start = if is_use { at + 1 } else { at };
        let (mut tree, next) = tree(&tokens, start, &[]);
        tree.retain(|path| is_use || path.len() > 1);
        found.append(&mut tree);
        at = next.max(at + 1);
    }
    found
}

/// Reads one path or `use` tree at a token; returns what it names and the token after it.
fn tree(tokens: &[&str], mut at: usize, prefix: &[String]) -> (Vec<Vec<String>>, usize) {
    let mut path = prefix.to_vec();
    if tokens.get(at) == Some(&"::") {
        at += 1;
    }
    loop {
        match tokens.get(at) {
            Some(&"{") if at > 0 && (tokens[at - 1] == "::" || tokens[at - 1] == "use") => return group(tokens, at + 1, &path),
            Some(word) if is_word(word) => path.push((*word).to_owned()),
            _ => return (vec![path], at),
        }
        match tokens.get(at + 1) {
            Some(&"::") => at += 2,
            _ => return (vec![path], at + 1),
        }
    }
}

fn group(tokens: &[&str], mut at: usize, prefix: &[String]) -> (Vec<Vec<String>>, usize) {
    let mut found = Vec::new();
    while let Some(token) = tokens.get(at) {
        match *token {
            "}" => return (found, at + 1),
            "," | "*" => at += 1,
            "as" => at += 2,
            _ => {
                let (mut inner, next) = if *token == "{" { group(tokens, at + 1, prefix) } else { tree(tokens, at, prefix) };
                found.append(&mut inner);
                at = next.max(at + 1);
            }
        }
    }
    (found, at)
}

fn is_word(token: &str) -> bool {
    token.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
}

fn tokens(code: &str) -> Vec<&str> {
    let mut found = Vec::new();
    let mut rest = code;
    while let Some(first) = rest.chars().next() {
        let word = rest.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).unwrap_or(rest.len());
        let length = if word > 0 {
            word
        } else if rest.starts_with("::") {
            2
        } else {
            first.len_utf8()
        };
        if !first.is_whitespace() {
            found.push(&rest[..length]);
        }
        rest = &rest[length..];
    }
    found
}

/// The code without comments, texts and test modules (tests may reach over walls).
fn code_of(text: &str) -> String {
    let text = text.split("#[cfg(test)]\nmod ").next().unwrap_or_default();
    let mut code = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(['"', '/', '\'']) {
        code.push_str(&rest[..at]);
        let raw_start = rest[..at].trim_end_matches('#').ends_with('r') && rest[at..].starts_with('"');
        let hashes = rest[..at].len() - rest[..at].trim_end_matches('#').len();
        rest = &rest[at..];
        let skip = if rest.starts_with("//") {
            rest.find('\n').unwrap_or(rest.len())
        } else if rest.starts_with("/*") {
            rest.find("*/").map_or(rest.len(), |end| end + 2)
        } else if raw_start {
            let end = format!("\"{}", "#".repeat(hashes));
            rest[1..].find(&end).map_or(rest.len(), |found| found + 1 + end.len())
        } else if rest.starts_with('"') {
            end_of_text(rest)
        } else {
            end_of_char(rest)
        };
        if skip == 1 {
            code.push_str(&rest[..1]);
        } else {
            code.push(' ');
        }
        rest = &rest[skip..];
    }
    code.push_str(rest);
    code
}

fn end_of_text(rest: &str) -> usize {
    let mut escaped = false;
    for (at, c) in rest.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return at + 1,
            _ => {}
        }
    }
    rest.len()
}

/// Length of a character literal, or 1 for a lifetime or a division.
fn end_of_char(rest: &str) -> usize {
    let mut chars = rest.char_indices().skip(1);
    match (rest.starts_with('\''), chars.next(), chars.next()) {
        (true, Some((_, '\\')), Some((after, _))) => rest[after + 1..].find('\'').map_or(1, |end| after + end + 2),
        (true, Some(_), Some((end, '\''))) => end + 1,
        _ => 1,
    }
}

fn each_source(check: fn(&str, &str) -> Faults) -> Faults {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut faults = Vec::new();
    walk(&root, &mut |file| {
        let path = file.strip_prefix(&root).expect("inside src").to_string_lossy().into_owned();
        faults.extend(check(&path, &read_to_string(file).expect("a readable source file")));
    });
    faults
}

fn walk(folder: &Path, visit: &mut dyn FnMut(&Path)) {
    for entry in read_dir(folder).expect("a readable folder").flatten() {
        let path = entry.path();
        if path.is_dir() {
            walk(&path, visit);
        } else if path.extension().is_some_and(|end| end == "rs") {
            visit(&path);
        }
    }
}

fn complain(faults: Faults) {
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}
