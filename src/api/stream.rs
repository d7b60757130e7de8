//! Answers that grow: progress goes to the client line by line while the work runs on without it if it hangs up.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use actix_web::{
    HttpResponse,
    web::{Bytes, BytesMut},
};
use futures_util::stream;
use serde_json::json;
use tokio::sync::mpsc;

use super::{Answer, error};
use crate::{
    clock::stream_timestamp,
    context::Context,
    error::{Error, Result},
    event::Locked,
    output::{Output, Sink},
    request_id,
    store::patient,
};

/// Silence after which a sign of life is sent.
const KEEP_ALIVE: Duration = Duration::from_secs(30);
/// A client that is so many bytes behind is left alone.
const MOST_BEHIND: usize = 16 << 20;

/// How lines look on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// `application/x-json-stream`: one object a line.
    Json,
    /// Plain text that ends with this when all went well.
    Text(&'static str),
}

impl Format {
    fn content_type(self) -> &'static str {
        match self {
            Self::Json => "application/x-json-stream",
            Self::Text(_) => "text",
        }
    }

    fn message(self, text: &str) -> Bytes {
        match self {
            Self::Json => line(&json!({ "Message": text, "Timestamp": stream_timestamp() })),
            Self::Text(_) => Bytes::copy_from_slice(text.as_bytes()),
        }
    }

    fn failure(self, e: &Error) -> Bytes {
        let text = error::message(e);
        match self {
            Self::Json => line(&json!({ "Message": "", "Timestamp": stream_timestamp(), "Error": text })),
            Self::Text(_) => Bytes::from(format!("{text}\n")),
        }
    }

    fn keep_alive(self) -> Bytes {
        match self {
            Self::Json => Bytes::from_static(b"\n"),
            Self::Text(_) => Bytes::from_static(b"please wait...\n"),
        }
    }
}

fn line(value: &serde_json::Value) -> Bytes {
    Bytes::from(format!("{value}\n"))
}

struct Client {
    format: Format,
    to: mpsc::UnboundedSender<Bytes>,
    behind: Arc<AtomicUsize>,
}

impl Client {
    fn send(&self, bytes: Bytes) {
        let behind = self.behind.fetch_add(bytes.len(), Ordering::Relaxed);
        if behind < MOST_BEHIND {
            // An error means that the client hung up; the work goes on.
            self.to.send(bytes).ok();
        }
    }
}

impl Sink for Client {
    fn write(&self, text: &str) {
        self.send(self.format.message(text));
    }
}

/// Does `work` on a locked thing in the background, ends its event with the outcome, and streams what it says. An error before the first
/// word is an ordinary error answer.
pub async fn run<T, W, F>(ctx: &Context, thing: Locked<T>, format: Format, work: W) -> Answer
where
    T: Send + Sync + 'static,
    W: FnOnce(Context, Locked<T>, Output) -> F + Send + 'static,
    F: Future<Output = (Locked<T>, Result<()>)> + Send + 'static,
{
    let event = thing.event().id();
    let log = thing.event().output();
    let context = ctx.clone();
    // What has begun is seen through, also when the store is away for a while.
    let answer = spawn(ctx, format, move |client| {
        patient(async move {
            let (thing, outcome) = work(context, thing, log.and(client)).await;
            thing.end(outcome).await
        })
    })
    .await?;
    Ok(with_event_id(answer, format, &event))
}

/// Streams what `work` says, without an event.
pub async fn plain<W, F>(ctx: &Context, format: Format, work: W) -> Answer
where
    W: FnOnce(Output) -> F + Send + 'static,
    F: Future<Output = Result<()>> + Send + 'static,
{
    spawn(ctx, format, move |client| work(Output::to(client))).await
}

fn with_event_id(mut answer: HttpResponse, format: Format, event: &str) -> HttpResponse {
    // The contract: only deploys tell the event's id, and they are the ones that stream text.
    if let (Format::Text(_), Ok(value)) = (format, event.parse()) {
        answer.headers_mut().insert(actix_web::http::header::HeaderName::from_static("x-tsuru-eventid"), value);
    }
    answer
}

async fn spawn<W, F>(ctx: &Context, format: Format, work: W) -> Answer
where
    W: FnOnce(Arc<dyn Sink>) -> F + Send + 'static,
    F: Future<Output = Result<()>> + Send + 'static,
{
    let (to, mut from) = mpsc::unbounded_channel();
    let behind = Arc::new(AtomicUsize::new(0));
    let client = Arc::new(Client { format, to, behind: behind.clone() });
    let sink: Arc<dyn Sink> = client.clone();
    let mut done = ctx.runtime.spawn(request_id::carried(work(sink)));
    let first = tokio::select! {
        biased;
        first = from.recv() => first,
        outcome = &mut done => {
            // Nothing, or everything, was said before the end.
            drop(client);
            let said = drain(&mut from);
            return finished(outcome, said, format);
        }
    };
    let (to, ended) = (client, done);
    ctx.runtime.spawn(request_id::carried(async move {
        match ended.await {
            Ok(Ok(())) => {
                if let Format::Text(ending) = format {
                    to.send(Bytes::from_static(ending.as_bytes()));
                }
            }
            Ok(Err(e)) => to.send(format.failure(&e)),
            Err(e) => to.send(format.failure(&Error::internal(e))),
        }
    }));
    Ok(HttpResponse::Ok().content_type(format.content_type()).streaming(chunks(first, from, behind, format)))
}

fn drain(from: &mut mpsc::UnboundedReceiver<Bytes>) -> BytesMut {
    let mut said = BytesMut::new();
    while let Ok(bytes) = from.try_recv() {
        said.extend_from_slice(&bytes);
    }
    said
}

fn finished(outcome: std::result::Result<Result<()>, tokio::task::JoinError>, mut said: BytesMut, format: Format) -> Answer {
    let outcome = outcome.map_err(Error::internal).and_then(|outcome| outcome);
    match outcome {
        Ok(()) => {
            if let Format::Text(ending) = format {
                said.extend_from_slice(ending.as_bytes());
            }
        }
        Err(e) if said.is_empty() => return Err(e),
        Err(e) => said.extend_from_slice(&format.failure(&e)),
    }
    Ok(HttpResponse::Ok().content_type(format.content_type()).body(said.freeze()))
}

type Chunk = std::result::Result<Bytes, std::convert::Infallible>;

fn chunks(
    first: Option<Bytes>,
    from: mpsc::UnboundedReceiver<Bytes>,
    behind: Arc<AtomicUsize>,
    format: Format,
) -> impl futures_util::Stream<Item = Chunk> {
    stream::unfold((first, from), move |(first, mut from)| {
        let behind = behind.clone();
        async move {
            let next = match first {
                Some(first) => Some(first),
                None => tokio::time::timeout(KEEP_ALIVE, from.recv()).await.unwrap_or_else(|_| Some(format.keep_alive())),
            }?;
            behind.fetch_sub(next.len().min(behind.load(Ordering::Relaxed)), Ordering::Relaxed);
            Some((Ok(next), (None, from)))
        }
    })
}
