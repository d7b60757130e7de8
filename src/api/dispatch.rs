//! From a request to its handler: finds the route, asks who calls, and gives every answer its common headers.

use std::{sync::Arc, time::Instant};

use actix_web::{
    HttpRequest, HttpResponse,
    dev::Payload,
    http::{
        ConnectionType,
        header::{HeaderName, HeaderValue},
    },
    web,
};

use super::{
    Call,
    access::Access,
    error,
    extract::{Values, percent_decode},
    route::{Door, Match, Router},
};
use crate::{
    app::App,
    auth::token,
    context::Context,
    error::{Error, Result},
    request_id,
};

/// The oldest client that works.
const SUPPORTED_CLIENT: &str = "1.0.1";

/// The default service of the HTTP server: all requests come through here.
pub async fn dispatch(
    request: HttpRequest,
    payload: web::Payload,
    ctx: web::Data<Context>,
    router: web::Data<Arc<Router>>,
) -> HttpResponse {
    let (running, began) = (ctx.metrics.http.running(), Instant::now());
    let path = percent_decode(request.path());
    let found = router.find(request.method().as_str(), &path);
    let (method, route) = found.as_ref().map_or(("any", "none"), |found| (found.route.method, found.route.path));
    let id_header = ctx.config.request_id_header.as_deref();
    let id = request_id::take(id_header.and_then(|name| request.headers().get(name)?.to_str().ok()));
    let access = Access::begin(id.clone(), method, route);
    let answered = answered(Context::clone(&ctx), found, request, payload.into_inner());
    let mut response = Box::pin(request_id::within(id.clone(), access.span.clone(), answered)).await;
    running.answered(method, route, response.status().as_u16(), began.elapsed());
    if let Some((name, value)) = id_header.and_then(|name| Some((name.parse::<HeaderName>().ok()?, id.parse::<HeaderValue>().ok()?))) {
        response.headers_mut().insert(name, value);
    }
    if ctx.leaving.is_cancelled() {
        response.head_mut().set_connection_type(ConnectionType::Close);
    }
    access.ends_with(response)
}

async fn answered(ctx: Context, found: Option<Match<'_>>, request: HttpRequest, payload: Payload) -> HttpResponse {
    let Some(found) = found else { return not_found() };
    let mut response = answer(ctx, found, request, payload).await.unwrap_or_else(|e| error::response(&e));
    response.headers_mut().insert(HeaderName::from_static("supported-tsuru"), HeaderValue::from_static(SUPPORTED_CLIENT));
    response
}

/// What Go's server says of a path that it does not know.
pub fn not_found() -> HttpResponse {
    HttpResponse::NotFound()
        .content_type("text/plain; charset=utf-8")
        .insert_header(("X-Content-Type-Options", "nosniff"))
        .body("404 page not found\n")
}

async fn answer(ctx: Context, found: Match<'_>, request: HttpRequest, payload: Payload) -> Result<HttpResponse> {
    let token = request.headers().get("authorization").and_then(|v| v.to_str().ok()).and_then(token::from_header).map(str::to_owned);
    let caller = match &token {
        Some(token) => ctx.callers.identify(&ctx, token).await?,
        None => None,
    };
    if found.route.door == Door::Token && caller.is_none() {
        return Err(Error::Unauthenticated);
    }
    let query = Values::parse_lossy(request.query_string());
    let app = if caller.is_some() { named_app(&ctx, &found).await? } else { None };
    let Match { route, version, vars } = found;
    let call = Call { ctx, query, route: route.path, version, vars, caller, app: app.into(), token, request, payload, body: None };
    (route.handler)(call).await
}

/// Routes about an app answer 404 for an unknown one before anything else.
async fn named_app(ctx: &Context, found: &Match<'_>) -> Result<Option<Box<App>>> {
    let Some((_, name)) = found.vars.iter().find(|(var, _)| *var == "app") else { return Ok(None) };
    App::load(&ctx.store, name).await.map(Box::new).map(Some)
}
