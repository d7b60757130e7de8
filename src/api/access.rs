//! One line in the log for each request, when its answer is over. It names the route, never the path, the query or a header: what they hold
//! is the caller's business.

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Instant,
};

use actix_web::{
    HttpResponse,
    body::{BodySize, BoxBody, MessageBody},
    web::Bytes,
};
use tracing::Span;

/// Routes that machines ask all the time.
const QUIET: [&str; 3] = ["/healthcheck/", "/healthcheck", "/metrics"];

/// A request on its way. Dropped, it writes its line.
pub struct Access {
    /// Its id.
    pub id: Arc<str>,
    /// What is logged for it is in here.
    pub span: Span,
    began: Instant,
    route: &'static str,
    status: Option<u16>,
}

impl Access {
    /// A request begins.
    pub fn begin(id: Arc<str>, method: &str, route: &'static str) -> Self {
        // As loud as can be: the span has to be there for the lines of every level.
        let span = tracing::error_span!("request", request_id = &*id, method, route);
        Self { id, span, began: Instant::now(), route, status: None }
    }

    /// Its answer: the line is written when the answer is over.
    pub fn ends_with(mut self, response: HttpResponse) -> HttpResponse {
        self.status = Some(response.status().as_u16());
        if response.body().size() == BodySize::Stream {
            return response.map_body(|_, body| BoxBody::new(Told { body, access: self }));
        }
        response
    }
}

impl Drop for Access {
    fn drop(&mut self) {
        let duration_ms = self.began.elapsed().as_secs_f64() * 1000.0;
        let status = self.status.unwrap_or_default();
        self.span.in_scope(|| match self.status {
            None => tracing::info!(target: "impaas::access", duration_ms, "hung up"),
            Some(_) if QUIET.contains(&self.route) => tracing::debug!(target: "impaas::access", status, duration_ms, "answered"),
            Some(_) => tracing::info!(target: "impaas::access", status, duration_ms, "answered"),
        });
    }
}

/// The rest of an answer that grows.
struct Told {
    body: BoxBody,
    access: Access,
}

impl MessageBody for Told {
    type Error = <BoxBody as MessageBody>::Error;

    fn size(&self) -> BodySize {
        self.body.size()
    }

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, Self::Error>>> {
        let Self { body, access } = &mut *self;
        access.span.in_scope(|| Pin::new(body).poll_next(cx))
    }
}
