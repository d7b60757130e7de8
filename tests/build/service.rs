//! A build service on a socket of its own, which speaks as the stock one does; what it does with a request is for the test to say.

use std::{
    convert::Infallible,
    future::{Ready, ready},
    net::SocketAddr,
    pin::Pin,
    sync::{Arc, Mutex},
    task::{Context, Poll},
};

use futures_util::{Stream, StreamExt, future::BoxFuture};
use impaas::build::agent::message::{BuildRequest, BuildResponse, Piece, TsuruConfig};
use rustls::ServerConfig;
use tokio::{
    net::TcpListener,
    sync::{mpsc, oneshot},
};
use tokio_rustls::TlsAcceptor;
use tokio_stream::wrappers::{ReceiverStream, TcpListenerStream};
use tonic::{Request, Response, Status, body::Body, codegen::http, server::ServerStreamingService, transport::Server};
use tonic_prost::ProstCodec;

/// A piece of an answer, or its end.
pub type Said = Result<BuildResponse, Status>;
/// Where a build says what it does.
pub type Saying = mpsc::Sender<Said>;
/// What is done with a request.
pub type Work = Arc<dyn Fn(BuildRequest, Saying) -> BoxFuture<'static, ()> + Send + Sync>;

/// It runs until it is dropped.
pub struct Service {
    pub address: SocketAddr,
    /// What it was asked.
    pub requests: Arc<Mutex<Vec<BuildRequest>>>,
    _stop: oneshot::Sender<()>,
}

impl Service {
    /// One that works so.
    pub async fn start(work: Work) -> Self {
        Self::listen(work, None).await
    }

    /// One that says this and no more.
    pub async fn saying(answers: Vec<Said>) -> Self {
        Self::start(scripted(answers)).await
    }

    /// The same over TLS.
    pub async fn over_tls(answers: Vec<Said>, tls: ServerConfig) -> Self {
        Self::listen(scripted(answers), Some(tls)).await
    }

    async fn listen(work: Work, tls: Option<ServerConfig>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let requests = Arc::new(Mutex::new(Vec::new()));
        let build = Build { work, requests: requests.clone() };
        let (stop, stopped) = oneshot::channel::<()>();
        let incoming = TcpListenerStream::new(listener);
        let until = async move { drop(stopped.await) };
        tokio::spawn(async move {
            let server = Server::builder();
            match tls {
                None => server.clone().serve_with_incoming_shutdown(build, incoming, until).await,
                Some(mut tls) => {
                    tls.alpn_protocols = vec![b"h2".to_vec()];
                    let acceptor = TlsAcceptor::from(Arc::new(tls));
                    let accepted = incoming.then(move |stream| {
                        let acceptor = acceptor.clone();
                        async move { acceptor.accept(stream?).await }
                    });
                    // Somebody who hangs up in the middle of a handshake ends nothing.
                    let whole = accepted.filter_map(|stream| ready(stream.ok().map(Ok::<_, Infallible>)));
                    server.clone().serve_with_incoming_shutdown(build, Box::pin(whole), until).await
                }
            }
        });
        Self { address, requests, _stop: stop }
    }

    /// The one request it got.
    pub fn request(&self) -> BuildRequest {
        let requests = self.requests.lock().unwrap();
        assert_eq!(requests.len(), 1, "{requests:?}");
        requests[0].clone()
    }
}

/// Text for the user.
pub fn output(text: &str) -> Said {
    Ok(BuildResponse { piece: Some(Piece::Output(text.into())) })
}

/// What was found.
pub fn config(found: TsuruConfig) -> Said {
    Ok(BuildResponse { piece: Some(Piece::Config(found)) })
}

fn scripted(answers: Vec<Said>) -> Work {
    Arc::new(move |_, saying| {
        let answers = answers.clone();
        Box::pin(async move {
            for answer in answers {
                saying.send(answer).await.ok();
            }
        })
    })
}

#[derive(Clone)]
struct Build {
    work: Work,
    requests: Arc<Mutex<Vec<BuildRequest>>>,
}

impl tower::Service<http::Request<Body>> for Build {
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        let build = self.clone();
        Box::pin(async move {
            if request.uri().path() != "/grpc_build_v1.Build/Build" {
                return Ok(Status::unimplemented("unknown method").into_http());
            }
            let mut grpc = tonic::server::Grpc::new(ProstCodec::default()).max_decoding_message_size(usize::MAX);
            Ok(grpc.server_streaming(build, request).await)
        })
    }
}

impl ServerStreamingService<BuildRequest> for Build {
    type Response = BuildResponse;
    type ResponseStream = Pin<Box<dyn Stream<Item = Said> + Send>>;
    type Future = Ready<Result<Response<Self::ResponseStream>, Status>>;

    fn call(&mut self, request: Request<BuildRequest>) -> Self::Future {
        let request = request.into_inner();
        self.requests.lock().unwrap().push(request.clone());
        let (saying, said) = mpsc::channel(16);
        let work = (self.work)(request, saying.clone());
        // Whoever asked is gone when nobody hears any more; then the work ends.
        tokio::spawn(async move {
            tokio::select! {
                () = work => {}
                () = saying.closed() => {}
            }
        });
        ready(Ok(Response::new(Box::pin(ReceiverStream::new(said)))))
    }
}
