//! Generated sequences of operations: SQLite gives the same as a plain list of documents, and as MongoDB.

use bson::{Bson, Document, doc};
use impaas::store::{Backend, Filter, Find, Result, StoreError, Update};
use proptest::{
    collection::vec,
    prelude::*,
    test_runner::{RngAlgorithm, TestRng, TestRunner},
};

use super::{Empty, THINGS, model::Model, mongo, mongodb_url, sqlite};

/// One thing to do.
#[derive(Clone, Debug)]
enum Op {
    Insert(Document),
    Update(Filter, Update, bool),
    UpdateMany(Filter, Update),
    Delete(Filter),
    Find(Filter, Find),
    Count(Filter),
}

/// What came of it, in a form that can be compared.
#[derive(Debug, PartialEq)]
enum Outcome {
    Done,
    Docs(Vec<Document>),
    Number(u64),
    Duplicate(String),
    Fault,
}

async fn outcome(backend: &dyn Backend, op: &Op, against: Against) -> Outcome {
    let done = match op.clone() {
        Op::Insert(doc) => backend.insert(&THINGS, doc).await.map(|()| Outcome::Done),
        Op::Update(filter, update, upsert) => {
            backend.update_one(&THINGS, &filter, &update, upsert).await.map(|doc| Outcome::Docs(doc.into_iter().collect()))
        }
        Op::UpdateMany(filter, update) => backend.update_many(&THINGS, &filter, &update).await.map(Outcome::Number),
        Op::Delete(filter) => backend.delete(&THINGS, &filter).await.map(Outcome::Number),
        Op::Find(filter, find) => backend.find(&THINGS, &filter, &find).await.map(Outcome::Docs),
        Op::Count(filter) => backend.count(&THINGS, &filter).await.map(Outcome::Number),
    };
    compared(done, against)
}

fn compared(done: Result<Outcome>, against: Against) -> Outcome {
    match done {
        Ok(Outcome::Docs(docs)) => Outcome::Docs(docs.into_iter().map(|doc| against.doc(doc)).collect()),
        Ok(done) => done,
        Err(StoreError::Duplicate(index)) => Outcome::Duplicate(index),
        Err(StoreError::Fault(_)) => Outcome::Fault,
        Err(away @ StoreError::Away(_)) => panic!("{away}"),
    }
}

const PATHS: [&str; 9] = ["n", "name", "tags", "list", "sub", "sub.k", "list.0", "list.k", "kind"];

fn path() -> impl Strategy<Value = String> {
    prop::sample::select(&PATHS[..]).prop_map(str::to_owned)
}

fn untyped(value: Bson) -> Bson {
    match value {
        Bson::Int32(n) => Bson::Double(n.into()),
        Bson::Int64(n) => Bson::Double(n as f64),
        Bson::Array(items) => items.into_iter().map(untyped).collect::<Vec<_>>().into(),
        Bson::Document(doc) => Against::Mongo.doc(doc).into(),
        other => other,
    }
}

/// Whom SQLite is compared with. The wire server is not MongoDB where null or an empty array is on the way of a path, where a change
/// goes through an array, and where an array has a unique key: with it, documents have less of that.
#[derive(Clone, Copy)]
enum Against {
    List,
    Mongo,
}

impl Against {
    /// Paths that an update may change.
    fn path(self) -> BoxedStrategy<String> {
        match self {
            Self::List => path().boxed(),
            Self::Mongo => prop::sample::select(vec!["n", "tags", "kind", "sub.k"]).prop_map(str::to_owned).boxed(),
        }
    }

    /// One of several values that are looked for. mongo-java-server does not find an empty array among them; MongoDB does.
    fn listed(self) -> BoxedStrategy<Bson> {
        match self {
            Self::List => value(),
            Self::Mongo => value().prop_filter("an empty array", |value| value.as_array().is_none_or(|items| !items.is_empty())).boxed(),
        }
    }

    /// mongo-java-server sometimes adds a number to a set that has it in another width; MongoDB does not.
    fn knows_in_sets(self, value: &Bson) -> bool {
        let text = format!("{value:?}");
        matches!(self, Self::List) || !(text.contains("Int") || text.contains("Double"))
    }

