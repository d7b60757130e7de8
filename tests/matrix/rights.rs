//! What each route asks of a caller: the contract's columns `auth` and `permissions_and_contexts` in a form that a program reads.
//!
//! `needs` is `open`, `token`, `outside: reason`, `list NOUN PERMISSION@KINDS`, or clauses joined by ` & `: `PERMISSION|PERMISSION@PLACE`.

use std::collections::BTreeSet;

use super::world::{Kind, Known, World};

/// A line of the table.
pub struct Right {
    pub method: &'static str,
    pub path: &'static str,
    pub needs: Needs,
    pub asks: &'static str,
    pub deviation: &'static str,
}

/// What a route wants of its caller.
pub enum Needs {
    Open,
    Token,
    Outside(&'static str),
    /// Every caller is let in and sees what is theirs.
    List {
        noun: &'static str,
        any: Vec<&'static str>,
        kinds: Vec<Kind>,
    },
    All(Vec<Clause>),
}

/// One of these permissions, held in a context of this place.
pub struct Clause {
    pub any: Vec<&'static str>,
    pub place: &'static str,
}

/// Every line.
pub fn table() -> Vec<Right> {
    include_str!("rights.tsv").lines().skip(1).map(line).collect()
}

fn line(text: &'static str) -> Right {
    let mut fields = text.split('\t');
    let mut next = || fields.next().unwrap_or_default();
    let (method, path, needs, asks, deviation) = (next(), next(), next(), next(), next());
    Right { method, path, needs: self::needs(needs), asks, deviation }
}

fn needs(text: &'static str) -> Needs {
    if let Some(reason) = text.strip_prefix("outside: ") {
        return Needs::Outside(reason);
    }
    if let Some(list) = text.strip_prefix("list ") {
        let (noun, right) = list.split_once(' ').expect(text);
        let (permission, kinds) = right.split_once('@').expect(text);
        let any = if permission == "any" { vec![""] } else { permission.split('|').map(known).collect() };
        return Needs::List { noun, any, kinds: kinds.split(',').map(|kind| kind.parse().expect(text)).collect() };
    }
    match text {
        "open" => Needs::Open,
        "token" => Needs::Token,
        _ => Needs::All(text.split(" & ").map(clause).collect()),
    }
}

fn clause(text: &'static str) -> Clause {
    let (any, place) = text.split_once('@').expect(text);
    Clause { any: any.split('|').map(known).collect(), place }
}

fn known(permission: &'static str) -> &'static str {
    impaas::permission::scheme::find(permission).unwrap_or_else(|| panic!("unknown permission {permission:?}"))
}

/// A parent holds what its children hold. Written again here, so that the expectation does not come from the server.
pub fn covers(held: &str, wanted: &str) -> bool {
    held.is_empty() || held == wanted || wanted.starts_with(&format!("{held}."))
}

impl Clause {
    /// True when somebody who holds `held` in this context passes.
    pub fn passes(&self, held: &[String], context: &Known, world: World) -> bool {
        let holds = self.any.iter().any(|wanted| held.iter().any(|held| covers(held, wanted)));
        holds && (context.kind == Kind::Global || self.place == "any" || places(self.place, world).contains(context))
    }
}

/// The contexts in which a permission counts for the thing of this world.
fn places(place: &str, world: World) -> Vec<Known> {
    let at = |kinds: &[Kind]| kinds.iter().map(|kind| Known { kind: *kind, value: world.context(*kind) }).collect::<Vec<_>>();
    match place {
        "global" => vec![],
        "app" | "app-hidden" => at(&[Kind::Team, Kind::App, Kind::Pool]),
        "instance" => at(&[Kind::Team, Kind::ServiceInstance]),
        "bind" => {
            [at(&[Kind::Team, Kind::ServiceInstance]), vec![Known { kind: Kind::ServiceInstance, value: world.name("instance") }]].concat()
        }
        "service" => {
            [(Kind::Team, "client"), (Kind::Service, "closed")].map(|(kind, noun)| Known { kind, value: world.name(noun) }).to_vec()
        }
        "provision" => at(&[Kind::Team, Kind::Service]),
        "volume" => at(&[Kind::Volume, Kind::Team, Kind::Pool]),
        "job" => at(&[Kind::Team, Kind::Job, Kind::Pool]),
        "team" | "team-hidden" | "team-of-job" | "team-of-token" | "team-of-webhook" => at(&[Kind::Team]),
        "team-or-pool" => at(&[Kind::Team, Kind::Pool]),
        "pool" => at(&[Kind::Pool]),
        "router" => at(&[Kind::Router]),
        "user" => at(&[Kind::User]),
        other => panic!("unknown place {other:?}"),
    }
}

impl Right {
    /// Two things of different owners can meet in it: an instance and an app, a volume and an app.
    pub fn has_two_things(&self) -> bool {
        let Needs::All(clauses) = &self.needs else { return false };
        let places: BTreeSet<_> = clauses.iter().map(|clause| secondary(clause.place)).collect();
        places.len() == 2 && clauses.iter().any(|clause| matches!(clause.place, "bind" | "volume"))
    }

    /// The worlds that the place's and the noun's things come from, when the two things are of these.
    pub fn world_of(&self, noun: &str, (first, second): (World, World)) -> World {
        if self.has_two_things() && secondary(noun) { second } else { first }
    }

    /// Contexts of this kind can matter to it.
    pub fn is_about(&self, kind: Kind) -> bool {
        let of_place = |clause: &Clause| clause.place == "any" || places(clause.place, World::Own).iter().any(|known| known.kind == kind);
        kind == Kind::Global
            || match &self.needs {
                Needs::All(clauses) => clauses.iter().any(of_place),
                Needs::List { kinds, .. } => kinds.contains(&kind),
                Needs::Open | Needs::Token | Needs::Outside(_) => kind == Kind::Team,
            }
    }

    /// It is about things that belong to everybody.
    pub fn world_is_shared(&self) -> bool {
        match &self.needs {
            Needs::All(clauses) => clauses.iter().all(|clause| matches!(clause.place, "global" | "any")),
            Needs::Open | Needs::Token | Needs::Outside(_) | Needs::List { .. } => true,
        }
    }

    /// Holding it anywhere is enough.
    pub fn is_of_any(&self) -> bool {
        matches!(&self.needs, Needs::All(clauses) if clauses.iter().any(|clause| clause.place == "any"))
    }

    /// An unknown or foreign thing may be told as missing: the contract loads it first, or says nothing else.
    pub fn hides(&self) -> bool {
        matches!(&self.needs, Needs::All(clauses) if clauses.iter().any(|clause| clause.place.ends_with("-hidden")))
    }

    /// Path and request for things of these worlds.
    pub fn request(&self, worlds: (World, World)) -> (String, Asked) {
        let path = self.path.split('/').map(|segment| self.segment(segment, worlds)).collect::<Vec<_>>().join("/");
        let (form, text) = self.asks.split_once(' ').unwrap_or((self.asks, ""));
        let text = self.filled(text, worlds);
        match form {
            "query" => (format!("{path}?{text}"), Asked::Nothing),
            "form" => (path, Asked::Form(text)),
            "json" => (path, Asked::Json(text)),
            "upload" => (path, Asked::Upload(text)),
            _ => (path, Asked::Nothing),
        }
    }

    fn segment(&self, segment: &str, worlds: (World, World)) -> String {
        let Some(var) = segment.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')) else { return segment.to_owned() };
        let noun = match var {
            "path:.*" => return "x".into(),
            "team" => return "guest-team".into(),
            "version" => return "1".into(),
            "unit" => return "u1".into(),
            "router" => return "local".into(),
            "group_name" => return "g1".into(),
            "permission" => return "app.read.log".into(),
            "appname" => "app",
            "planname" => "plan",
            "token_id" => "token",
            "deploy" => "event",
            "uuid" if self.path.starts_with("/events/blocks") => "block",
            "uuid" => "event",
            "service" | "name" if self.is_about_closed() => "closed",
            "name" => named(self.path),
            other => other,
        };
        self.world_of(noun, worlds).name(noun)
    }

    /// It asks for more where the service is not open to everybody.
    fn is_about_closed(&self) -> bool {
        matches!(&self.needs, Needs::All(clauses) if clauses.iter().any(|clause| clause.place == "service"))
    }

    fn filled(&self, text: &str, worlds: (World, World)) -> String {
        super::world::NOUNS
            .iter()
            .fold(text.to_owned(), |text, noun| text.replace(&format!("{{{noun}}}"), &self.world_of(noun, worlds).name(noun)))
    }

    /// True when it is about a thing that somebody owns.
    pub fn has_object(&self) -> bool {
        self.request((World::Own, World::Own)) != self.request((World::Absent, World::Absent))
    }
}

fn secondary(place: &str) -> bool {
    matches!(place, "app" | "app-hidden" | "job")
}

fn named(path: &str) -> &'static str {
    let known = [
        ("/services", "service"),
        ("/volumes", "volume"),
        ("/jobs", "job"),
        ("/teams", "team"),
        ("/pools", "pool"),
        ("/platforms", "platform"),
        ("/roles", "role"),
        ("/events/webhooks", "webhook"),
        ("/routers", "dynamic-router"),
        ("/provisioner/clusters", "cluster"),
    ];
    known.iter().find(|(prefix, _)| path.starts_with(prefix)).unwrap_or_else(|| panic!("what is {{name}} of {path}?")).1
}

/// What comes with a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Asked {
    Nothing,
    Form(String),
    Json(String),
    Upload(String),
}
