//! Requests that go wrong in one place: made from a good request for the route, the same for the same seed.

use serde_json::{Map, Value, json};

use crate::matrix::{
    rights::{Asked, Right},
    world::World,
};

/// A small generator of numbers: what matters is that the same seed makes the same requests.
pub struct Dice(u64);

impl Dice {
    pub fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 16
    }

    fn below(&mut self, limit: usize) -> usize {
        (self.next() % limit.max(1) as u64) as usize
    }

    fn one<'a, T: ?Sized>(&mut self, of: &[&'a T]) -> &'a T {
        of[self.below(of.len())]
    }
}

/// A request.
#[derive(Clone, Debug)]
pub struct Bad {
    pub path: String,
    pub media: Option<&'static str>,
    pub body: Vec<u8>,
}

const FORM: &str = "application/x-www-form-urlencoded";
const JSON: &str = "application/json";
const MULTIPART: &str = "multipart/form-data; boundary=B";

/// Texts for a path or a form, percent-encoded: NUL, invalid UTF-8, paths, patterns, numbers at the edges, words that are none.
const TEXTS: [&str; 44] = [
    "",
    "%00",
    "a%00b",
    "%FF%FE",
    "%C3%28",
    "%ED%A0%80",
    "%F0%9F%92%A9",
    "%E2%80%AE",
    "..",
    "../../etc/passwd",
    "%2e%2e%2f",
    ".",
    "~",
    "*",
    "$where",
    "%24ne",
    "a.b.c",
    "a$b",
    "0",
    "-1",
    "1e309",
    "9223372036854775807",
    "9223372036854775808",
    "-9223372036854775809",
    "4294967296",
    "0.5",
    "NaN",
    "true",
    "FALSE",
    "null",
    "undefined",
    "%7B%7D",
    "%5B%5D",
    "%22",
    "%27%3B--",
    "%0a%0d",
    "(((",
    "%5B%5B%5B",
    "(a%2B)%2B%24",
    "%25",
    "own-app",
    "own-team",
    "2006-01-02T15:04:05Z",
    "100000-01-01T00:00:00Z",
];

/// Names of parameters that some route knows.
const NAMES: [&str; 40] = [
    "name",
    "app",
    "team",
    "pool",
    "teamOwner",
    "lines",
    "source",
    "unit",
    "units",
    "process",
    "version",
    "limit",
    "skip",
    "sort",
    "since",
    "until",
    "running",
    "kindname",
    "kindtype",
    "target.type",
    "target.value",
    "tag",
    "tags",
    "status",
    "role",
    "context",
    "noRestart",
    "force",
    "env",
    "cname",
    "callback",
    "path",
    "metadata.labels.0.name",
    "envs.0.name",
    "parameters.a",
    "Opts.a",
    "Plan.Name",
    "quota",
    "disabled",
    "a[b][c]",
];

/// The number `at` of the requests for a line of the table.
pub fn make(right: &Right, at: usize, dice: &mut Dice) -> Bad {
    let (mut path, asked) = right.request((World::Own, World::Own));
    if dice.below(4) == 0 {
        path = strange_path(right, &path, dice);
    }
    if dice.below(4) == 0 {
        strange_query(&mut path, dice);
    }
    if at % 14 == 13 {
        let (media, body) = broken(at / 14, &asked, dice);
        return Bad { path, media, body };
    }
    let (media, body) = strange(&asked, &mut path, dice);
    Bad { path, media, body }
}

fn text(dice: &mut Dice) -> String {
    match dice.below(12) {
        0 => "a".repeat(dice.one(&[&41usize, &64, &256, &1000, &5000]).to_owned()),
        1 => "%C3%A9".repeat(300),
        _ => dice.one(&TEXTS).to_owned(),
    }
}

