//! TLS as `sslmode` asks for it, by the meaning that libpq gives the names.

use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, SignatureScheme};

use super::address::SslMode;
use crate::tls::{builder, client_config, provider, trusted_roots};

/// Returns the configuration of TLS for a mode; none when it does without.
///
/// # Errors
/// When the authorities are not certificates.
pub(super) fn tls_config(mode: SslMode, authorities: &[u8]) -> Result<Option<ClientConfig>, String> {
    let chain = match mode {
        SslMode::Disable => return Ok(None),
        SslMode::VerifyFull => return client_config(authorities).map(Some),
        SslMode::Prefer | SslMode::Require => None,
        SslMode::VerifyCa => {
            let roots = Arc::new(trusted_roots(authorities)?);
            let verifier = WebPkiServerVerifier::builder_with_provider(roots, provider()).build();
            Some(verifier.map_err(|error| error.to_string())?)
        }
    };
    let verifier = Arc::new(LaxVerifier { chain, provider: provider() });
    let config = builder().dangerous().with_custom_certificate_verifier(verifier).with_no_client_auth();
    Ok(Some(config))
}

/// Accepts a certificate whatever name it has. The handshake itself is verified: who shows a certificate has its key.
#[derive(Debug)]
struct LaxVerifier {
    /// Verifies who signed the certificate; nobody does without.
    chain: Option<Arc<WebPkiServerVerifier>>,
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for LaxVerifier {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let Some(chain) = &self.chain else { return Ok(ServerCertVerified::assertion()) };
        // The name is verified last, once everything else is right.
        match chain.verify_server_cert(certificate, intermediates, name, ocsp, now) {
            Err(rustls::Error::InvalidCertificate(
                CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
            )) => Ok(ServerCertVerified::assertion()),
            verified => verified,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls12_signature(message, certificate, signature, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signature, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}
