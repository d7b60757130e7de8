//! Stands in for the build service: every image is there already, and runs one process.

use std::net::SocketAddr;

use actix_web::{
    rt::{net::TcpListener, spawn},
    web::Bytes,
};
use h2::{RecvStream, server, server::SendResponse};
use http::{HeaderMap, HeaderValue, Response, header::CONTENT_TYPE};

const PROCFILE: &str = "web: ./web\n";

/// Answers builds until the runtime ends.
pub async fn serve(port: u16) -> std::io::Result<()> {
    let listener = TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], port))).await?;
    loop {
        let (stream, _) = listener.accept().await?;
        spawn(async move {
            let Ok(mut connection) = server::handshake(stream).await else { return };
            while let Some(Ok((request, answer))) = connection.accept().await {
                spawn(build(request.into_body(), answer));
            }
        });
    }
}

async fn build(mut request: RecvStream, mut answer: SendResponse<Bytes>) {
    while let Some(Ok(piece)) = request.data().await {
        request.flow_control().release_capacity(piece.len()).ok();
    }
    drop(tell(&mut answer));
}

fn tell(answer: &mut SendResponse<Bytes>) -> Result<(), h2::Error> {
    let mut head = Response::new(());
    head.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/grpc"));
    let mut body = answer.send_response(head, false)?;
    body.send_data(message().into(), false)?;
    body.send_trailers(HeaderMap::from_iter([("grpc-status".parse().unwrap_or(CONTENT_TYPE), HeaderValue::from_static("0"))]))
}

/// `BuildResponse { tsuru_config: TsuruConfig { procfile } }`, framed; all lengths are below 128.
fn message() -> Vec<u8> {
    let field = |tag: u8, bytes: &[u8]| [&[tag, bytes.len() as u8], bytes].concat();
    let message = field(0x12, &field(0x0a, PROCFILE.as_bytes()));
    [&[0, 0, 0, 0, message.len() as u8], message.as_slice()].concat()
}
