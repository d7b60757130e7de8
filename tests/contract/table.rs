//! The contract of the API as a table that programs read: `routes.csv` has a line for each route, `errors.csv` one for each error that is
//! a route's own. A line or a cell that cannot be read is an error. It knows the standard library only: `cargo xtask test` reads it too.
//!
//! - `permissions`: `-`, or what the caller must hold: names with their kind of context, `app.read(app)`, joined by `&` (all of them) or
//!   `|` (one of them); `restricted` and `force` say when one is asked for. After `field:` or `kind:` stand those of which each belongs to
//!   a field or a kind of request; after `filter:` those that narrow what is shown and never refuse.
//! - `success`: each status of success, `-` when there is none.
//! - `errors`: the errors that many routes share: [`GROUPS`].
//! - `text` is the whole text; `<anything>` in it stands for any text.
//! - A line of `errors.csv` about a status of success, without text, is only there to say why it cannot be had.
//! - `unless` says why no test can ask for the case: a reason, or `deviation` when a line of `compat-tests/deviations.csv` is about it.

use std::collections::BTreeMap;

/// Another event holds the lock.
pub const LOCKED: &str = "event locked: <who>";
/// A block stops events of this kind.
pub const BLOCKED: &str = "error running <kind> on <target>: block <block>";
/// Too many events of this kind of late.
pub const THROTTLED: &str = "event throttled, limit for <what>";

/// The errors that many routes share.
pub const GROUPS: [(&str, u16, &[&str]); 8] = [
    ("401", 401, &["You must provide a valid Authorization header"]),
    ("app", 404, &["App <app> not found."]),
    ("body", 400, &["unable to parse as json: <why>", "unable to <parse or decode> form: <why>"]),
    ("json", 400, &["unable to parse as json: <why>"]),
    ("event", 500, &[LOCKED, BLOCKED, THROTTLED]),
    ("event-unlocked", 500, &[BLOCKED, THROTTLED]),
    ("event-unblocked", 500, &[LOCKED, THROTTLED]),
    ("event-throttled", 500, &[THROTTLED]),
];

/// What a caller who lacks a permission is told.
const REFUSALS: [(&str, &str); 3] = [
    ("403", "You don't have permission to do this action"),
    ("403-app", "User does not have permission to do this action in this app"),
    ("403-job", "User does not have permission to do this action in this job"),
];

/// What `unless` says of a case that `compat-tests/deviations.csv` is about.
pub const DEVIATION: &str = "deviation";

/// Method, path and the version that the route came with.
pub type Key = (String, String, String);

/// A line of `routes.csv` with its lines of `errors.csv`.
#[derive(Clone, Debug)]
pub struct Route {
    /// Which.
    pub key: Key,
    /// Anybody may call it.
    pub open: bool,
    /// What is asked of the caller.
    pub permissions: Permissions,
    /// The kind of its event.
    pub event: Option<String>,
    /// What it answers.
    pub cases: Vec<Case>,
}

/// What is asked of a caller: all of it, each a choice of permissions.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Permissions {
    /// Nobody is refused: what is shown depends on it.
    pub filter: bool,
    /// Each belongs to another field or kind of request.
    pub each: bool,
    /// All that is asked.
    pub asked: Vec<Vec<Permission>>,
}

/// A permission and the kind of context it is held in.
#[derive(Clone, Debug, PartialEq)]
pub struct Permission {
    /// As in `permission/scheme.csv`.
    pub name: String,
    /// `app`: by a team of the app, the app or its pool; and so on.
    pub context: String,
    /// It is asked for only then.
    pub only: Option<String>,
}

/// Something a route answers.
#[derive(Clone, Debug, PartialEq)]
pub struct Case {
    /// Its status.
    pub status: u16,
    /// Its text; a success has none.
    pub text: Option<String>,
    /// For want of this permission.
    pub want: Option<String>,
    /// Why it is not asked for.
    pub unless: Option<String>,
}

impl Case {
    fn says_nothing(&self) -> bool {
        self.text.as_ref().is_some_and(String::is_empty)
    }
}

