//! A request for each route that has one: `requests.csv`. Fields are what the permission of `want` is asked for, when it is not empty.

use super::{
    table::{Key, lines},
    world::World,
};
use crate::{
    api::harness::{Caller, Reply},
    server::archive::multipart,
};

/// A request about what is there in the [`World`].
#[derive(Clone, Debug)]
pub struct Request {
    pub key: Key,
    pub want: String,
    url: String,
    body: String,
}

/// All of them.
pub fn requests() -> Vec<Request> {
    let lines = lines(include_str!("requests.csv"), "method,path,since,want,url,body").unwrap();
    let read = |(line, cells): (usize, Result<[String; 6], String>)| {
        let [method, path, since, want, url, body] = cells.unwrap_or_else(|why| panic!("requests.csv, line {line}: {why}"));
        Request { key: (method, path, since), want, url, body }
    };
    lines.into_iter().map(read).collect()
}

impl Request {
    /// One about what is there in a world.
    pub fn new(key: Key, url: &str, body: &str) -> Self {
        Self { key, want: String::new(), url: url.into(), body: body.into() }
    }

    /// The same about another thing.
    pub fn about(&self, from: &str, to: &str) -> Self {
        Self { url: self.url.replacen(from, to, 1), ..self.clone() }
    }

    /// Sends it.
    pub async fn send(&self, world: &World, caller: &Caller<'_>) -> Reply {
        let (method, _, since) = &self.key;
        let url = self.url.replace("{event}", &world.event).replace("{block}", &world.block);
        let request = caller.request(method, &format!("/{since}{url}"));
        let request = match self.body.as_str() {
            "" => request,
            "@file" => {
                let (content_type, body) = multipart(&[], b"the archive");
                request.body(&content_type, body)
            }
            upload if upload.starts_with("@dockerfile ") => {
                request.body("multipart/form-data; boundary=x", DOCKERFILE.replace("NAME", upload.trim_start_matches("@dockerfile ")))
            }
            json if json.starts_with('{') => request.body("application/json", json),
            form => request.body(FORM, form),
        };
        request.send().await
    }

    /// Sends this instead of its body.
    pub async fn send_body(&self, caller: &Caller<'_>, content_type: &str, body: &str) -> Reply {
        let url = format!("/{}{}", self.key.2, self.url);
        match (self.key.0.as_str(), content_type) {
            // Forms of DELETE stand in the address.
            ("DELETE", FORM) => caller.delete(&format!("{url}&{body}")).send().await,
            (method, _) => caller.request(method, &url).body(content_type, body).send().await,
        }
    }
}

/// How clients send fields.
pub const FORM: &str = "application/x-www-form-urlencoded";
const DOCKERFILE: &str = "--x\r\nContent-Disposition: form-data; name=\"name\"\r\n\r\nNAME\r\n\
                          --x\r\nContent-Disposition: form-data; name=\"dockerfile_content\"; filename=\"Dockerfile\"\r\n\r\nFROM tsuru/NAME\r\n--x--\r\n";
