//! The ID token: a signed JSON Web Token (RFC 7515, RFC 7519) that the provider issued, for this service, now, for this
//! sign-in (OpenID Connect Core 1.0, section 3.1.3.7).

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use domesday_model::Instant;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::error::OidcError;
use super::keys::PublicKey;

/// How far the provider's clock may differ, in seconds.
const LEEWAY: i64 = 60;

/// The claims of a token.
pub(super) type Claims = Map<String, Value>;

/// What a token must fit.
#[derive(Debug, Clone, Copy)]
pub(super) struct Expected<'e> {
    pub(super) issuer: &'e str,
    pub(super) client_id: &'e str,
    pub(super) nonce: &'e str,
    pub(super) now: Instant,
}

/// Why a token is not accepted.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Rejection {
    /// None of the keys verifies it: the provider may have others by now.
    NoKey,
    /// It is not valid, for this reason.
    Invalid(&'static str),
}

impl From<Rejection> for OidcError {
    fn from(rejection: Rejection) -> Self {
        Self::InvalidToken(match rejection {
            Rejection::NoKey => "no key of the provider verifies its signature",
            Rejection::Invalid(reason) => reason,
        })
    }
}

/// The header of a token. A header that names what must be understood (`crit`) is not understood.
#[derive(Debug, Deserialize)]
struct Header {
    alg: String,
    kid: Option<String>,
    crit: Option<Value>,
}

/// Returns the claims of a token that is valid.
pub(super) fn validate(token: &str, keys: &[PublicKey], expected: Expected<'_>) -> Result<Claims, Rejection> {
    const NOT_SIGNED: Rejection = Rejection::Invalid("it is not a signed token");
    let (message, signature) = token.rsplit_once('.').ok_or(NOT_SIGNED)?;
    let (header, claims) = message.split_once('.').ok_or(NOT_SIGNED)?;
    let header: Header = decode(header).ok_or(NOT_SIGNED)?;
    if header.crit.is_some() {
        return Err(Rejection::Invalid("its header requires what is not supported"));
    }
    let signature = URL_SAFE_NO_PAD.decode(signature).map_err(|_| NOT_SIGNED)?;
    let mut fitting = keys.iter().filter(|key| key.fits(header.kid.as_deref(), &header.alg));
    if !fitting.any(|key| key.verifies(&header.alg, message.as_bytes(), &signature)) {
        return Err(Rejection::NoKey);
    }
    let claims: Claims = decode(claims).ok_or(NOT_SIGNED)?;
    check_claims(&claims, expected).map_err(Rejection::Invalid)?;
    Ok(claims)
}

fn decode<T: DeserializeOwned>(part: &str) -> Option<T> {
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).ok()?).ok()
}

