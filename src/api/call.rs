//! One request as handlers see it.

use std::{cell::Cell, sync::Arc};

use actix_web::{HttpRequest, dev::Payload, web::Bytes};
use serde::de::DeserializeOwned;

use super::{
    body,
    extract::{Inputs, Values, decode, decode_json},
};
use crate::{
    app::App,
    auth::Caller,
    config::network::behind_proxies,
    context::Context,
    error::{Error, Result},
    permission,
};

/// A request that found its route and, where the route wants one, came with a valid token.
pub struct Call {
    /// The server.
    pub ctx: Context,
    /// The query.
    pub query: Values,
    /// The route's path, as the table has it.
    pub route: &'static str,
    pub(super) version: Option<String>,
    pub(super) vars: Vec<(&'static str, String)>,
    pub(super) caller: Option<Arc<Caller>>,
    pub(super) app: Cell<Option<Box<App>>>,
    pub(super) token: Option<String>,
    pub(super) request: HttpRequest,
    pub(super) payload: Payload,
    pub(super) body: Option<Bytes>,
}

impl Call {
    /// A variable of the path. Routes only ask for their own, so it is there.
    pub fn var(&self, name: &str) -> &str {
        self.vars.iter().find(|(known, _)| *known == name).map_or("", |(_, value)| value)
    }

    /// The app of the path, as it was found at the door.
    pub async fn app(&self) -> Result<App> {
        match self.app.take() {
            Some(app) => Ok(*app),
            None => App::load(&self.ctx.store, self.var("app")).await,
        }
    }

    /// Who calls.
    pub fn caller(&self) -> Result<&Caller> {
        self.caller.as_deref().ok_or(Error::Unauthenticated)
    }

    /// The token the caller showed.
    pub fn token(&self) -> Option<&str> {
        self.token.as_deref()
    }

    /// 403 unless the caller holds `permission` globally or in one of `contexts`.
    pub fn permit(&self, permission: &str, contexts: &[permission::Context]) -> Result<()> {
        self.caller()?.permit(permission, contexts)
    }

    /// True when the client asks for this version of the API or a later one.
    pub fn is_at_least(&self, major: u32, minor: u32) -> bool {
        let asked = self.version.as_deref().and_then(|version| version.split_once('.'));
        let asked = asked.and_then(|(major, minor)| Some((major.parse().ok()?, minor.parse().ok()?)));
        asked.is_some_and(|asked: (u32, u32)| asked >= (major, minor))
    }

    /// The request's method.
    pub fn method(&self) -> &str {
        self.request.method().as_str()
    }

    /// The query as it was sent.
    pub fn query_text(&self) -> &str {
        self.request.query_string()
    }

    /// A header's text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.request.headers().get(name).and_then(|value| value.to_str().ok())
    }

    /// The caller's address, as proxies that are trusted say.
    pub fn address(&self) -> String {
        let Some(peer) = self.request.peer_addr() else { return String::new() };
        let said: Vec<&str> = self.request.headers().get_all("x-forwarded-for").filter_map(|line| line.to_str().ok()).collect();
        behind_proxies(peer.ip(), said.into_iter(), &self.ctx.config.trusted_proxies).to_string()
    }

    /// The request itself, for WebSockets and multipart bodies.
    pub fn into_http(self) -> (HttpRequest, Payload) {
        (self.request, self.payload)
    }

    /// True when the body is JSON.
    pub fn is_json(&self) -> bool {
        self.media_type() == "application/json"
    }

    /// The `Content-Type` before `;`.
    pub fn media_type(&self) -> String {
        let full = self.header("content-type").unwrap_or_default();
        full.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
    }

    /// The whole body, in memory: for forms and JSON only.
    pub async fn body(&mut self) -> Result<Bytes> {
        if self.body.is_none() {
            self.body = Some(body::read(&mut self.payload).await?);
        }
        Ok(self.body.clone().unwrap_or_default())
    }

    /// Form and query fields together. The form comes first: of a name that is in both, single values are the form's.
    async fn fields(&mut self) -> Result<Values> {
        let mut values = body::form_fields(self).await?;
        values.extend(self.query.clone());
        Ok(values)
    }

    /// The request's fields as a struct: from JSON, or from query and form.
    pub async fn input<T: DeserializeOwned>(&mut self) -> Result<T> {
        if self.is_json() {
            return decode_json(&self.body().await?);
        }
        body::query_is_readable(self)?;
        decode(&self.fields().await?)
    }

    /// The request's single values by their exact names.
    pub async fn inputs(&mut self) -> Result<Inputs> {
        if self.is_json() {
            let body = self.body().await?;
            return Inputs::with_json(self.query.clone(), &body);
        }
        Ok(Inputs::new(self.fields().await?))
    }

    /// Everything that was asked for, as events keep it: fields by name, and where they came in.
    pub(super) async fn asked(&mut self) -> Result<Vec<(String, Vec<String>)>> {
        let mut fields = self.inputs().await?.into_fields();
        let own = self.vars.iter().map(|(name, value)| (format!(":{name}"), vec![value.clone()]));
        fields.extend(own);
        fields.extend(self.version.iter().map(|version| (":version".to_owned(), vec![version.clone()])));
        fields.push((":mux-path-template".into(), vec![self.route.to_owned()]));
        Ok(fields)
    }
}
