//! From a request to its handler: finds the route, asks who calls, and gives every answer its common headers.

use std::{sync::Arc, time::Instant};

use actix_web::{
    HttpRequest, HttpResponse,
    dev::Payload,
    http::{StatusCode, header::HeaderValue},
    web,
};

use super::{
    Call, error,
    extract::{Values, percent_decode},
    route::{Door, Match, Router},
};
use crate::{
    app::App,
    auth::token,
    context::Context,
    error::{Error, Result},
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
    let path = percent_decode(request.path());
    let began = Instant::now();
    let Some(found) = router.find(request.method().as_str(), &path) else {
        ctx.metrics.request("any", "none", StatusCode::NOT_FOUND.as_u16(), began.elapsed());
        return not_found();
    };
    let (context, route) = (Context::clone(&ctx), found.route);
    let mut response = match answer(context, found, request, payload.into_inner()).await {
        Ok(response) => response,
        Err(e) => error::response(&e),
    };
    ctx.metrics.request(route.method, route.path, response.status().as_u16(), began.elapsed());
    response.headers_mut().insert(header_name(), HeaderValue::from_static(SUPPORTED_CLIENT));
    response
}

fn header_name() -> actix_web::http::header::HeaderName {
    actix_web::http::header::HeaderName::from_static("supported-tsuru")
}

fn not_found() -> HttpResponse {
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
