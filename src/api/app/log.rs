//! Logs of an app.

use std::{convert::Infallible, pin::Pin, time::Duration};

use actix_web::{HttpResponse, web::Bytes};
use futures_util::{Stream, StreamExt, stream, stream::BoxStream};
use serde::Serialize;
use tokio::time::{Instant, sleep_until, timeout, timeout_at};

use crate::{
    api::{
        Answer, Call,
        answer::ok,
        extract::go::{parse_bool, parse_int},
    },
    app::rollout::provisioner,
    clock::Time,
    error::{Error, Result},
    event::Subject,
    provisioner::{LogLine, LogQuery},
};

/// Live lines are collected for so long.
const FLUSH: Duration = Duration::from_millis(500);
/// The first of them may take so long, each further one so long.
const FIRST: Duration = Duration::from_millis(150);
const GAP: Duration = Duration::from_millis(20);
/// Silence after which a sign of life is sent.
const KEEP_ALIVE: Duration = Duration::from_secs(30);
/// Lines in one array at most.
const MOST: usize = 1000;

/// `GET /apps/{app}/log` and `/log-instance`.
pub async fn get(call: Call) -> Answer {
    let query = query(&call)?;
    let app = call.app().await?;
    call.permit("app.read.log", &app.contexts())?;
    let follow = query.follow;
    let lines = provisioner(&call.ctx, &app).await?.logs(query).await?;
    answer(("app", app.name.clone()), lines, follow)
}

/// Lines of an app or a job.
pub fn answer(of: (&'static str, String), lines: BoxStream<'static, LogLine>, follow: bool) -> Answer {
    let body = arrays(of, lines, follow).map(Ok::<_, Infallible>);
    Ok(HttpResponse::Ok().content_type("application/x-json-stream").streaming(body))
}

fn query(call: &Call) -> Result<LogQuery> {
    let text = |name: &str| call.query.get(name).filter(|value| !value.is_empty());
    let flag = |name: &str| text(name).and_then(parse_bool).unwrap_or_default();
    let lines = text("lines").ok_or_else(|| Error::invalid("Parameter \"lines\" is mandatory."))?;
    let lines = parse_int(lines).ok_or_else(|| Error::invalid("Parameter \"lines\" must be an integer."))?;
    Ok(LogQuery {
        app: call.var("app").into(),
        lines: usize::try_from(lines).unwrap_or_default(),
        source: text("source").map(str::to_owned),
        invert_source: flag("invert-source"),
        units: call.query.all("unit").map(str::to_owned).collect(),
        follow: flag("follow"),
    })
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Line<'a> {
    date: String,
    message: &'a str,
    source: &'a str,
    name: &'a str,
    r#type: &'static str,
    unit: &'a str,
}

fn array((kind, name): &(&'static str, String), lines: &[LogLine]) -> Bytes {
    let shown = lines.iter().map(|line| Line {
        date: line.date.rfc3339(),
        message: &line.message,
        source: &line.source,
        name,
        r#type: if matches!(line.unit.as_str(), "" | "api") { "" } else { kind },
        unit: &line.unit,
    });
    let mut text = serde_json::to_string(&shown.collect::<Vec<_>>()).unwrap_or_default();
    text.push('\n');
    text.into()
}

/// The history as arrays, at least one, then what follows. Ends with the lines, or when the client leaves.
fn arrays(of: (&'static str, String), lines: BoxStream<'static, LogLine>, follow: bool) -> impl Stream<Item = Bytes> {
    let start = Following { of, lines: lines.peekable(), follow, last: None, over: false };
    stream::unfold(start, |mut following| async move {
        let next = following.next().await?;
        Some((next, following))
    })
}

struct Following {
    of: (&'static str, String),
    lines: stream::Peekable<BoxStream<'static, LogLine>>,
    follow: bool,
    last: Option<Instant>,
    over: bool,
}

impl Following {
    async fn next(&mut self) -> Option<Bytes> {
        if self.over {
            return None;
        }
        if let Some(last) = self.last {
            match timeout(KEEP_ALIVE, Pin::new(&mut self.lines).peek()).await {
                Err(_) if self.follow => return Some(Bytes::from_static(b"\n")),
                Ok(None) | Err(_) => return None,
                Ok(Some(_)) if self.follow => sleep_until(last + FLUSH).await,
                Ok(Some(_)) => {}
            }
        }
        let batch = self.batch().await;
        self.last = Some(Instant::now());
        Some(array(&self.of, &batch))
    }

    /// What is there by now; without following, what there is at all.
    async fn batch(&mut self) -> Vec<LogLine> {
        let (mut batch, end) = (Vec::new(), Instant::now() + FLUSH);
        while batch.len() < MOST {
            let pause = if batch.is_empty() { FIRST } else { GAP };
            let next = self.lines.next();
            let line = if self.follow { timeout_at(end.min(Instant::now() + pause), next).await } else { Ok(next.await) };
            match line {
                Ok(Some(line)) => batch.push(line),
                Ok(None) => {
                    self.over = true;
                    break;
                }
                Err(_) => break,
            }
        }
        batch
    }
}

/// `POST /apps/{app}/log`.
pub async fn add(mut call: Call) -> Answer {
    let app = call.app().await?;
    call.permit("app.update.log", &app.contexts())?;
    let inputs = call.inputs().await?;
    let source = Some(inputs.text("source")).filter(|source| !source.is_empty()).unwrap_or("app");
    let provisioner = provisioner(&call.ctx, &app).await?;
    for message in inputs.all("message") {
        let line = LogLine { date: Time::now(), message: message.into(), source: source.into(), unit: inputs.text("unit").into() };
        provisioner.log(&app.name, line).await?;
    }
    ok()
}
