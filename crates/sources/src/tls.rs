//! TLS to sources: whom it trusts, and how a certificate that is not trusted is explained.

use std::sync::Arc;

use rustls::crypto::CryptoProvider;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{CertificateError, ClientConfig, ConfigBuilder, RootCertStore, WantsVerifier};

/// Trusts the public authorities and those that are given as PEM.
///
/// # Errors
/// When the text contains something else than certificates.
pub(crate) fn client_config(authorities: &[u8]) -> Result<ClientConfig, String> {
    Ok(builder().with_root_certificates(trusted_roots(authorities)?).with_no_client_auth())
}

/// Begins a configuration with the cryptography and the versions of TLS that every source is read with.
pub(crate) fn builder() -> ConfigBuilder<ClientConfig, WantsVerifier> {
    ClientConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .expect("the provider supports its own versions")
}

/// The cryptography.
pub(crate) fn provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}

/// Returns the public authorities and those that are given as PEM.
///
/// # Errors
/// When the text contains something else than certificates.
pub(crate) fn trusted_roots(authorities: &[u8]) -> Result<RootCertStore, String> {
    let mut roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
    let before = roots.len();
    for certificate in CertificateDer::pem_slice_iter(authorities) {
        let certificate =
            certificate.map_err(|error| format!("the trusted authorities are not PEM ({error})"))?;
        roots
            .add(certificate)
            .map_err(|error| format!("a trusted authority is not a certificate ({error})"))?;
    }
    if roots.len() == before && !authorities.trim_ascii().is_empty() {
        return Err("the trusted authorities contain no certificate in PEM".to_owned());
    }
    Ok(roots)
}

/// Says why the certificate of a server is not accepted, and what to do; none for another error.
pub(crate) fn explain_certificate(error: &rustls::Error) -> Option<String> {
    let rustls::Error::InvalidCertificate(problem) = error else { return None };
    match problem {
        CertificateError::UnknownIssuer => Some(
            "no trusted authority signed the certificate of the server\nhelp: add the certificate of the authority that signed it to the \
             file that `connections.ca_file` names"
                .to_owned(),
        ),
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
            Some(format!("{error}\nhelp: renew the certificate of the server"))
        }
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            Some(format!("{error}\nhelp: use a name in `url` that the certificate of the server contains"))
        }
        _ => None,
    }
}