    /// What a document may hold.
    fn value(self, name: &'static str) -> BoxedStrategy<Bson> {
        match (self, name) {
            (Self::List, _) => prop_oneof![8 => value(), 1 => Just(Bson::Null)].boxed(),
            (Self::Mongo, "name") => scalar(),
            (Self::Mongo, "sub") => sub().boxed(),
            (Self::Mongo, "list") => vec(sub(), 1..3).prop_map(Bson::Array).boxed(),
            (Self::Mongo, _) => value(),
        }
    }

    /// A document to compare. The wire server keeps the old type when an equal number of another type is set.
    fn doc(self, doc: Document) -> Document {
        match self {
            Self::List => doc,
            Self::Mongo => doc.into_iter().map(|(name, value)| (name, untyped(value))).collect(),
        }
    }
}

fn scalar() -> BoxedStrategy<Bson> {
    prop_oneof![
        (-2..3_i32).prop_map(Bson::Int32),
        (-2..3_i64).prop_map(Bson::Int64),
        prop::sample::select(vec![-0.5, 0.0, 1.0, 1.5]).prop_map(Bson::Double),
        prop::sample::select(vec!["", "a", "b"]).prop_map(Bson::from),
        any::<bool>().prop_map(Bson::from),
    ]
    .boxed()
}

fn sub() -> impl Strategy<Value = Bson> {
    scalar().prop_map(|k| doc! {"k": k}.into())
}

fn value() -> BoxedStrategy<Bson> {
    prop_oneof![
        4 => scalar(),
        1 => vec(scalar(), 0..3).prop_map(Bson::Array),
        1 => sub(),
        1 => vec(scalar(), 1..3).prop_map(|ks| Bson::Array(ks.into_iter().map(|k| doc! {"k": k}.into()).collect())),
    ]
    .boxed()
}

fn document(against: Against) -> impl Strategy<Value = Document> {
    let names = ["n", "name", "tags", "list", "sub", "kind"];
    let fields = names.map(|name| prop::option::of(against.value(name)).prop_map(move |value| value.map(|value| (name.to_owned(), value))));
    (0..6_i32, fields).prop_map(|(id, fields)| {
        let mut doc = doc! {"_id": id};
        doc.extend(fields.into_iter().flatten());
        doc
    })
}

fn comparison(against: Against) -> BoxedStrategy<Filter> {
    let paired = || (path(), value());
    prop_oneof![
        (0..6_i32).prop_map(Filter::id),
        paired().prop_map(|(path, value)| Filter::Eq(path, value)),
        paired().prop_map(|(path, value)| Filter::Ne(path, value)),
        (path(), scalar()).prop_map(|(path, value)| Filter::Gt(path, value)),
        (path(), scalar()).prop_map(|(path, value)| Filter::Gte(path, value)),
        (path(), scalar()).prop_map(|(path, value)| Filter::Lt(path, value)),
        (path(), scalar()).prop_map(|(path, value)| Filter::Lte(path, value)),
        (path(), vec(against.listed(), 0..3)).prop_map(|(path, values)| Filter::In(path, values)),
        (path(), vec(value(), 0..3)).prop_map(|(path, values)| Filter::HasAll(path, values)),
        (path(), any::<bool>()).prop_map(|(path, there)| Filter::Exists(path, there)),
        prop::sample::select(vec!["n", "name", "kind"]).prop_map(|path| Filter::Eq(path.into(), Bson::Null)),
        scalar().prop_map(|k| Filter::elem("list", Filter::Eq("k".into(), k))),
        Just(Filter::regex("name", "^[ab]$")),
        Just(Filter::All),
    ]
    .boxed()
}

fn filter(against: Against) -> impl Strategy<Value = Filter> {
    comparison(against).prop_recursive(2, 6, 3, |inner| {
        prop_oneof![vec(inner.clone(), 0..3).prop_map(Filter::And), vec(inner.clone(), 0..3).prop_map(Filter::Or), inner.prop_map(|f| !f),]
    })
}