/// The table of two files.
pub fn read(routes: &str, errors: &str) -> Result<Vec<Route>, String> {
    let mut own: BTreeMap<Key, Vec<Case>> = BTreeMap::new();
    for (line, cells) in lines(errors, "method,path,since,status,text,unless")? {
        let at = |why: &str| format!("errors.csv, line {line}: {why}");
        let [method, path, since, status, text, unless] = cells.map_err(|why| at(&why))?;
        let case = error(&status, &text, &unless).map_err(|why| at(&why))?;
        own.entry((method, path, since)).or_default().push(case);
    }
    let mut table: Vec<Route> = Vec::new();
    for (line, cells) in lines(routes, "method,path,since,door,permissions,event,success,errors")? {
        let at = |why: &str| format!("routes.csv, line {line}: {why}");
        let mut route = route(cells.map_err(|why| at(&why))?).map_err(|why| at(&why))?;
        if table.iter().any(|known| known.key == route.key) {
            return Err(at("the route is there already"));
        }
        for case in own.remove(&route.key).unwrap_or_default() {
            match route.cases.iter_mut().find(|known| known.text.is_none() && known.status == case.status && case.says_nothing()) {
                Some(success) => success.unless = case.unless,
                None => route.cases.push(case),
            }
        }
        table.push(route);
    }
    own.keys().next().map_or(Ok(table), |key| Err(format!("errors.csv: {key:?} is no line of routes.csv")))
}

fn route([method, path, since, door, permissions, event, success, errors]: [String; 8]) -> Result<Route, String> {
    if !["GET", "POST", "PUT", "PATCH", "DELETE"].contains(&method.as_str()) || !path.starts_with('/') || !since.starts_with("1.") {
        return Err(format!("{method} {path} {since} is no route"));
    }
    let open = match door.as_str() {
        "open" => true,
        "token" => false,
        other => return Err(format!("door {other:?}")),
    };
    let permissions = permissions_of(&permissions)?;
    let mut cases = Vec::new();
    for word in success.split(' ').filter(|word| *word != "-") {
        let status = word.parse().map_err(|e: std::num::ParseIntError| format!("success {word:?}: {e}"))?;
        cases.push(Case { status, text: None, want: None, unless: None });
    }
    for group in errors.split(' ').filter(|word| *word != "-") {
        cases.extend(shared(group, &permissions)?);
    }
    let event = (event != "-").then_some(event);
    Ok(Route { key: (method, path, since), open, permissions, event, cases })
}

/// The cases of a group; of refusals there is one for each permission.
fn shared(group: &str, permissions: &Permissions) -> Result<Vec<Case>, String> {
    if let Some((_, text)) = REFUSALS.iter().find(|(name, _)| *name == group) {
        let want = |choice: &Vec<Permission>| choice.iter().map(|p| p.name.as_str()).collect::<Vec<_>>().join("|");
        let refusal = |want| Case { status: 403, text: Some((*text).into()), want: Some(want), unless: None };
        return match permissions.filter || permissions.asked.is_empty() {
            true => Err("a 403 without a permission to lack".into()),
            false => Ok(permissions.asked.iter().map(want).map(refusal).collect()),
        };
    }
    let (_, status, texts) = GROUPS.iter().find(|(name, ..)| *name == group).ok_or_else(|| format!("no errors {group:?}"))?;
    Ok(texts.iter().map(|text| Case { status: *status, text: Some((*text).into()), want: None, unless: None }).collect())
}

fn error(status: &str, text: &str, unless: &str) -> Result<Case, String> {
    let status = status.parse().map_err(|e: std::num::ParseIntError| format!("status {status:?}: {e}"))?;
    let unless = (!unless.is_empty()).then(|| unless.to_owned());
    let says_nothing = !text.is_empty() && literals(text).concat().trim().is_empty();
    if unless.is_none() && says_nothing {
        return Err(format!("the text {text:?} is any text"));
    }
    Ok(Case { status, text: Some(text.replace("\\n", "\n")), want: None, unless })
}