/// One name in the path is another.
fn strange_path(right: &Right, path: &str, dice: &mut Dice) -> String {
    let (path, query) = path.split_once('?').map_or((path, None), |(path, query)| (path, Some(query)));
    let vars: Vec<usize> = right.path.split('/').enumerate().filter(|(_, segment)| segment.starts_with('{')).map(|(at, _)| at).collect();
    let mut segments: Vec<String> = path.split('/').map(str::to_owned).collect();
    if let Some(at) = (!vars.is_empty()).then(|| vars[dice.below(vars.len())]) {
        let value = text(dice);
        if !value.is_empty() && !value.contains('/') && !value.contains("%2f") && value != "." && value != ".." {
            segments[at] = value;
        }
    }
    let mut path = segments.join("/");
    if dice.below(6) == 0 {
        path = format!("/{}{path}", dice.one(&["1.99", "1.4294967295"]));
    }
    query.map_or(path.clone(), |query| format!("{path}?{query}"))
}

fn strange_query(path: &mut String, dice: &mut Dice) {
    for _ in 0..=dice.below(3) {
        let sign = if path.contains('?') { '&' } else { '?' };
        let (name, value) = (dice.one(&NAMES), text(dice));
        path.push_str(&format!("{sign}{name}={value}"));
    }
}

/// Another request of a form that can be read.
fn strange(asked: &Asked, path: &mut String, dice: &mut Dice) -> (Option<&'static str>, Vec<u8>) {
    match asked {
        Asked::Nothing => {
            if let Some((bare, query)) = path.clone().split_once('?') {
                *path = format!("{bare}?{}", strange_fields(query, dice));
            }
            match dice.below(4) {
                0 => (Some(FORM), strange_fields("", dice).into()),
                1 => (Some(JSON), strange_object(Map::new(), dice)),
                _ => (None, vec![]),
            }
        }
        Asked::Form(fields) if dice.below(4) > 0 => (Some(FORM), strange_fields(fields, dice).into()),
        Asked::Form(fields) => {
            let pairs = fields.split('&').filter_map(|field| field.split_once('='));
            (Some(JSON), strange_object(pairs.map(|(name, value)| (name.to_owned(), json!(value))).collect(), dice))
        }
        Asked::Json(text) => match serde_json::from_str(text) {
            Ok(Value::Object(object)) => (Some(JSON), strange_object(object, dice)),
            _ => (Some(JSON), text.clone().into()),
        },
        Asked::Upload(fields) => (Some(MULTIPART), parts(&strange_fields(fields, dice), dice)),
    }
}

fn strange_fields(fields: &str, dice: &mut Dice) -> String {
    let mut fields: Vec<String> = fields.split('&').filter(|field| !field.is_empty()).map(str::to_owned).collect();
    for _ in 0..=dice.below(2) {
        let at = dice.below(fields.len());
        match (dice.below(5), fields.get(at).cloned()) {
            (0, Some(_)) => drop(fields.remove(at)),
            (1, Some(field)) => fields.push(field),
            (2 | 3, Some(field)) => fields[at] = format!("{}={}", field.split('=').next().unwrap_or_default(), text(dice)),
            _ => fields.push(format!("{}={}", dice.one(&NAMES), text(dice))),
        }
    }
    fields.join("&")
}

/// Fields are missing, more than wanted, or hold another text where there was one.
fn strange_object(mut object: Map<String, Value>, dice: &mut Dice) -> Vec<u8> {
    for _ in 0..=dice.below(2) {
        let keys: Vec<String> = object.keys().cloned().collect();
        let key = keys.get(dice.below(keys.len())).cloned();
        match (dice.below(4), key) {
            (0, Some(key)) => drop(object.remove(&key)),
            (1 | 2, Some(key)) => restate(object.get_mut(&key).unwrap(), dice),
            _ => drop(object.insert(format!("extra{}", dice.below(9)), json!(decoded(dice)))),
        }
    }
    Value::Object(object).to_string().into_bytes()
}

/// Another value of the same type.
fn restate(value: &mut Value, dice: &mut Dice) {
    match value {
        Value::String(text) => *text = decoded(dice),
        Value::Number(number) => *number = (*dice.one(&[&0i64, &-1, &1, &i64::MAX, &i64::MIN, &4_294_967_296])).into(),
        Value::Bool(flag) => *flag = !*flag,
        Value::Array(items) if dice.below(3) == 0 => items.clear(),
        Value::Array(items) => items.iter_mut().for_each(|item| restate(item, dice)),
        Value::Object(object) => object.values_mut().for_each(|value| restate(value, dice)),
        Value::Null => {}
    }
}

