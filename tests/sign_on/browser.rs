//! A person with a browser.

use std::collections::BTreeMap;

use regex::Regex;
use reqwest::{Client, Response, Url, header::SET_COOKIE, redirect::Policy};

use super::provider::CALLBACK;

const STEPS: usize = 20;

/// Follows an authorization request through the provider's forms; gives the code that the client is sent.
pub async fn code(url: &str, login: &str) -> String {
    let back = sign_on(url, login).await;
    let code = back.query_pairs().find(|(name, _)| name == "code");
    code.unwrap_or_else(|| panic!("no code in {back}")).1.into_owned()
}

async fn sign_on(url: &str, login: &str) -> Url {
    let client = Client::builder().redirect(Policy::none()).build().unwrap();
    let mut cookies = BTreeMap::new();
    let (mut url, mut form) = (Url::parse(url).unwrap(), None::<BTreeMap<String, String>>);
    for _ in 0..STEPS {
        let request = match &form {
            Some(form) => client.post(url.clone()).form(form),
            None => client.get(url.clone()),
        };
        let worn: Vec<String> = cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let answer = request.header("Cookie", worn.join("; ")).send().await.unwrap();
        keep(&answer, &mut cookies);
        if let Some(to) = answer.headers().get("location") {
            (url, form) = (url.join(to.to_str().unwrap()).unwrap(), None);
            if url.as_str().starts_with(CALLBACK) {
                return url;
            }
            continue;
        }
        let page = answer.text().await.unwrap();
        (url, form) = fill(&url, &page, login);
    }
    panic!("the provider asks for ever");
}

fn keep(answer: &Response, cookies: &mut BTreeMap<String, String>) {
    for cookie in answer.headers().get_all(SET_COOKIE) {
        let (name, rest) = cookie.to_str().unwrap().split_once('=').unwrap();
        let value = rest.split(';').next().unwrap();
        cookies.insert(name.into(), value.into());
    }
}

/// The first form of the page, filled in.
fn fill(at: &Url, page: &str, login: &str) -> (Url, Option<BTreeMap<String, String>>) {
    let action = Regex::new(r#"<form[^>]*action="([^"]+)""#).unwrap();
    let hidden = Regex::new(r#"type="hidden" name="(\w+)" value="(\w+)""#).unwrap();
    let to = action.captures(page).unwrap_or_else(|| panic!("no form at {at}: {page}"))[1].replace("&amp;", "&");
    let mut fields: BTreeMap<String, String> = hidden.captures_iter(page).map(|c| (c[1].into(), c[2].into())).collect();
    if fields.get("prompt").is_some_and(|prompt| prompt == "login") {
        fields.insert("login".into(), login.into());
        fields.insert("password".into(), "anything".into());
    }
    (at.join(&to).unwrap(), Some(fields))
}