fn permissions_of(cell: &str) -> Result<Permissions, String> {
    if cell == "-" {
        return Ok(Permissions::default());
    }
    let (mode, rest) = cell.split_once(": ").unwrap_or(("", cell));
    if mode.is_empty() {
        let choice = |part: &str| part.split(" | ").map(permission).collect();
        return Ok(Permissions { filter: false, each: false, asked: rest.split(" & ").map(choice).collect::<Result<_, _>>()? });
    }
    if !["filter", "field", "kind"].contains(&mode) {
        return Err(format!("permissions {mode:?}"));
    }
    let asked = rest.split(' ').map(|part| permission(part).map(|one| vec![one])).collect::<Result<_, _>>()?;
    Ok(Permissions { filter: mode == "filter", each: mode != "filter", asked })
}

fn permission(text: &str) -> Result<Permission, String> {
    const CONTEXTS: [&str; 14] = [
        "global",
        "app",
        "job",
        "volume",
        "service",
        "service-provision",
        "service-instance",
        "bind",
        "team",
        "pool",
        "team/pool",
        "user",
        "router",
        "any",
    ];
    let (only, name) = match text.split_once(' ') {
        Some((only @ ("restricted" | "force"), name)) => (Some(only.to_owned()), name),
        Some(_) => return Err(format!("permission {text:?}")),
        None => (None, text),
    };
    let (name, context) = name.split_once('(').and_then(|(name, rest)| Some((name, rest.strip_suffix(')')?))).unwrap_or(("", ""));
    if name.is_empty() || !CONTEXTS.contains(&context) && context != "event" {
        return Err(format!("permission {text:?}"));
    }
    Ok(Permission { name: name.into(), context: context.into(), only })
}

/// True when the pattern, in which `<anything>` stands for any text, is this text.
pub fn matches(pattern: &str, text: &str) -> bool {
    let parts = literals(pattern);
    let (Some(first), Some(last)) = (parts.first(), parts.last()) else { return false };
    if parts.len() == 1 {
        return pattern == text;
    }
    let Some(mut rest) = text.strip_prefix(first.as_str()) else { return false };
    for part in &parts[1..parts.len() - 1] {
        let Some(at) = rest.find(part.as_str()) else { return false };
        rest = &rest[at + part.len()..];
    }
    rest.ends_with(last.as_str())
}

/// What stands between the placeholders.
fn literals(pattern: &str) -> Vec<String> {
    let mut parts = Vec::new();
    let mut rest = pattern;
    while let Some((before, after)) = rest.split_once('<')
        && let Some((_, tail)) = after.split_once('>')
    {
        parts.push(before.to_owned());
        rest = tail;
    }
    parts.push(rest.to_owned());
    parts
}

type Cells<const N: usize> = Result<[String; N], String>;

/// The lines of a file below its heading, with their numbers.
pub fn lines<const N: usize>(text: &str, heading: &str) -> Result<Vec<(usize, Cells<N>)>, String> {
    let mut lines = text.lines();
    if lines.next() != Some(heading) {
        return Err(format!("the first line is not {heading}"));
    }
    let numbered = lines.enumerate().map(|(i, line)| {
        let cells = cells(line).and_then(|cells| <[String; N]>::try_from(cells).map_err(|cells| format!("{} cells", cells.len())));
        (i + 2, cells)
    });
    Ok(numbered.collect())
}

fn cells(line: &str) -> Result<Vec<String>, String> {
    let mut cells = Vec::new();
    let mut rest = line;
    loop {
        let (cell, tail) = cell(rest)?;
        cells.push(cell);
        match tail.strip_prefix(',') {
            Some(tail) => rest = tail,
            None if tail.is_empty() => return Ok(cells),
            None => return Err("text after a quoted cell".into()),
        }
    }
}

fn cell(rest: &str) -> Result<(String, &str), String> {
    let Some(mut quoted) = rest.strip_prefix('"') else {
        let (cell, tail) = rest.split_at(rest.find(',').unwrap_or(rest.len()));
        return Ok((cell.into(), tail));
    };
    let mut cell = String::new();
    loop {
        let (text, tail) = quoted.split_once('"').ok_or("a quoted cell without end")?;
        cell.push_str(text);
        let Some(more) = tail.strip_prefix('"') else { return Ok((cell, tail)) };
        cell.push('"');
        quoted = more;
    }
}
