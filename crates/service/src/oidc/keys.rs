//! The provider's public keys (JSON Web Keys, RFC 7517), and the signatures that they verify (RFC 7518). ring verifies: the
//! cryptography that TLS uses here already. Only public keys are known, so a token that is signed with a shared secret, or
//! with nothing, is never valid.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P384_SHA384_FIXED, ED25519, RSA_PKCS1_2048_8192_SHA256,
    RSA_PKCS1_2048_8192_SHA384, RSA_PKCS1_2048_8192_SHA512, RSA_PSS_2048_8192_SHA256,
    RSA_PSS_2048_8192_SHA384, RSA_PSS_2048_8192_SHA512, RsaParameters, RsaPublicKeyComponents,
    UnparsedPublicKey,
};
use serde::Deserialize;

/// A public key as the provider publishes it.
#[derive(Debug, Deserialize)]
struct PublishedKey {
    kty: String,
    kid: Option<String>,
    #[serde(rename = "use")]
    purpose: Option<String>,
    alg: Option<String>,
    crv: Option<String>,
    n: Option<String>,
    e: Option<String>,
    x: Option<String>,
    y: Option<String>,
}

/// A public key for signatures.
#[derive(Debug)]
pub(super) struct PublicKey {
    id: Option<String>,
    /// The only algorithm that it is for.
    algorithm: Option<String>,
    material: Material,
}

#[derive(Debug)]
enum Material {
    Rsa { n: Vec<u8>, e: Vec<u8> },
    P256(Vec<u8>),
    P384(Vec<u8>),
    Ed25519(Vec<u8>),
}

impl PublicKey {
    /// Reads a key; none when it is of another kind, or not for signatures.
    pub(super) fn read(key: serde_json::Value) -> Option<Self> {
        let key: PublishedKey = serde_json::from_value(key).ok()?;
        if key.purpose.is_some_and(|purpose| purpose != "sig") {
            return None;
        }
        let decode = |text: Option<String>| URL_SAFE_NO_PAD.decode(text?).ok();
        // An uncompressed point (SEC 1, section 2.3.3); its coordinates have the full length (RFC 7518, section 6.2.1.2).
        let point = |x: Option<String>, y: Option<String>, length: usize| {
            let (x, y) = (decode(x)?, decode(y)?);
            (x.len() == length && y.len() == length).then(|| [&[4], &*x, &*y].concat())
        };
        let material = match (&*key.kty, key.crv.as_deref()) {
            ("RSA", _) => {
                Material::Rsa { n: without_zeros(decode(key.n)?), e: without_zeros(decode(key.e)?) }
            }
            ("EC", Some("P-256")) => Material::P256(point(key.x, key.y, 32)?),
            ("EC", Some("P-384")) => Material::P384(point(key.x, key.y, 48)?),
            ("OKP", Some("Ed25519")) => Material::Ed25519(decode(key.x)?),
            _ => return None,
        };
        Some(Self { id: key.kid, algorithm: key.alg, material })
    }

    /// Whether a token may be signed with this key, by the names in its header.
    pub(super) fn fits(&self, id: Option<&str>, algorithm: &str) -> bool {
        let is_named = id.is_none() || self.id.as_deref() == id;
        is_named && self.algorithm.as_deref().is_none_or(|known| known == algorithm)
    }

    /// Whether the key verifies a signature. An algorithm of another kind of key verifies nothing.
    pub(super) fn verifies(&self, algorithm: &str, message: &[u8], signature: &[u8]) -> bool {
        let verified = match (&self.material, algorithm) {
            (Material::Rsa { n, e }, _) => {
                let Some(parameters) = rsa_parameters(algorithm) else { return false };
                RsaPublicKeyComponents { n, e }.verify(parameters, message, signature)
            }
            (Material::P256(point), "ES256") => {
                UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point).verify(message, signature)
            }
            (Material::P384(point), "ES384") => {
                UnparsedPublicKey::new(&ECDSA_P384_SHA384_FIXED, point).verify(message, signature)
            }
            (Material::Ed25519(key), "EdDSA" | "Ed25519") => {
                UnparsedPublicKey::new(&ED25519, key).verify(message, signature)
            }
            _ => return false,
        };
        verified.is_ok()
    }
}

/// The verification of an RSA algorithm, with keys of 2048 bits or more.
fn rsa_parameters(algorithm: &str) -> Option<&'static RsaParameters> {
    Some(match algorithm {
        "RS256" => &RSA_PKCS1_2048_8192_SHA256,
        "RS384" => &RSA_PKCS1_2048_8192_SHA384,
        "RS512" => &RSA_PKCS1_2048_8192_SHA512,
        "PS256" => &RSA_PSS_2048_8192_SHA256,
        "PS384" => &RSA_PSS_2048_8192_SHA384,
        "PS512" => &RSA_PSS_2048_8192_SHA512,
        _ => return None,
    })
}

/// Returns a number as ring takes it.
fn without_zeros(mut number: Vec<u8>) -> Vec<u8> {
    let zeros = number.iter().take_while(|byte| **byte == 0).count();
    number.drain(..zeros);
    number
}
