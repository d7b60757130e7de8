//! Requests that a broker answers: `/services/{service}/proxy/{instance}`, `/services/{service}/resources/{instance}/...`,
//! `/services/proxy/service/{service}`, `/services/{service}/authenticated-resources/...`

use actix_web::{HttpResponse, http::StatusCode};
use reqwest::{
    Method,
    header::{HeaderMap, HeaderName, HeaderValue},
};

use crate::{
    api::{
        Answer, Call,
        record::{New, Recording},
    },
    error::{Error, Result},
    event::Subject,
    service::{
        Instance, Service,
        broker::{Asker, Broker, Proxied},
        proxy::{self, Asked},
    },
};

/// Headers that are between two neighbours, or that say who the caller is.
const KEPT: [&str; 16] = [
    "authorization",
    "connection",
    "content-length",
    "cookie",
    "expect",
    "forwarded",
    "host",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "x-forwarded-for",
];
/// What a broker may not say in this server's name.
const NOT_BACK: [&str; 3] = ["set-cookie", "supported-tsuru", "strict-transport-security"];

/// By the query's `callback`.
pub async fn instance(call: Call) -> Answer {
    let path = call.query.get("callback").unwrap_or_default().to_owned();
    of_instance(call, &path).await
}

/// By the path below the instance.
pub async fn resources(call: Call) -> Answer {
    let path = format!("/resources/{}/{}", call.var("instance"), call.var("path"));
    of_instance(call, &path).await
}

/// Anything of a broker, for those who run the service.
pub async fn service(mut call: Call) -> Answer {
    let service = Service::load(&call.ctx.store, call.var("service")).await?;
    call.permit("service.update.proxy", &service.contexts())?;
    let asked = proxy::of_service(call.query.get("callback").unwrap_or_default())?;
    if method(&call)? == Method::GET {
        let asker = reader(&call)?;
        return pass(&mut call, &service, "", asked, &asker).await;
    }
    let locked = call.record("service.update.proxy", service).await?;
    let passed = pass(&mut call, &locked, "", asked, &Asker::of(locked.event())).await;
    locked.end(passed).await
}

/// What a broker offers to everybody with a token; it is told who asks. Nobody can hold up the service by it.
pub async fn authenticated(mut call: Call) -> Answer {
    let service = Service::load(&call.ctx.store, call.var("service")).await?;
    let mut asked = proxy::of_service(call.var("path"))?;
    asked.path.insert(0, "authenticated-resources".into());
    if method(&call)? == Method::GET {
        let asker = reader(&call)?;
        return pass(&mut call, &service, "", asked, &asker).await;
    }
    let new = New { target: service.target(), events_permission: service.events_permission(), contexts: service.contexts() };
    let event = call.record_new(Recording::of("service.update.proxy").without_lock(), new).await?;
    let passed = pass(&mut call, &service, "", asked, &Asker::of(event.event())).await;
    event.end(passed).await
}

async fn of_instance(mut call: Call, path: &str) -> Answer {
    let (service, instance) = both(&call).await?;
    // Where a path leads out of the instance, there is nothing to be permitted.
    let asked = proxy::of_instance(&instance, &method(&call)?, path);
    let below = asked.as_ref().map(Asked::below).unwrap_or_default();
    let kind = service.authorize(call.caller()?, call.method(), &below, &instance.contexts())?;
    if method(&call)? == Method::GET {
        let asker = reader(&call)?;
        return pass(&mut call, &service, &instance.pool, asked?, &asker).await;
    }
    let new = New { target: instance.target(), events_permission: instance.events_permission(), contexts: instance.contexts() };
    let event = call.record_new(Recording::of("service-instance.update.proxy").as_kind(kind), new).await?;
    let passed = async {
        let (service, instance) = both(&call).await?;
        service.authorize(call.caller()?, call.method(), &below, &instance.contexts())?;
        pass(&mut call, &service, &instance.pool, asked?, &Asker::of(event.event())).await
    };
    let passed = passed.await;
    event.end(passed).await
}

async fn both(call: &Call) -> Result<(Service, Instance)> {
    let instance = Instance::load(&call.ctx.store, call.var("service"), call.var("instance")).await?;
    Ok((Service::load(&call.ctx.store, call.var("service")).await?, instance))
}

fn reader(call: &Call) -> Result<Asker> {
    Ok(Asker { user: call.caller()?.email.clone(), event: String::new() })
}

fn method(call: &Call) -> Result<Method> {
    call.method().parse().map_err(Error::internal)
}

async fn pass(call: &mut Call, service: &Service, pool: &str, asked: Asked, asker: &Asker) -> Answer {
    let query = [asked.query, own_query(call)].into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("&");
    let body = call.body().await?.to_vec();
    let request = Proxied { method: method(call)?, path: asked.path, query, headers: headers(call), body };
    let ctx = call.ctx.clone();
    let reply = Broker::in_pool(&ctx, service, pool).await?.pass(request, asker).await?;
    let status = StatusCode::from_u16(reply.status().as_u16()).map_err(Error::internal)?;
    let mut answer = HttpResponse::build(status);
    for (name, value) in reply.headers().iter().filter(|(name, _)| may_return(name.as_str())) {
        answer.append_header((name.as_str(), value.as_bytes()));
    }
    // What a broker sends is shown under this server's own address: it must not act there.
    answer.insert_header(("Content-Security-Policy", "sandbox")).insert_header(("X-Content-Type-Options", "nosniff"));
    Ok(answer.streaming(reply.bytes_stream()))
}

/// The caller's query without `callback`.
fn own_query(call: &Call) -> String {
    let mut url = reqwest::Url::parse("query:").ok();
    let Some(url) = &mut url else { return String::new() };
    url.query_pairs_mut().extend_pairs(call.query.iter().filter(|(name, _)| *name != "callback"));
    url.query().unwrap_or_default().into()
}

fn headers(call: &Call) -> HeaderMap {
    let mut headers = HeaderMap::new();
    let passing = call.request.headers().iter().filter(|(name, _)| {
        let name = name.as_str();
        !KEPT.contains(&name) && !name.starts_with("x-tsuru-")
    });
    for (name, value) in passing {
        if let (Ok(name), Ok(value)) = (HeaderName::try_from(name.as_str()), HeaderValue::from_bytes(value.as_bytes())) {
            headers.append(name, value);
        }
    }
    if let Ok(address) = HeaderValue::try_from(call.address()) {
        headers.insert("x-forwarded-for", address);
    }
    headers
}

fn may_return(name: &str) -> bool {
    !KEPT.contains(&name) && !NOT_BACK.contains(&name) && !name.starts_with("access-control-")
}