fn check_claims(claims: &Claims, expected: Expected<'_>) -> Result<(), &'static str> {
    let text = |name: &str| claims.get(name).and_then(Value::as_str);
    if text("iss") != Some(expected.issuer) {
        return Err("its issuer is not the provider");
    }
    let (is_for_us, is_shared) = match claims.get("aud") {
        Some(Value::String(audience)) => (audience == expected.client_id, false),
        Some(Value::Array(list)) => (list.iter().any(|one| one == expected.client_id), list.len() > 1),
        _ => (false, false),
    };
    if !is_for_us {
        return Err("it was issued for another client");
    }
    match text("azp") {
        Some(party) if party != expected.client_id => return Err("it was issued to another client"),
        None if is_shared => return Err("it has several audiences and does not say to whom it was issued"),
        _ => {}
    }
    let now = expected.now.as_micros().div_euclid(1_000_000);
    match seconds(claims, "exp") {
        Some(end) if now < end.saturating_add(LEEWAY) => {}
        _ => return Err("it has expired"),
    }
    for name in ["iat", "nbf"] {
        if seconds(claims, name).is_some_and(|start| start > now.saturating_add(LEEWAY)) {
            return Err("it was issued in the future");
        }
    }
    if text("nonce") != Some(expected.nonce) {
        return Err("its nonce is that of another sign-in");
    }
    if text("sub").is_none_or(str::is_empty) {
        return Err("it has no subject");
    }
    Ok(())
}

/// A time in seconds, which may have a fraction.
#[expect(clippy::cast_possible_truncation, reason = "a time beyond the range is as far away as its end")]
fn seconds(claims: &Claims, name: &str) -> Option<i64> {
    let value = claims.get(name)?;
    value.as_i64().or_else(|| value.as_f64().map(|seconds| seconds as i64))
}

#[cfg(test)]
mod tests {
    use ring::rand::SystemRandom;
    use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
    use serde_json::json;

    use super::*;

    const NOW: i64 = 1_800_000_000;

    struct Signer {
        pair: EcdsaKeyPair,
        random: SystemRandom,
    }

    fn encode(value: &Value) -> String {
        URL_SAFE_NO_PAD.encode(value.to_string())
    }

    impl Signer {
        fn new() -> Self {
            let random = SystemRandom::new();
            let key = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random).unwrap();
            let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, key.as_ref(), &random);
            Self { pair: pair.unwrap(), random }
        }

        fn published(&self, id: &str) -> Value {
            let point = self.pair.public_key().as_ref();
            let [x, y] = [&point[1..33], &point[33..]].map(|part| URL_SAFE_NO_PAD.encode(part));
            json!({ "kty": "EC", "crv": "P-256", "kid": id, "use": "sig", "alg": "ES256", "x": x, "y": y })
        }

        fn sign(&self, header: &Value, claims: &Value) -> String {
            let message = format!("{}.{}", encode(header), encode(claims));
            let signature = self.pair.sign(&self.random, message.as_bytes()).unwrap();
            format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature.as_ref()))
        }
    }

    fn expected() -> Expected<'static> {
        Expected {
            issuer: "https://login.example",
            client_id: "domesday",
            nonce: "n",
            now: Instant::from_micros(NOW * 1_000_000),
        }
    }

    fn claims() -> Value {
        json!({
            "iss": "https://login.example", "aud": "domesday", "exp": NOW + 300, "iat": NOW - 1, "nonce": "n",
            "sub": "1", "preferred_username": "ada"
        })
    }

    fn header() -> Value {
        json!({ "alg": "ES256", "kid": "1", "typ": "JWT" })
    }

    #[test]
    fn a_token_must_be_issued_by_the_provider_for_this_client_and_sign_in_and_be_valid_now() {
        let signer = Signer::new();
        let keys = [PublicKey::read(signer.published("1")).unwrap()];
        let check = |changes: Value| {
            let mut changed = claims();
            for (name, value) in changes.as_object().unwrap() {
                changed[name] = value.clone();
            }
            validate(&signer.sign(&header(), &changed), &keys, expected())
        };
        for valid in [
            json!({}),
            json!({ "aud": ["domesday"] }),
            json!({ "aud": ["domesday", "other"], "azp": "domesday" }),
            json!({ "exp": NOW - 59 }),
            json!({ "exp": 1_800_000_300.5 }),
            json!({ "iat": NOW + 60 }),
        ] {
            assert_eq!(check(valid.clone()).unwrap()["preferred_username"], "ada", "{valid}");
        }
        for invalid in [
            json!({ "iss": "https://evil.example" }),
            json!({ "iss": "https://login.example/" }),
            json!({ "iss": null }),
            json!({ "aud": "other" }),
            json!({ "aud": ["other"] }),
            json!({ "aud": ["domesday", "other"] }),
            json!({ "aud": ["domesday", "other"], "azp": "other" }),
            json!({ "azp": "other" }),
            json!({ "aud": null }),
            json!({ "exp": NOW - 60 }),
            json!({ "exp": null }),
            json!({ "exp": "1900000000" }),
            json!({ "iat": NOW + 61 }),
            json!({ "nbf": NOW + 61 }),
            json!({ "nonce": "other" }),
            json!({ "nonce": null }),
            json!({ "sub": "" }),
            json!({ "sub": 7 }),
        ] {
            assert!(matches!(check(invalid.clone()), Err(Rejection::Invalid(_))), "{invalid}");
        }
    }

    #[test]
    fn only_a_key_of_the_provider_signs_with_its_algorithm() {
        let (signer, other) = (Signer::new(), Signer::new());
        let keys = [PublicKey::read(signer.published("1")).unwrap()];
        let check = |token: &str| validate(token, &keys, expected()).map(drop);
        let signed = |header: Value| check(&signer.sign(&header, &claims()));
        assert_eq!(signed(header()), Ok(()));
        assert_eq!(signed(json!({ "alg": "ES256" })), Ok(()), "a key need not be named");
        assert_eq!(check(&other.sign(&header(), &claims())), Err(Rejection::NoKey));
        for algorithm in ["none", "HS256", "RS256", "ES384", "EdDSA", "es256", ""] {
            assert_eq!(signed(json!({ "alg": algorithm, "kid": "1" })), Err(Rejection::NoKey), "{algorithm}");
        }
        assert_eq!(signed(json!({ "alg": "ES256", "kid": "2" })), Err(Rejection::NoKey), "a rotated key");
        assert!(signed(json!({ "alg": "ES256", "crit": ["b64"], "b64": false })).is_err());
        let token = signer.sign(&header(), &claims());
        let (message, signature) = token.rsplit_once('.').unwrap();
        let forged = format!("{}.{}.{signature}", encode(&header()), encode(&json!({ "sub": "2" })));
        assert_eq!(check(&forged), Err(Rejection::NoKey));
        for broken in
            ["", ".", "..", message, &format!("{message}."), &format!("{message}.!"), &format!("{token}.x")]
        {
            assert!(check(broken).is_err(), "{broken}");
        }
    }

    #[test]
    fn keys_of_other_kinds_and_for_other_purposes_are_left_out() {
        let mut key = Signer::new().published("1");
        assert!(PublicKey::read(key.clone()).is_some());
        for (name, value) in [("use", "enc"), ("kty", "oct"), ("crv", "secp256k1"), ("x", "AA"), ("y", "!")] {
            let before = std::mem::replace(&mut key[name], value.into());
            assert!(PublicKey::read(key.clone()).is_none(), "{name} {value}");
            key[name] = before;
        }
    }
}
