//! One cell: somebody who holds something somewhere asks for somebody's thing. What must come of it follows from the table alone.

use impaas::permission::scheme;

use super::{
    callers::{self, STRANGERS, Shown, Who},
    rights::{Asked, Needs, Right, covers},
    world::{KINDS, Kind, Scene, World},
};
use crate::api::harness::Reply;

/// What a missing permission is told with. Other texts of 403 are about the state of things.
const DENIALS: [&str; 5] = [
    "You don't have permission to do this action",
    "User does not have permission to do this action in this app",
    "User does not have permission to do this action in this job",
    "User not authorized to use permission",
    "User registration is disabled for non-admin users.",
];

/// What must come of a cell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expected {
    Permitted,
    Denied,
    Stranger,
}

/// What came of the cells so far.
#[derive(Default)]
pub struct Tally {
    pub cells: usize,
    pub permitted: usize,
    pub done: usize,
    pub twisted: usize,
    pub unserved: Vec<String>,
    pub outside: Vec<String>,
    pub faults: Vec<String>,
}

/// A scene with everybody in it.
pub struct Stage {
    pub scene: Scene,
    everybody: Vec<Who>,
    held: Vec<String>,
    pub tally: Tally,
}

impl Stage {
    pub async fn new() -> Self {
        let mut scene = Scene::new().await;
        let everybody = callers::everybody(&scene.server.ctx.store).await;
        scene.keep().await;
        Self { scene, everybody, held: vec![], tally: Tally::default() }
    }

    /// All cells of a line of the table.
    pub async fn run(&mut self, right: &Right) {
        if let Needs::Outside(reason) = &right.needs {
            return self.tally.outside.push(format!("{} {}: {reason}", right.method, right.path));
        }
        if !self.served(right).await {
            return self.tally.unserved.push(format!("{} {}", right.method, right.path));
        }
        for (number, held) in holdings(right).into_iter().enumerate() {
            self.hold(held).await;
            for worlds in worlds(right) {
                for at in 0..self.everybody.len() {
                    if if number == 0 { self.tells(right, at) } else { self.is_plain(at) } {
                        self.cell(right, at, worlds).await;
                    }
                }
            }
            if number == 0 {
                self.twists(right).await;
            }
        }
    }

    /// Every context with a session; with the other tokens those that the route knows.
    fn tells(&self, right: &Right, at: usize) -> bool {
        let who = &self.everybody[at];
        who.shown == Shown::Session || right.is_about(who.context.kind)
    }

    /// Who stands for everybody where it is about permissions and not about contexts.
    fn is_plain(&self, at: usize) -> bool {
        let who = &self.everybody[at];
        who.shown == Shown::Session && matches!(who.context.kind, Kind::Global | Kind::Team)
    }

    async fn served(&mut self, right: &Right) -> bool {
        self.hold(vec![String::new()]).await;
        let admin = self.everybody.iter().position(|who| who.context.kind == Kind::Global).unwrap();
        let reply = self.ask(right, admin, (World::Own, World::Own), &|_| {}).await;
        self.undo().await;
        let text = format!("{} {} is not there yet", right.method, right.path);
        !(reply.status == 501 && reply.text.starts_with(&text))
    }

    async fn hold(&mut self, held: Vec<String>) {
        self.held = held;
        self.hold_again().await;
    }

    async fn hold_again(&self) {
        let store = &self.scene.server.ctx.store;
        for kind in KINDS.into_iter().chain([Kind::Global]) {
            callers::hold(store, kind, &self.held).await;
        }
        self.scene.forget();
    }

