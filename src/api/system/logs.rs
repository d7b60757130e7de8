//! `GET /logs`: lines for the logs of apps, over a WebSocket.

use std::time::Duration;

use actix_http::ws::{Codec, Frame, Item};
use actix_web::{FromRequest, dev::Payload, web, web::BytesMut};
use actix_ws::{CloseCode, Session};
use futures_util::StreamExt;
use serde::Deserialize;
use tokio::time::timeout;
use tokio_util::codec::Decoder;

use crate::{
    api::{Answer, Call, error},
    app::{App, rollout},
    auth::Caller,
    clock::Time,
    context::Context,
    error::{Error, Result},
    event::Subject,
    provisioner::LogLine,
    store::Filter,
};

/// A client that says nothing for so long is gone.
const SILENCE: Duration = Duration::from_secs(600);
/// Bytes of one message, and of one line.
const MOST: usize = 1 << 20;

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct Line {
    date: Option<chrono::DateTime<chrono::Utc>>,
    message: String,
    source: String,
    name: String,
    unit: String,
}

/// Takes lines until the client ends; the last word is ours: what went wrong, or nothing.
pub async fn logs(call: Call) -> Answer {
    if call.header("origin").is_none_or(|origin| origin.parse::<actix_web::http::Uri>().is_err()) && call.header("upgrade").is_some() {
        return Err(Error::Forbidden("a WebSocket needs an Origin header".into()));
    }
    let nothing = web::Payload::from_request(&call.request, &mut Payload::None).await.map_err(Error::internal)?;
    let (response, session, _) = actix_ws::handle(&call.request, nothing).map_err(|e| Error::invalid(e.to_string()))?;
    let (ctx, caller) = (call.ctx.clone(), call.caller().ok().cloned());
    let (_, payload) = call.into_http();
    actix_web::rt::spawn(async move {
        let taken = match caller {
            Some(caller) => take(&ctx, &caller, session.clone(), payload).await,
            None => Err(Error::refused("wslogs: no token")),
        };
        end(session, taken).await;
    });
    Ok(response)
}

async fn end(mut session: Session, taken: Result<()>) {
    let text = taken.err().map(|e| error::message(&e)).unwrap_or_default();
    // A client that is gone already needs no word.
    if session.text(serde_json::json!({ "error": text }).to_string()).await.is_ok() {
        session.close(Some(CloseCode::Normal.into())).await.ok();
    }
}

async fn take(ctx: &Context, caller: &Caller, mut session: Session, mut payload: Payload) -> Result<()> {
    let (mut codec, mut buffer, mut text) = (Codec::new().max_size(MOST), BytesMut::new(), Vec::new());
    while let Ok(Some(Ok(chunk))) = timeout(SILENCE, payload.next()).await {
        buffer.extend_from_slice(&chunk);
        let over = loop {
            match codec.decode(&mut buffer) {
                Ok(Some(
                    Frame::Text(bytes)
                    | Frame::Binary(bytes)
                    | Frame::Continuation(Item::FirstText(bytes) | Item::FirstBinary(bytes) | Item::Continue(bytes) | Item::Last(bytes)),
                )) => text.extend_from_slice(&bytes),
                Ok(Some(Frame::Ping(bytes))) if session.pong(&bytes).await.is_ok() => {}
                Ok(Some(Frame::Pong(_))) => {}
                Ok(None) => break false,
                Ok(Some(_)) | Err(_) => break true,
            }
        };
        for line in lines(&mut text)? {
            keep(ctx, caller, line).await?;
        }
        if over {
            break;
        }
    }
    Ok(())
}

/// The whole objects at the beginning of `text`, which keeps the rest.
fn lines(text: &mut Vec<u8>) -> Result<Vec<Line>> {
    let wrong = |why: String| Error::refused(format!("wslogs: parsing log line: {why}"));
    let mut stream = serde_json::Deserializer::from_slice(text).into_iter::<Line>();
    let (mut found, mut end) = (Vec::new(), 0);
    while let Some(next) = stream.next() {
        match next {
            Ok(line) => found.push(line),
            Err(e) if e.is_eof() => break,
            Err(e) => return Err(wrong(e.to_string())),
        }
        end = stream.byte_offset();
    }
    text.drain(..end);
    if text.len() > MOST { Err(wrong("a line is too long".into())) } else { Ok(found) }
}

/// Lines without date, name or message are skipped. Whoever may not write to the app's log may not do so here.
async fn keep(ctx: &Context, caller: &Caller, line: Line) -> Result<()> {
    let Some(date) = line.date.filter(|_| !line.name.is_empty() && !line.message.is_empty()) else { return Ok(()) };
    let app = ctx.store.of::<App>().get(Filter::eq("name", &line.name)).await?.ok_or_else(Error::forbidden)?;
    caller.permit("app.update.log", &app.contexts())?;
    let date = Time::from_millis(date.timestamp_millis());
    let kept = LogLine { date, message: line.message, source: line.source, unit: line.unit };
    rollout::provisioner(ctx, &app).await?.log(&app.name, kept).await
}

#[cfg(test)]
mod tests {
    use super::lines;

    #[test]
    fn lines_may_be_cut_anywhere() {
        let mut text = br#"{"Message":"a"} {"Message":"b"}{"Mess"#.to_vec();
        let found: Vec<String> = lines(&mut text).unwrap().into_iter().map(|line| line.message).collect();
        assert_eq!(found, ["a", "b"]);
        text.extend_from_slice(br#"age":"c"}"#);
        assert_eq!(lines(&mut text).unwrap()[0].message, "c");
        assert!(lines(&mut b"nonsense".to_vec()).is_err());
    }
}
