//! `/debug` and `/logs`.

use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use impaas::permission::ContextType::{Global, Team};
use tokio_tungstenite::tungstenite::{Message, client::IntoClientRequest};

use super::{deploy::server, harness::Server};
use crate::contract::cases::asserted;

const DENIED: &str = "You don't have permission to do this action";

#[actix_web::test]
async fn what_is_no_profile_of_ours_is_named() {
    let server = Server::new().await;
    let allowed = server.user_with("d@x.org", Global, "", &["debug"]).await;
    let foreign = server.user_with("t@x.org", Team, "demo", &["debug"]).await;
    assert!(allowed.get("/debug/pprof/").send().await.ok(200).text.contains("cmdline"));
    assert!(!allowed.get("/debug/pprof/cmdline").send().await.ok(200).text.is_empty());
    assert_eq!(allowed.get("/debug/pprof/symbol").send().await.ok(200).text, "num_symbols: 0\n");
    for name in ["profile", "heap", "goroutine", "threadcreate", "block", "trace"] {
        let text = format!("profile {name:?} is not there: this server is no Go program; what it counts and times is at /metrics");
        allowed.get(&format!("/debug/pprof/{name}")).send().await.fails(501, &text);
        foreign.get(&format!("/debug/pprof/{name}")).send().await.fails(403, DENIED);
    }
    for name in ["", "cmdline", "symbol"] {
        foreign.get(&format!("/debug/pprof/{name}")).send().await.fails(403, DENIED);
        server.nobody().get(&format!("/debug/pprof/{name}")).send().await.ok(401);
    }
    for path in ["/debug/goroutines", "/1.9/debug/fgprof"] {
        allowed.get(path).send().await.ok(501);
        foreign.get(path).send().await.fails(403, DENIED);
    }
}

/// Sends these lines to `/logs`; the server's last word.
async fn send(server: &Server, token: Option<&str>, lines: &[&str]) -> String {
    let address = server.listen().await;
    let mut request = format!("ws://{address}/1.0/logs").into_client_request().unwrap();
    request.headers_mut().insert("Origin", "ws://localhost/".parse().unwrap());
    if let Some(token) = token {
        request.headers_mut().insert("Authorization", format!("bearer {token}").parse().unwrap());
    }
    let (mut socket, answer) = tokio_tungstenite::connect_async(request).await.unwrap();
    for line in lines {
        socket.send(Message::text(*line)).await.ok();
    }
    socket.send(Message::Close(None)).await.ok();
    loop {
        match tokio::time::timeout(Duration::from_secs(20), socket.next()).await.unwrap() {
            Some(Ok(Message::Text(text))) => {
                asserted(Some(&("GET".into(), "/logs".into(), "1.0".into())), answer.status().as_u16(), None, None);
                return text.to_string();
            }
            Some(Ok(_)) => {}
            end => panic!("no last word: {end:?}"),
        }
    }
}

#[actix_web::test]
async fn lines_of_an_app_come_over_a_socket() {
    let (server, _) = server().await;
    let admin = server.admin().await;
    let lines = [
        r#"{"Date":"2026-11-21T01:02:03Z","Name":"a","Message":"one","Source":"web","Unit":"u"}{"Date":"2026-11-21T01:02:04Z","#,
        r#""Name":"a","Message":"two"}"#,
        r#"{"Name":"a","Message":"no date"}{"Date":"2026-11-21T01:02:03Z","Name":"a"}"#,
    ];
    assert_eq!(send(&server, admin.token.as_deref(), &lines).await, r#"{"error":""}"#);
    let log = admin.get("/1.0/apps/a/log?lines=9").send().await.ok(200).json();
    let messages: Vec<&str> = log.as_array().unwrap().iter().map(|line| line["Message"].as_str().unwrap()).collect();
    assert_eq!(messages, ["one", "two"]);
    assert_eq!((&log[0]["Source"], &log[0]["Unit"], &log[0]["Date"]), (&"web".into(), &"u".into(), &"2026-11-21T01:02:03Z".into()));
}

#[actix_web::test]
async fn nobody_writes_into_logs_of_others() {
    let (server, _) = server().await;
    assert_eq!(send(&server, None, &[]).await, r#"{"error":"wslogs: no token"}"#);
    let line = r#"{"Date":"2026-11-21T01:02:03Z","Name":"a","Message":"forged"}"#;
    let foreign = server.user_with("f@x.org", Team, "other", &["app"]).await;
    assert_eq!(send(&server, foreign.token.as_deref(), &[line]).await, format!(r#"{{"error":"{DENIED}"}}"#));
    let admin = server.admin().await;
    assert_eq!(admin.get("/1.0/apps/a/log?lines=9").send().await.ok(200).text, "[]\n");
    let wrong = send(&server, admin.token.as_deref(), &["nonsense"]).await;
    assert!(wrong.starts_with(r#"{"error":"wslogs: parsing log line: "#), "{wrong}");
    admin.get("/logs").send().await.ok(400);
    server.nobody().get("/logs").header("Upgrade", "websocket").header("Connection", "Upgrade").send().await.ok(403);
}