fn decoded(dice: &mut Dice) -> String {
    percent_encoding::percent_decode_str(&text(dice)).decode_utf8_lossy().into_owned()
}

/// The first field is a file.
fn parts(fields: &str, dice: &mut Dice) -> Vec<u8> {
    let part = |(at, field): (usize, &str)| {
        let (name, value) = field.split_once('=').unwrap_or((field, "FROM x"));
        let file = if at == 0 { "; filename=\"f\"" } else { "" };
        format!("--B\r\nContent-Disposition: form-data; name=\"{name}\"{file}\r\n\r\n{value}\r\n")
    };
    let text: String = fields.split('&').enumerate().map(part).collect();
    let mut body = format!("{text}--B--\r\n").into_bytes();
    if dice.below(3) == 0 {
        let at = dice.below(body.len());
        body[at] = 0;
    }
    body
}

/// How many kinds of [`broken`] there are.
pub const BREAKS: usize = 22;

/// What nobody can read, or what has no sense where it stands.
fn broken(kind: usize, asked: &Asked, dice: &mut Dice) -> (Option<&'static str>, Vec<u8>) {
    let deep = |open: &str, inner: &str, close: &str| format!("{}{inner}{}", open.repeat(100), close.repeat(100));
    let body = match kind % BREAKS {
        0 => (JSON, "null".into()),
        1 => (JSON, String::new()),
        2 => (JSON, "[]".into()),
        3 => (JSON, "{".into()),
        4 => (JSON, deep("[", "", "]")),
        5 => (JSON, deep("{\"a\":", "1", "}")),
        6 => (JSON, "\0".into()),
        7 => return (Some(JSON), b"{\"name\":\"\xff\xfe\"}".to_vec()),
        8 => (JSON, "\"text\"".into()),
        9 => return (Some(JSON), [b"{\"name\":\"".as_slice(), &b"a".repeat(1 << 20), b"\"}"].concat()),
        10 => return (Some(FORM), [b"name=".as_slice(), &b"a".repeat(1 << 20)].concat()),
        11 => return (Some(FORM), b"\xff=\xfe&%=%&%zz=1&=&&;".to_vec()),
        12 => ("multipart/form-data", "--B--".into()),
        13 => (MULTIPART, String::new()),
        14 => (MULTIPART, "--B\r\nContent-Disposition: form-data; name=\"file\"; filename=\"f\"\r\n\r\nabc".into()),
        15 => (MULTIPART, "--B\r\nContent-Disposition: form-data\r\n\r\nabc\r\n--B--\r\n".into()),
        16 => (MULTIPART, "--B--\r\n".into()),
        17 => ("text/plain", "name=a".into()),
        18 => ("", "name=a".into()),
        19 => (JSON, format!("{{\"name\":{}}}", deep("[", "", "]"))),
        20 => return (Some(FORM), b"a=b&".repeat((9 << 20) / 4)),
        _ => (JSON, mistyped(asked, dice)),
    };
    (Some(body.0), body.1.into_bytes())
}

/// A field has a value of another type.
fn mistyped(asked: &Asked, dice: &mut Dice) -> String {
    let mut object = match asked {
        Asked::Json(text) => serde_json::from_str(text).unwrap_or_default(),
        Asked::Form(fields) => {
            fields.split('&').filter_map(|field| field.split_once('=')).map(|(name, value)| (name.into(), json!(value))).collect()
        }
        _ => Map::from_iter([("name".to_owned(), json!("a"))]),
    };
    let keys: Vec<String> = object.keys().cloned().collect();
    let other = [json!(1.5), json!(-1), json!([1, "a", null]), json!({"a": {"b": 1}}), json!(true), Value::Null];
    if let Some(key) = keys.get(dice.below(keys.len())) {
        object.insert(key.clone(), other[dice.below(other.len())].clone());
    }
    Value::Object(object).to_string()
}