fn update(against: Against) -> impl Strategy<Value = Update> {
    let path = || against.path();
    let one = prop_oneof![
        (path(), value()).prop_map(|(path, value)| Update::set(path, value)),
        scalar().prop_map(|value| Update::set("name", value)),
        Just(Update::unset("name")),
        path().prop_map(Update::unset),
        sub().prop_map(|sub| Update::push("list", sub)),
        (path(), -3..4_i64).prop_map(|(path, by)| Update::inc(path, by)),
        (path(), value()).prop_map(|(path, value)| Update::push(path, value)),
        (path(), value().prop_filter("numbers of two widths", move |value| against.knows_in_sets(value)))
            .prop_map(|(path, value)| Update::add_to_set(path, value)),
        (path(), scalar()).prop_map(|(path, value)| Update::pull(path, value)),
        (path(), value()).prop_map(|(path, value)| Update::default().and_set_on_insert(path, value)),
    ];
    vec(one, 1..3).prop_map(|all| all.into_iter().fold(Update::default(), Update::and))
}

/// An update that cannot fail, for many documents at once: on MongoDB a failure leaves some of them changed.
fn safe_update() -> impl Strategy<Value = Update> {
    (scalar(), -3..4_i64).prop_map(|(value, by)| Update::set("flag", value).and_inc("counter", by))
}

/// The first match of two is another one on each server, so an update names its document.
fn named(filter: Filter, id: i32) -> Filter {
    Filter::id(id).and(filter)
}

fn find() -> impl Strategy<Value = Find> {
    let sort = prop::sample::select(vec![("_id", false), ("_id", true)]);
    (sort, 0..3_u64, 0..4_i64).prop_map(|(sort, skip, limit)| Find { sort: Some(sort), skip, limit })
}

fn operation(against: Against) -> impl Strategy<Value = Op> {
    prop_oneof![
        3 => document(against).prop_map(Op::Insert),
        3 => (filter(against), 0..6_i32, update(against)).prop_map(|(filter, id, update)| Op::Update(named(filter, id), update, false)),
        1 => (0..8_i32, update(against)).prop_map(|(id, update)| Op::Update(Filter::id(id), update, true)),
        1 => (filter(against), safe_update()).prop_map(|(filter, update)| Op::UpdateMany(filter, update)),
        1 => filter(against).prop_map(Op::Delete),
        3 => (filter(against), find()).prop_map(|(filter, find)| Op::Find(filter, find)),
        1 => filter(against).prop_map(Op::Count),
    ]
}

/// Runs generated sequences on both; they must always give the same.
fn compare((against, cases): (Against, u32), one: &Empty, other: &dyn Backend, runtime: &tokio::runtime::Runtime) {
    let config = ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() };
    let sequences = vec(operation(against), 1..25);
    let mut runner = match against {
        Against::List => TestRunner::new(config),
        // The wire server has rare faults of its own (`$ne` and `$in` with arrays in arrays): each run asks it the same.
        Against::Mongo => TestRunner::new_with_rng(config, TestRng::deterministic_rng(RngAlgorithm::ChaCha)),
    };
    let ran = runner.run(&sequences, |operations| {
        runtime.block_on(async {
            for backend in [one.backend.as_ref(), other] {
                backend.delete(&THINGS, &Filter::All).await.unwrap();
            }
            for op in &operations {
                let (a, b) = (outcome(one.backend.as_ref(), op, against).await, outcome(other, op, against).await);
                prop_assert_eq!(a, b, "{:?}", op);
            }
            Ok(())
        })
    });
    ran.unwrap_or_else(|e| panic!("{e}"));
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
}

#[test]
fn sqlite_gives_what_a_plain_list_gives() {
    compare((Against::List, 200), &sqlite(), &Model::default(), &runtime());
}

#[test]
fn sqlite_gives_what_mongodb_gives() {
    let Some(url) = mongodb_url() else { return };
    let runtime = runtime();
    let other = runtime.block_on(mongo(&url));
    compare((Against::Mongo, 200), &sqlite(), other.backend.as_ref(), &runtime);
    runtime.block_on(other.remove());
}
