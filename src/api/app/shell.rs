//! `GET /apps/{appname}/shell`: a terminal over a WebSocket.

use std::time::Duration;

use actix_http::ws::{Codec, Frame, Item};
use actix_web::{FromRequest, dev::Payload, web, web::BytesMut};
use actix_ws::{CloseCode, Session};
use futures_util::StreamExt;
use tokio::{
    sync::mpsc,
    time::{interval, timeout},
};
use tokio_util::codec::Decoder;

use crate::{
    api::{Answer, Call, error, extract::go::parse_bool, record::Recording},
    app::{App, run},
    error::{Error, OrNotFound, Result},
    event::{Locked, Subject},
    provisioner::{Shell, ShellRequest},
    request_id,
    store::Filter,
};

const PING: Duration = Duration::from_secs(20);
/// A client that says nothing for so long, not even to a ping, is gone.
const SILENCE: Duration = Duration::from_secs(60);
/// Bytes of one message at most.
const MOST: usize = 1 << 20;

/// Opens a shell. What goes wrong is told on the terminal: clients show nothing else.
pub async fn shell(mut call: Call) -> Answer {
    let nothing = web::Payload::from_request(&call.request, &mut Payload::None).await.map_err(Error::internal)?;
    let (response, session, _) = actix_ws::handle(&call.request, nothing).map_err(|e| Error::invalid(e.to_string()))?;
    let opened = Box::pin(open(&mut call)).await;
    let (_, payload) = call.into_http();
    actix_web::rt::spawn(request_id::carried(async move {
        match opened {
            Ok((app, shell)) => {
                serve(session, payload, shell).await;
                // Shells only end; how is between the user and the shell.
                app.end(Ok(())).await.ok();
            }
            Err(e) => refuse(session, &e).await,
        }
    }));
    Ok(response)
}

async fn open(call: &mut Call) -> Result<(Locked<App>, Shell)> {
    call.caller()?;
    let name = call.var("appname").to_owned();
    let app = call.ctx.store.of::<App>().get(Filter::eq("name", &name)).await?;
    let app = app.or_not_found(format!("App {name} not found."))?;
    call.permit("app.run.shell", &app.contexts())?;
    let request = asked(call);
    let app = call.record(Recording::of("app.run.shell").without_lock(), app).await?;
    match run::shell(&call.ctx, &app, request).await {
        Ok(shell) => Ok((app, shell)),
        Err(e) => app.end(Err(e)).await,
    }
}

fn asked(call: &Call) -> ShellRequest {
    let text = |name: &str| call.query.get(name).unwrap_or_default();
    let number = |name: &str| text(name).parse::<u16>().unwrap_or_default();
    ShellRequest {
        app: call.var("appname").into(),
        unit: Some(text("unit").to_owned()).filter(|unit| !unit.is_empty()),
        isolated: parse_bool(text("isolated")).unwrap_or_default(),
        debug: parse_bool(text("debug")).unwrap_or_default(),
        size: (number("width"), number("height")),
        term: text("term").into(),
        fresh: None,
    }
}

async fn refuse(mut session: Session, e: &Error) {
    let text = match e {
        Error::Unauthenticated => "no token provided or session expired, please login again".into(),
        e => error::message(e),
    };
    // A client that is gone already needs no word.
    if session.text(format!("Error: {text}\n")).await.is_ok() {
        session.close(Some(CloseCode::Normal.into())).await.ok();
    }
}

async fn serve(session: Session, payload: Payload, shell: Shell) {
    tokio::select! {
        () = print(session.clone(), shell.output) => {}
        () = read(session.clone(), payload, shell.input) => {}
        () = ping(session.clone()) => {}
    }
    session.close(Some(CloseCode::Normal.into())).await.ok();
}

/// From the terminal to the client, as text: a character that is cut in two waits for its other half.
async fn print(mut session: Session, mut output: mpsc::Receiver<Vec<u8>>) {
    let mut waiting = Vec::new();
    while let Some(bytes) = output.recv().await {
        waiting.extend_from_slice(&bytes);
        let text = whole(&mut waiting);
        if !text.is_empty() && session.text(text).await.is_err() {
            return;
        }
    }
}

/// Takes the text out of `bytes` and leaves the begun character at its end.
fn whole(bytes: &mut Vec<u8>) -> String {
    let begun = match std::str::from_utf8(bytes) {
        Err(e) if e.error_len().is_none() => bytes.split_off(e.valid_up_to()),
        _ => begun_after_garbage(bytes),
    };
    let text = String::from_utf8_lossy(bytes).into_owned();
    *bytes = begun;
    text
}

/// A character that is begun in the last three bytes, where something before it is no text at all.
fn begun_after_garbage(bytes: &mut Vec<u8>) -> Vec<u8> {
    let start = (1..=3.min(bytes.len())).map(|back| bytes.len() - back).find(|at| {
        bytes.get(*at..).is_some_and(|tail| std::str::from_utf8(tail).is_err_and(|e| e.valid_up_to() == 0 && e.error_len().is_none()))
    });
    start.map(|at| bytes.split_off(at)).unwrap_or_default()
}

/// From the client to the terminal. Keys come as text, but a paste may cut a character in two: bytes are taken as they are.
async fn read(mut session: Session, mut payload: Payload, input: mpsc::Sender<Vec<u8>>) {
    let (mut codec, mut buffer) = (Codec::new().max_size(MOST), BytesMut::new());
    while let Ok(Some(Ok(chunk))) = timeout(SILENCE, payload.next()).await {
        buffer.extend_from_slice(&chunk);
        loop {
            let typed = match codec.decode(&mut buffer) {
                Ok(Some(
                    Frame::Text(bytes)
                    | Frame::Binary(bytes)
                    | Frame::Continuation(Item::FirstText(bytes) | Item::FirstBinary(bytes) | Item::Continue(bytes) | Item::Last(bytes)),
                )) => bytes,
                Ok(Some(Frame::Ping(bytes))) if session.pong(&bytes).await.is_ok() => continue,
                Ok(Some(Frame::Pong(_))) => continue,
                Ok(None) => break,
                Ok(Some(_)) | Err(_) => return,
            };
            if input.send(typed.to_vec()).await.is_err() {
                return;
            }
        }
    }
}

async fn ping(mut session: Session) {
    let mut tick = interval(PING);
    tick.tick().await;
    loop {
        tick.tick().await;
        if session.ping(b"").await.is_err() {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::whole;

    #[test]
    fn text_is_cut_between_characters() {
        let mut bytes = "aé€".as_bytes().to_vec();
        let last = bytes.pop().unwrap();
        assert_eq!(whole(&mut bytes), "aé");
        bytes.push(last);
        assert_eq!(whole(&mut bytes), "€");
        assert!(bytes.is_empty());
    }

    #[test]
    fn what_is_no_text_is_shown_and_never_waits_for_long() {
        let mut bytes = vec![0xff, b'a', 0xc3];
        assert_eq!(whole(&mut bytes), "\u{fffd}a");
        assert_eq!(bytes, [0xc3]);
        let mut bytes = vec![0x80; 10];
        assert_eq!(whole(&mut bytes).chars().count(), 10);
        assert!(bytes.is_empty());
    }
}