    async fn undo(&self) -> Vec<&'static str> {
        let written = self.scene.undo().await;
        if written.contains(&"roles") {
            self.hold_again().await;
        }
        written
    }

    async fn cell(&mut self, right: &Right, at: usize, worlds: (World, World)) {
        self.tally.cells += 1;
        let expected = self.expected(right, at, worlds);
        let mut fault = self.judged(right, at, worlds, expected).await;
        if fault.is_some() {
            // Work that an earlier cell left running may have written meanwhile.
            fault = self.judged(right, at, worlds, expected).await;
        }
        if let Some(why) = fault {
            let who = &self.everybody[at];
            let fault = format!(
                "{} {} [{}] of {worlds:?}: {:?} with {} in {}:{}: {why}",
                right.method,
                right.path,
                right.asks,
                who.shown,
                shortened(&self.held),
                who.context.kind,
                who.context.value
            );
            self.tally.faults.push(fault);
        }
    }

    fn expected(&self, right: &Right, at: usize, worlds: (World, World)) -> Expected {
        let who = &self.everybody[at];
        let permitted = match &right.needs {
            Needs::Open => return Expected::Permitted,
            _ if STRANGERS.contains(&who.shown) => return Expected::Stranger,
            Needs::Token | Needs::List { .. } | Needs::Outside(_) => true,
            Needs::All(clauses) => {
                clauses.iter().all(|clause| clause.passes(&self.held, &who.context, right.world_of(clause.place, worlds)))
            }
        };
        if permitted { Expected::Permitted } else { Expected::Denied }
    }

    async fn judged(&mut self, right: &Right, at: usize, worlds: (World, World), expected: Expected) -> Option<String> {
        let reply = self.ask(right, at, worlds, &|_| {}).await;
        if expected == Expected::Permitted {
            self.tally.permitted += 1;
            self.tally.done += usize::from(reply.status < 300);
        }
        let fault = match expected {
            Expected::Permitted if is_denial(right, &reply) => Some(format!("is not let in: {} {}", reply.status, reply.text)),
            Expected::Permitted => self.misshown(right, at, worlds, &reply),
            Expected::Stranger if reply.status != 401 => Some(format!("a stranger is answered {} {}", reply.status, shown(&reply))),
            Expected::Denied if !is_denial(right, &reply) && !may_be_missing(right, worlds, &reply) => {
                Some(format!("is let in: {} {}", reply.status, shown(&reply)))
            }
            _ => None,
        };
        if expected == Expected::Permitted {
            let others = !matches!(worlds, (World::Own, World::Own)) || right.world_is_shared();
            let changed = self.undo_permitted(others).await;
            return fault.or(changed);
        }
        let written = self.undo().await;
        fault.or((!written.is_empty()).then(|| format!("is refused ({}), and yet {written:?} were written", reply.status)))
    }

    async fn undo_and_tell(&self) -> Vec<String> {
        let (written, told) = self.scene.undo_and_tell_what_became_of_others().await;
        if written.contains(&"roles") {
            self.hold_again().await;
        }
        told
    }

    async fn undo_permitted(&self, others: bool) -> Option<String> {
        if others {
            self.undo().await;
            return None;
        }
        let told = self.undo_and_tell().await;
        (!told.is_empty()).then(|| format!("changed what is not its object: {}", told.join("; ")))
    }

    /// A list must show what its reader may read, and nothing else.
    fn misshown(&self, right: &Right, at: usize, worlds: (World, World), reply: &Reply) -> Option<String> {
        let Needs::List { noun, any, kinds } = &right.needs else { return None };
        let who = &self.everybody[at];
        let holds = self.held.iter().any(|held| any.iter().any(|wanted| wanted.is_empty() || covers(held, wanted)));
        [World::Own, World::Other].into_iter().find_map(|world| {
            let here = kinds.contains(&who.context.kind) && who.context.value == world.context(who.context.kind);
            let about = !right.has_object() || worlds.0 == world;
            let expected = holds && about && (who.context.kind == Kind::Global || here);
            let name = world.name(noun);
            let there = reply.text.contains(&format!("\"{name}\""));
            (there != expected).then(|| format!("{name} is {}shown: {}", if there { "" } else { "not " }, shown(reply)))
        })
    }

    /// Names of the other owner's things, repeated where they do not belong, widen nothing.
    async fn twists(&mut self, right: &Right) {
        let needs_own = matches!(right.needs, Needs::All(_) | Needs::List { .. });
        let Some(at) = self.everybody.iter().position(|who| who.context.kind == Kind::Team && who.context.value == "own-team") else {
            return;
        };
        if !needs_own || !right.has_object() {
            return;
        }
        for (path, repeated) in [(World::Own, World::Other), (World::Other, World::Own)] {
            for in_body in [false, true] {
                self.tally.cells += 1;
                self.tally.twisted += 1;
                let reply = self.ask(right, at, (path, path), &|asked| repeat(asked, repeated, in_body)).await;
                let told = self.undo_and_tell().await;
                let leaks = reply.text.contains("other-secret");
                let done = path == World::Other && reply.status < 300 && matches!(right.needs, Needs::All(_)) && !right.is_of_any();
                if leaks || done || !told.is_empty() {
                    let place = if in_body { "body" } else { "query" };
                    let fault = format!(
                        "{} {} [{}] of {path:?} with names of {repeated:?} in the {place} by own-team: {} {}; {}",
                        right.method,
                        right.path,
                        right.asks,
                        reply.status,
                        shown(&reply),
                        told.join("; ")
                    );
                    self.tally.faults.push(fault);
                }
            }
        }
    }

    async fn ask(&self, right: &Right, at: usize, worlds: (World, World), twist: &dyn Fn(&mut (String, Asked))) -> Reply {
        let mut asked = right.request(worlds);
        twist(&mut asked);
        let (path, body) = asked;
        let server = &self.scene.server;
        let caller = match &self.everybody[at].token {
            Some(token) => server.with_token(token),
            None => server.nobody(),
        };
        let request = caller.request(right.method, &path);
        match body {
            Asked::Nothing => request,
            Asked::Form(text) => request.body("application/x-www-form-urlencoded", text),
            Asked::Json(text) => request.body("application/json", text),
            Asked::Upload(text) => request.body("multipart/form-data; boundary=B", multipart(&text)),
        }
        .send()
        .await
    }
}

