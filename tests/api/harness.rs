//! A server in one line, and people who call it.
//!
//! ```ignore
//! let server = Server::new().await;
//! let admin = server.admin().await;
//! admin.post("/1.0/teams").json(&json!({"name": "a-team"})).send().await.ok(201);
//! ```

use std::sync::Arc;

use actix_web::{App, body::MessageBody, dev::ServiceResponse, http::StatusCode, test, web};
use impaas::{
    api::{dispatch::dispatch, extract::percent_decode, route::Router, routes},
    auth::session,
    config::{Config, File, Overrides},
    context::Context,
    first_start,
    permission::{ContextType, Role, role::RoleInstance},
    provisioner::{DynProvisioner, absent::Absent},
    quota::Quota,
    secret::Secret,
    server,
    store::{Backend, Filter, Key, Sealer, Store, Update, sqlite::Sqlite},
    user::User,
};
use serde::Serialize;

use super::double;
use crate::contract::{
    cases::{asserted, key},
    table::{self, matches},
};

/// A server with a first start behind it: the admin, pool `local`, team `demo`, the plans, the roles.
pub struct Server {
    pub ctx: Context,
    router: Arc<Router>,
    _dir: tempfile::TempDir,
}

impl Server {
    /// With no provisioner.
    pub async fn new() -> Self {
        Self::with(Arc::new(Absent)).await
    }

    /// With this provisioner.
    pub async fn with(provisioner: DynProvisioner) -> Self {
        Self::with_settings(provisioner, "").await
    }

    /// With this provisioner and these settings, as in a file.
    pub async fn with_settings(provisioner: DynProvisioner, settings: &str) -> Self {
        Self::over(Arc::new(Sqlite::in_memory().unwrap()), provisioner, settings).await
    }

    /// With its documents here.
    pub async fn over(documents: Arc<dyn Backend>, provisioner: DynProvisioner, settings: &str) -> Self {
        let store = Store::new(documents, Sealer::new(Key::random()));
        server::ensure_collections(&store).await.unwrap();
        Self::made_of(provisioner, settings, store).await
    }

    /// With this store, which may be that of another server too.
    pub async fn on(store: Store) -> Self {
        Self::made_of(Arc::new(Absent), "", store).await
    }

    async fn made_of(provisioner: DynProvisioner, settings: &str, store: Store) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let flags = Overrides { data_dir: Some(dir.path().into()), ..Overrides::default() };
        let config = Config::load(&File::parse(settings).unwrap(), flags).unwrap();
        let ctx = Context::new(config, store, provisioner, tokio::runtime::Handle::current());
        first_start::prepare(&ctx).await.unwrap();
        Self { ctx, router: Arc::new(Router::new(routes::table())), _dir: dir }
    }

    /// As `impaasd root user create` leaves a server: with a root user and the plans, and nothing else.
    pub async fn with_root(documents: Arc<dyn Backend>, provisioner: DynProvisioner, settings: &str, password: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let flags = Overrides { data_dir: Some(dir.path().into()), ..Overrides::default() };
        let config = Config::load(&File::parse(settings).unwrap(), flags).unwrap();
        let store = Store::new(documents, Sealer::new(Key::random()));
        std::fs::create_dir_all(config.uploads()).unwrap();
        server::ensure_collections(&store).await.unwrap();
        first_start::root_user(&store, first_start::ADMIN, Secret::new(password)).await.unwrap();
        let ctx = Context::new(config, store, provisioner, tokio::runtime::Handle::current());
        first_start::prepare(&ctx).await.unwrap();
        Self { ctx, router: Arc::new(Router::new(routes::table())), _dir: dir }
    }

    /// The admin of the first start.
    pub async fn admin(&self) -> Caller<'_> {
        self.session(first_start::ADMIN).await
    }

    /// A new user with these permissions in this context (a role made for them).
    pub async fn user_with(&self, email: &str, kind: ContextType, value: &str, permissions: &[&str]) -> Caller<'_> {
        let role = Role {
            name: format!("role-of-{}", email.split('@').next().unwrap()),
            context_type: kind,
            description: String::new(),
            scheme_names: permissions.iter().map(ToString::to_string).collect(),
            dynamic_scheme_names: vec![],
            events: vec![],
            renamed_from: None,
        };
        self.ctx.store.of::<Role>().insert(&role).await.unwrap();
        let caller = self.user(email).await;
        let held = RoleInstance { name: role.name, context_value: value.into() };
        self.ctx.store.of::<User>().update(Filter::eq("email", email), Update::add_to_set("roles", held)).await.unwrap();
        caller
    }

    /// A new user without roles.
    pub async fn user(&self, email: &str) -> Caller<'_> {
        self.ctx.store.of::<User>().insert(&User::new(email, String::new(), Quota::unlimited())).await.unwrap();
        self.session(email).await
    }

    /// Somebody without token.
    pub fn nobody(&self) -> Caller<'_> {
        Caller { server: self, token: None }
    }

    /// Somebody with this token.
    pub fn with_token(&self, token: &str) -> Caller<'_> {
        Caller { server: self, token: Some(token.into()) }
    }

    /// Its address, once it listens on a socket too.
    pub async fn listen(&self) -> std::net::SocketAddr {
        let (ctx, router) = (web::Data::new(self.ctx.clone()), web::Data::new(self.router.clone()));
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        double::run(listener, move |app| {
            app.app_data(ctx.clone()).app_data(router.clone()).default_service(web::to(dispatch));
        });
        address
    }

    async fn session(&self, email: &str) -> Caller<'_> {
        let token = session::open(&self.ctx.store, email, 7).await.unwrap();
        self.with_token(token.expose())
    }
}

