//! TLS to the service, with its certificate looked at or not.

use std::sync::Arc;

use rustls::{
    ClientConfig, DigitallySignedStruct, SignatureScheme,
    client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature},
    pki_types::{CertificateDer, ServerName, UnixTime},
};
use rustls_platform_verifier::BuilderVerifierExt;

use crate::error::{Error, Result};

/// How the service is spoken to.
#[derive(Clone, Debug)]
pub enum Security {
    /// In clear.
    Plain,
    /// Over TLS.
    Tls(Arc<ClientConfig>),
}

/// The protocol that gRPC runs on.
const HTTP2: &[u8] = b"h2";

impl Security {
    /// TLS, with a certificate that this machine's authorities signed.
    pub fn verified() -> Result<Self> {
        let builder = ClientConfig::builder_with_provider(provider()).with_safe_default_protocol_versions().map_err(Error::internal)?;
        Ok(Self::over(builder.with_platform_verifier().map_err(Error::internal)?.with_no_client_auth()))
    }

    /// TLS with any certificate: `build-service-tls-skip-verify`.
    pub fn unverified() -> Result<Self> {
        let builder = ClientConfig::builder_with_provider(provider()).with_safe_default_protocol_versions().map_err(Error::internal)?;
        let anybody = Arc::new(Anybody(provider()));
        Ok(Self::over(builder.dangerous().with_custom_certificate_verifier(anybody).with_no_client_auth()))
    }

    /// TLS with these settings.
    pub fn over(mut config: ClientConfig) -> Self {
        config.alpn_protocols = vec![HTTP2.to_vec()];
        Self::Tls(Arc::new(config))
    }
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(ring::default_provider())
}

/// Takes every certificate for good; that the other side holds its key is looked at all the same.
#[derive(Debug)]
struct Anybody(Arc<CryptoProvider>);

impl ServerCertVerifier for Anybody {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, cert, signed, &self.0.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, cert, signed, &self.0.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
