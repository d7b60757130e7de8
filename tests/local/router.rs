//! The app router.

use futures_util::{SinkExt, StreamExt};
use impaas::provisioner::Apps;
use tokio_tungstenite::{
    client_async,
    tungstenite::{Message, client::IntoClientRequest},
};

use super::{Lab, PAGE};

const STREAM: &str = r#"
import base64, hashlib, os, socket, threading
def serve(c):
    head = b""
    while b"\r\n\r\n" not in head:
        head += c.recv(4096)
    if b"upgrade: websocket" in head.lower():
        key = [l for l in head.split(b"\r\n") if l.lower().startswith(b"sec-websocket-key")][0].split(b": ")[1]
        accept = base64.b64encode(hashlib.sha1(key + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest())
        c.sendall(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: " + accept + b"\r\n\r\n")
        while True:
            two = c.recv(2)
            if len(two) < 2 or two[0] & 15 == 8:
                break
            size = two[1] & 127
            mask, body = c.recv(4), c.recv(size)
            text = bytes(b ^ mask[i % 4] for i, b in enumerate(body)).upper()
            c.sendall(bytes([129, len(text)]) + text)
    else:
        c.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nfirst\r\n")
        c.recv(1)
    c.close()
s = socket.create_server(("127.0.0.1", int(os.environ["PORT"])))
while True:
    threading.Thread(target=serve, args=(s.accept()[0],), daemon=True).start()
"#;

#[tokio::test]
async fn unknown_hosts_and_cnames() {
    let lab = Lab::new().await;
    let (status, text) = lab.ask("nobody", "/").await;
    assert_eq!(status, 404);
    assert!(text.contains("nobody.localhost") && text.contains("APP.localhost"), "{text}");
    lab.python("named", 1, &[("app.py", PAGE)]).await;
    lab.local().set_cnames("named", &["www.example.com".into(), "*.named.org".into()]).await.unwrap();
    let at = |host: &'static str| reqwest::Client::new().get(lab.url("/")).header("host", host).send();
    assert_eq!(at("WWW.example.com").await.unwrap().status(), 200);
    assert_eq!(at("a.named.org:80").await.unwrap().status(), 200);
    lab.local().set_cnames("named", &[]).await.unwrap();
    assert_eq!(at("www.example.com").await.unwrap().status(), 404);
    assert_eq!(lab.local().address("named"), format!("named.localhost:{}", lab.local().apps_address().port()));
}

#[tokio::test]
async fn requests_arrive_with_what_a_proxy_adds() {
    let lab = Lab::new().await;
    lab.python("heads", 1, &[("app.py", PAGE)]).await;
    let answer = lab.get("heads", "/headers").header("x-forwarded-for", "9.9.9.9").header("te", "trailers").send().await.unwrap();
    let headers = answer.text().await.unwrap().to_ascii_lowercase();
    for wanted in
        ["host: heads.localhost", "x-forwarded-for: 9.9.9.9, 127.0.0.1", "x-forwarded-host: heads.localhost", "x-forwarded-proto: http"]
    {
        assert!(headers.contains(wanted), "{wanted}: {headers}");
    }
    assert!(!headers.contains("\nte:"), "{headers}");
    let body = vec![7_u8; 3 << 20];
    let posted = reqwest::Client::new().post(lab.url("/")).header("host", "heads.localhost").body(body).send().await.unwrap();
    assert_eq!(posted.text().await.unwrap(), format!("{} bytes\n", 3 << 20));
}

#[tokio::test]
async fn a_streamed_answer_arrives_as_it_is_written() {
    let lab = Lab::new().await;
    lab.python("stream", 1, &[("app.py", STREAM)]).await;
    let mut answer = lab.get("stream", "/").send().await.unwrap();
    let first = tokio::time::timeout(super::SOON, answer.chunk()).await.expect("before its end").unwrap().unwrap();
    assert_eq!(&first[..], b"first");
}

#[tokio::test]
async fn a_websocket_passes() {
    let lab = Lab::new().await;
    lab.python("socket", 1, &[("app.py", STREAM)]).await;
    let address = lab.local().apps_address();
    let request = format!("ws://socket.localhost:{}/", address.port()).into_client_request().unwrap();
    let tcp = tokio::net::TcpStream::connect(address).await.unwrap();
    let (mut socket, answer) = client_async(request, tcp).await.unwrap();
    assert_eq!(answer.status(), 101);
    for text in ["hello", "again"] {
        socket.send(Message::text(text)).await.unwrap();
        let back = tokio::time::timeout(super::SOON, socket.next()).await.unwrap().unwrap().unwrap();
        assert_eq!(back.into_text().unwrap().as_str(), text.to_uppercase());
    }
}

#[tokio::test]
async fn an_app_without_units_says_so() {
    let lab = Lab::new().await;
    lab.local().set_cnames("bare", &[]).await.unwrap();
    assert_eq!(lab.ask("bare", "/").await, (503, "app \"bare\" is not deployed".into()));
}
