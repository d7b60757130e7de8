//! What goes over the wire to a build service and back, without any cluster.

use std::{
    path::Path,
    sync::{Arc, Mutex},
    time::Duration,
};

use impaas::{
    build::agent::{
        self, Security,
        message::{BuildRequest, Kind, Owner, TsuruConfig},
    },
    error::Result,
    output::{Output, Sink},
};
use rustls::{
    ClientConfig, RootCertStore, ServerConfig,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
};
use tokio::sync::oneshot;
use tonic::Status;

use super::service::{Service, config, output};

const CERTIFICATE: &[u8] = include_bytes!("tls/service.crt");
const KEY: &[u8] = include_bytes!("tls/service.key");

#[derive(Default)]
struct Heard(Mutex<String>);

impl Sink for Heard {
    fn write(&self, text: &str) {
        self.0.lock().unwrap().push_str(text);
    }
}

fn request() -> BuildRequest {
    let app = Owner { name: "blog".into(), env: [("SECRET".into(), "hush".into())].into(), team: "demo".into() };
    BuildRequest {
        kind: Kind::AppSources.into(),
        app: Some(app),
        source_image: "base".into(),
        destination_images: vec!["r/app-blog:v1".into()],
        ..BuildRequest::default()
    }
}

async fn call(address: &str, security: Security, archive: Option<&Path>) -> (Result<Option<TsuruConfig>>, String) {
    let heard = Arc::new(Heard::default());
    let service = agent::Service { address: address.parse().unwrap(), security };
    let found = agent::build(&service, &request(), archive, &Output::to(heard.clone())).await;
    let text = heard.0.lock().unwrap().clone();
    (found, text)
}

fn why(found: Result<Option<TsuruConfig>>) -> String {
    found.unwrap_err().to_string()
}

#[tokio::test]
async fn output_and_what_was_found_come_back() {
    let found = TsuruConfig { procfile: "web: a\n".into(), ..TsuruConfig::default() };
    let later = TsuruConfig { procfile: "web: b\n".into(), ..TsuruConfig::default() };
    let service = Service::saying(vec![output("one\ntw"), config(found.clone()), output("o\n"), config(later)]).await;
    let (answer, heard) = call(&format!("dns:///{}", service.address), Security::Plain, None).await;
    assert_eq!((answer.unwrap().unwrap(), heard.as_str()), (found, "one\ntwo\n"));
    assert_eq!(service.request(), request());
}

#[tokio::test]
async fn an_archive_of_many_megabytes_is_one_message() {
    let service = Service::saying(vec![]).await;
    let file = tempfile::NamedTempFile::new().unwrap();
    let archive: Vec<u8> = (0..32 << 20).map(|byte: u32| byte.to_le_bytes()[1]).collect();
    std::fs::write(file.path(), &archive).unwrap();
    let (answer, _) = call(&service.address.to_string(), Security::Plain, Some(file.path())).await;
    assert_eq!(answer.unwrap(), None);
    assert!(service.request().data == archive);
}

#[tokio::test]
async fn a_build_that_fails_says_why_in_grpcs_words() {
    let service = Service::saying(vec![output("it begins\n"), Err(Status::unknown("failed to solve: no such image"))]).await;
    let (answer, heard) = call(&service.address.to_string(), Security::Plain, None).await;
    assert_eq!(why(answer), "rpc error: code = Unknown desc = failed to solve: no such image");
    assert_eq!(heard, "it begins\n");
}

#[tokio::test]
async fn a_service_that_cannot_says_so_in_tsurus_words() {
    let service = Service::saying(vec![Err(Status::unimplemented("build kind not supported"))]).await;
    let (answer, _) = call(&service.address.to_string(), Security::Plain, None).await;
    assert_eq!(why(answer), "build v2 not supported");
}

#[tokio::test]
async fn a_service_that_is_away_is_named() {
    let free = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let (answer, _) = call(&free.to_string(), Security::Plain, None).await;
    let why = why(answer);
    assert!(why.starts_with(&format!("rpc error: code = Unavailable desc = build service {free}: ")), "{why}");
}

#[tokio::test]
async fn who_stops_waiting_ends_the_build() {
    let (ended, end) = oneshot::channel::<()>();
    let ended = Mutex::new(Some(ended));
    let service = Service::start(Arc::new(move |_, saying| {
        let ended = ended.lock().unwrap().take();
        Box::pin(async move {
            saying.send(output("it builds\n")).await.unwrap();
            // Dropped with this future, and not before.
            let _ended = ended;
            std::future::pending::<()>().await;
        })
    }))
    .await;
    let address = service.address.to_string();
    let building = tokio::spawn(async move { call(&address, Security::Plain, None).await });
    crate::server::eventually("it was asked", Duration::from_secs(10), async || !service.requests.lock().unwrap().is_empty()).await;
    building.abort();
    assert!(tokio::time::timeout(Duration::from_secs(10), end).await.unwrap().is_err());
}

/// With a certificate that nobody knows.
pub fn server() -> ServerConfig {
    let chain = vec![CertificateDer::from_pem_slice(CERTIFICATE).unwrap()];
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    builder.with_no_client_auth().with_single_cert(chain, PrivateKeyDer::from_pem_slice(KEY).unwrap()).unwrap()
}

/// Trusts the service's certificate alone.
fn trusting() -> Security {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(CERTIFICATE).unwrap()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    Security::over(builder.with_root_certificates(roots).with_no_client_auth())
}

#[tokio::test]
async fn a_certificate_is_looked_at_unless_that_is_turned_off() {
    let service = Service::over_tls(vec![output("over tls\n")], server()).await;
    let target = format!("dns:///localhost:{}", service.address.port());
    for security in [trusting(), Security::unverified().unwrap()] {
        let (answer, heard) = call(&target, security, None).await;
        assert_eq!((answer.unwrap(), heard.as_str()), (None, "over tls\n"));
    }
    let unknown = why(call(&target, Security::verified().unwrap(), None).await.0);
    assert!(unknown.contains("certificate"), "{unknown}");
    let other = why(call(&format!("127.0.0.2:{}", service.address.port()), trusting(), None).await.0);
    assert!(other.starts_with("rpc error: code = Unavailable"), "{other}");
    assert_eq!(service.requests.lock().unwrap().len(), 2);
}