/// `file&name=fresh`: a file, and fields.
fn multipart(text: &str) -> String {
    let mut fields = text.split('&');
    let file = fields.next().unwrap_or_default();
    let part =
        |name: &str, more: &str, value: &str| format!("--B\r\nContent-Disposition: form-data; name=\"{name}\"{more}\r\n\r\n{value}\r\n");
    let rest: String = fields.filter_map(|field| field.split_once('=')).map(|(name, value)| part(name, "", value)).collect();
    format!("{}{rest}--B--\r\n", part(file, "; filename=\"f\"", "FROM x"))
}

/// Every name that a handler could take an object by.
fn repeat((path, body): &mut (String, Asked), world: World, in_body: bool) {
    let names = [
        ("app", "app"),
        ("appname", "app"),
        ("name", "app"),
        ("service", "service"),
        ("instance", "instance"),
        ("serviceName", "service"),
        ("instanceName", "instance"),
        ("team", "team"),
        ("teamOwner", "team"),
        ("team_owner", "team"),
        ("owner", "team"),
        ("pool", "pool"),
        ("volume", "volume"),
        ("job", "job"),
        ("user", "email"),
        ("email", "email"),
        ("token_id", "token"),
        ("token", "token"),
        ("role", "role"),
        (":app", "app"),
        (":name", "app"),
        (":team", "team"),
        (":service", "service"),
        (":instance", "instance"),
    ];
    let text: Vec<String> = names.iter().map(|(name, noun)| format!("{name}={}", world.name(noun))).collect();
    let text = text.join("&");
    if !in_body {
        let sign = if path.contains('?') { '&' } else { '?' };
        return path.push_str(&format!("{sign}{text}"));
    }
    match body {
        Asked::Form(fields) => fields.push_str(&format!("&{text}")),
        Asked::Nothing => *body = Asked::Form(text),
        Asked::Json(json) => {
            let more: String = names.iter().skip(12).map(|(name, noun)| format!("\"{name}\":\"{}\",", world.name(noun))).collect();
            *json = json.replacen('{', &format!("{{{more}"), 1);
        }
        Asked::Upload(fields) => fields.push_str(&format!("&{text}")),
    }
}

/// What callers hold in turn: what is wanted, each of it alone, its parents, every other permission, nothing.
fn holdings(right: &Right) -> Vec<Vec<String>> {
    let clauses = match &right.needs {
        Needs::All(clauses) => clauses.iter().map(|clause| clause.any.clone()).collect(),
        Needs::List { any, .. } if any[0].is_empty() => return vec![vec!["app.read".into()], vec![]],
        Needs::List { any, .. } => vec![any.clone()],
        _ => return vec![vec!["app.read".into()], vec![]],
    };
    let exact: Vec<String> = clauses.iter().map(|any| any[0].to_owned()).collect();
    let mut all = vec![exact.clone(), vec![]];
    for (at, any) in clauses.iter().enumerate() {
        let with = |name: &str| {
            let mut held = exact.clone();
            held[at] = name.to_owned();
            held
        };
        all.extend(any.iter().skip(1).map(|name| with(name)));
        all.extend(parents(any[0]).iter().map(|parent| with(parent)));
        if clauses.len() > 1 {
            all.push(vec![any[0].to_owned()]);
        }
        let others = scheme::all().iter().map(|(name, _)| *name).filter(|name| any.iter().all(|wanted| !covers(name, wanted)));
        all.push(others.map(str::to_owned).collect());
    }
    all
}

fn parents(permission: &str) -> Vec<String> {
    let mut all = vec![String::new()];
    all.extend(permission.match_indices('.').map(|(at, _)| permission[..at].to_owned()));
    all
}

fn worlds(right: &Right) -> Vec<(World, World)> {
    use World::{Absent, Other, Own};
    let mut all = vec![(Own, Own)];
    if right.has_object() {
        all.extend([(Other, Other), (Absent, Absent)]);
    }
    if right.has_two_things() {
        all.extend([(Own, Other), (Other, Own)]);
    }
    all
}

fn is_denial(right: &Right, reply: &Reply) -> bool {
    let disabled = right.asks.contains("off-platform") && reply.status == 400 && reply.text.trim_end() == "Invalid platform";
    disabled || reply.status == 401 || (reply.status == 403 && DENIALS.iter().any(|text| reply.text.starts_with(text)))
}

fn may_be_missing(right: &Right, worlds: (World, World), reply: &Reply) -> bool {
    let absent = worlds.0 == World::Absent || worlds.1 == World::Absent;
    let user = reply.status == 500 && reply.text.trim_end() == "user not found";
    (reply.status == 404 && (absent || right.hides())) || (user && absent)
}

fn shown(reply: &Reply) -> String {
    reply.text.chars().take(300).collect::<String>().replace('\n', " ")
}

fn shortened(held: &[String]) -> String {
    if held.len() > 4 { format!("{} permissions, not the one", held.len()) } else { format!("{held:?}") }
}
