//! One call: the request goes up, output comes down as it is made, and in the end what was found.

use std::{io, path::Path, time::Duration};

use hyper::{
    Uri,
    http::{Request, Response, header},
};
use hyper_util::rt::TokioIo;
use rustls::pki_types::ServerName;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
};
use tokio_rustls::TlsConnector;
use tonic::{
    Code, Status, Streaming,
    body::Body,
    codec::BufferSettings,
    transport::{Channel, Endpoint},
};
use tonic_prost::ProstCodec;
use tower::{Service as _, ServiceExt, service_fn};

use super::{
    Address, Security, Service,
    message::{BuildRequest, BuildResponse, Piece, TsuruConfig},
    status, upload,
};
use crate::{
    error::{Error, Result},
    output::Output,
};

/// What is said where no such service is.
pub const NOT_SUPPORTED: &str = "build v2 not supported";

const METHOD: &str = "/grpc_build_v1.Build/Build";
const CONNECT: Duration = Duration::from_secs(20);
/// A build may be silent for long. Servers written in Go hang up on those who ask more often than every five minutes.
const PING: Duration = Duration::from_secs(330);
/// A `tsuru.yaml` comes in one piece, and so does a line of output.
const LONGEST_ANSWER: usize = 64 << 20;

/// Builds. Its output goes to `out`; dropping the future ends the build.
pub async fn build(service: &Service, request: &BuildRequest, archive: Option<&Path>, out: &Output) -> Result<Option<TsuruConfig>> {
    let mut channel = connect(service).await?;
    let call = Request::post(METHOD)
        .header(header::TE, "trailers")
        .header(header::CONTENT_TYPE, "application/grpc")
        .body(upload::body(request, archive).await?)
        .map_err(Error::internal)?;
    let failed = |e: tonic::transport::Error| Error::refused(status::unavailable(&innermost(&e)));
    let answer = channel.ready().await.map_err(failed)?.call(call).await.map_err(failed)?;
    read(answer, out).await.map_err(|status| told(&status))
}

async fn read(answer: Response<Body>, out: &Output) -> Result<Option<TsuruConfig>, Status> {
    let early = Status::from_header_map(answer.headers());
    if let Some(status) = early {
        return if status.code() == Code::Ok { Ok(None) } else { Err(status) };
    }
    let decoder = ProstCodec::<BuildRequest, BuildResponse>::raw_decoder(BufferSettings::default());
    let (code, body) = (answer.status(), answer.into_body());
    let mut pieces: Streaming<BuildResponse> = Streaming::new_response(decoder, body, code, None, Some(LONGEST_ANSWER));
    let mut found = None;
    while let Some(answer) = pieces.message().await? {
        match answer.piece {
            Some(Piece::Output(text)) => out.write(&text),
            Some(Piece::Config(config)) => found = found.or(Some(config)),
            None => {}
        }
    }
    Ok(found)
}

fn told(status: &Status) -> Error {
    Error::refused(if status.code() == Code::Unimplemented { NOT_SUPPORTED.into() } else { status::told(status) })
}

/// A connection of this call alone: services behind a name change, and builds are few.
async fn connect(service: &Service) -> Result<Channel> {
    let away = |why: String| Error::refused(status::unavailable(&format!("build service {}: {why}", service.address)));
    let scheme = if matches!(service.security, Security::Plain) { "http" } else { "https" };
    let endpoint = Endpoint::from_shared(format!("{scheme}://{}", service.address)).map_err(|e| away(innermost(&e)))?;
    let to = service.clone();
    let connector = service_fn(move |_: Uri| stream(to.clone()));
    let connected = endpoint.connect_timeout(CONNECT).http2_keep_alive_interval(PING).connect_with_connector(connector).await;
    connected.map_err(|e| away(innermost(&e)))
}

/// Both kinds of connection.
trait Wire: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Wire for T {}

async fn stream(service: Service) -> io::Result<TokioIo<Box<dyn Wire>>> {
    let Address { host, port } = &service.address;
    let socket = TcpStream::connect((host.as_str(), *port)).await?;
    socket.set_nodelay(true)?;
    let Security::Tls(config) = service.security else { return Ok(TokioIo::new(Box::new(socket))) };
    let name = ServerName::try_from(host.clone()).map_err(io::Error::other)?;
    Ok(TokioIo::new(Box::new(TlsConnector::from(config).connect(name, socket).await?)))
}

/// The innermost reason, which says most.
fn innermost(e: &dyn std::error::Error) -> String {
    e.source().map_or_else(|| e.to_string(), innermost)
}