/// Somebody who calls.
pub struct Caller<'a> {
    server: &'a Server,
    pub token: Option<String>,
}

impl<'a> Caller<'a> {
    pub fn get(&self, path: &str) -> Request<'a> {
        self.request("GET", path)
    }

    pub fn post(&self, path: &str) -> Request<'a> {
        self.request("POST", path)
    }

    pub fn put(&self, path: &str) -> Request<'a> {
        self.request("PUT", path)
    }

    pub fn delete(&self, path: &str) -> Request<'a> {
        self.request("DELETE", path)
    }

    pub fn request(&self, method: &str, path: &str) -> Request<'a> {
        let route = self.server.router.find(method, &percent_decode(path.split('?').next().unwrap())).map(|found| key(found.route));
        let mut request = test::TestRequest::with_uri(path).method(method.parse().unwrap());
        if let Some(token) = &self.token {
            request = request.insert_header(("Authorization", format!("bearer {token}")));
        }
        Request { server: self.server, request, route }
    }
}

/// A request being made.
pub struct Request<'a> {
    server: &'a Server,
    request: test::TestRequest,
    route: Option<table::Key>,
}

impl Request<'_> {
    pub fn header(mut self, name: &'static str, value: &str) -> Self {
        self.request = self.request.insert_header((name, value.to_owned()));
        self
    }

    pub fn json(mut self, body: &impl Serialize) -> Self {
        self.request = self.request.set_json(body);
        self
    }

    pub fn form(mut self, fields: &[(&str, &str)]) -> Self {
        self.request = self.request.set_form(fields);
        self
    }

    pub fn body(mut self, content_type: &str, body: impl Into<Vec<u8>>) -> Self {
        self.request = self.request.insert_header(("Content-Type", content_type.to_owned())).set_payload(body.into());
        self
    }

    /// From this address.
    pub fn from(mut self, address: &str) -> Self {
        self.request = self.request.peer_addr(address.parse().unwrap());
        self
    }

    /// A body that says nothing of its type.
    pub fn raw(mut self, body: Vec<u8>) -> Self {
        self.request = self.request.set_payload(body);
        self
    }

    pub async fn send(self) -> Reply {
        let app = App::new()
            .app_data(web::Data::new(self.server.ctx.clone()))
            .app_data(web::Data::new(self.server.router.clone()))
            .default_service(web::to(dispatch));
        let app = test::init_service(app).await;
        let reply = Reply::of(test::call_service(&app, self.request.to_request()).await).await;
        Reply { route: self.route, ..reply }
    }
}

/// What came back.
#[derive(Debug)]
pub struct Reply {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub text: String,
    route: Option<table::Key>,
}

impl Reply {
    async fn of<B: MessageBody>(response: ServiceResponse<B>) -> Self {
        let status: StatusCode = response.status();
        let headers = response.headers().iter().map(|(n, v)| (n.to_string(), v.to_str().unwrap().to_owned())).collect();
        let body = test::read_body(response).await;
        Self { status: status.as_u16(), headers, text: String::from_utf8_lossy(&body).into_owned(), route: None }
    }

    /// Fails unless the status is this.
    #[track_caller]
    pub fn ok(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{}", self.text);
        if !self.broke_off() {
            asserted(self.route.as_ref(), status, None, None);
        }
        self
    }

    /// True for a stream that ends with an error, whatever its status.
    fn broke_off(&self) -> bool {
        let stream = self.header("content-type").is_some_and(|kind| kind == "application/x-json-stream" || kind == "text");
        stream && (self.text.contains("---- ERROR during") || self.text.contains("\"Error\":\""))
    }

    /// Fails unless the status is this and the text holds these words, in a stream as well.
    #[track_caller]
    pub fn says(self, status: u16, words: &str) -> Self {
        let escaped = serde_json::to_string(words).unwrap();
        assert!(self.status == status && (self.text.contains(words) || self.text.contains(escaped.trim_matches('"'))), "{self:?}");
        asserted(self.route.as_ref(), status, Some(words), None);
        self
    }

    /// Fails unless this is the refusal of a caller who has everything that is asked for but this permission.
    #[track_caller]
    pub fn wants(self, permission: &str, text: &str) -> Self {
        assert_eq!((self.status, self.text.trim_end()), (403, text), "{permission}: {:?}", self.route);
        asserted(self.route.as_ref(), 403, Some(text), Some(permission));
        self
    }

    /// Fails unless status and text are these; `<anything>` in the text stands for any text.
    #[track_caller]
    pub fn fails_like(self, status: u16, pattern: &str) -> Self {
        let fits = self.status == status && matches(pattern, self.text.trim_end());
        assert!(fits, "{status} {pattern}\n{} {} {:?}", self.status, self.text, self.route);
        asserted(self.route.as_ref(), status, Some(pattern), None);
        self
    }

    /// Fails unless status and text are these.
    #[track_caller]
    pub fn fails(self, status: u16, text: &str) -> Self {
        assert_eq!((self.status, self.text.trim_end()), (status, text), "{:?}", self.route);
        asserted(self.route.as_ref(), status, Some(text), None);
        self
    }

    #[track_caller]
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.text).unwrap_or_else(|e| panic!("{e}: {}", self.text))
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }
}
