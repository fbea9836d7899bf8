//! Signatures of requests: AWS Signature Version 4, which covers the digest of the body.
//!
//! A request is written as one canonical text (method, path, query, headers, digest of the body); a key
//! derived from the secret, the day, the region and the service signs it. The rules are those of "Create a
//! signed AWS API request" in the AWS reference; the tests are the worked examples published for S3.

use hmac::{Hmac, KeyInit, Mac};
use jiff::Timestamp;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use secrecy::ExposeSecret;
use sha2::Sha256;

use domesday_tables::{hex, sha256};

use super::credentials::Credentials;

/// Characters that RFC 3986 does not encode; every other is `%XX` in the canonical text.
const UNRESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// The same for the path of a key, whose slashes are not encoded.
const UNRESERVED_PATH: &AsciiSet = &UNRESERVED.remove(b'/');

/// A request before it is signed.
#[derive(Debug, Clone)]
pub(crate) struct SignableRequest {
    pub(crate) method: &'static str,
    /// The value of the `Host` header: host, and port unless it is the scheme's default.
    pub(crate) host: String,
    /// Encoded, beginning with `/`.
    pub(crate) path: String,
    /// Not encoded.
    pub(crate) query: Vec<(String, String)>,
    /// Lower-case names; all of them are signed.
    pub(crate) headers: Vec<(&'static str, String)>,
    /// SHA-256 of the body.
    pub(crate) body_sha256: [u8; 32],
}

/// The scope in which a signature is valid.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SigningScope<'a> {
    pub(crate) region: &'a str,
    pub(crate) service: &'static str,
}

/// Encodes a text for a path, except its slashes.
pub(crate) fn encode_path(path: &str) -> String {
    utf8_percent_encode(path, UNRESERVED_PATH).to_string()
}

/// Encodes a text for a query or a form.
pub(crate) fn encode(text: &str) -> String {
    utf8_percent_encode(text, UNRESERVED).to_string()
}

/// Encodes pairs as a query or a form, in the order of their names.
pub(crate) fn encode_pairs(pairs: &[(String, String)]) -> String {
    let mut encoded: Vec<_> = pairs.iter().map(|(name, value)| (encode(name), encode(value))).collect();
    encoded.sort_unstable();
    encoded.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("&")
}

/// Returns the headers of a request with its signature at an instant: all headers except `Host`.
pub(crate) fn sign(
    request: &SignableRequest,
    credentials: &Credentials,
    scope: SigningScope<'_>,
    at: Timestamp,
) -> Vec<(&'static str, String)> {
    let (time, day) = (at.strftime("%Y%m%dT%H%M%SZ").to_string(), at.strftime("%Y%m%d").to_string());
    let digest = hex(&request.body_sha256);

    let mut headers = request.headers.clone();
    headers.push(("x-amz-content-sha256", digest.clone()));
    headers.push(("x-amz-date", time.clone()));
    if let Some(token) = &credentials.session_token {
        headers.push(("x-amz-security-token", token.expose_secret().to_owned()));
    }
    let mut signed = headers.clone();
    signed.push(("host", request.host.clone()));
    signed.sort_unstable_by_key(|(name, _)| *name);
    let names = signed.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(";");
    let lines: String = signed.iter().map(|(name, value)| format!("{name}:{}\n", value.trim())).collect();

    let canonical = format!(
        "{}\n{}\n{}\n{lines}\n{names}\n{digest}",
        request.method,
        request.path,
        encode_pairs(&request.query)
    );
    let place = format!("{day}/{}/{}/aws4_request", scope.region, scope.service);
    let text = format!("AWS4-HMAC-SHA256\n{time}\n{place}\n{}", hex(&sha256(canonical.as_bytes())));
    let secret = format!("AWS4{}", credentials.secret_access_key.expose_secret());
    let key = [day.as_str(), scope.region, scope.service, "aws4_request"]
        .iter()
        .fold(secret.into_bytes(), |key: Vec<u8>, part| authenticate(&key, part).to_vec());
    let signature = hex(&authenticate(&key, &text));
    headers.push((
        "authorization",
        format!(
            "AWS4-HMAC-SHA256 Credential={}/{place},SignedHeaders={names},Signature={signature}",
            credentials.access_key_id
        ),
    ));
    headers
}

fn authenticate(key: &[u8], text: &str) -> [u8; 32] {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes a key of any length");
    mac.update(text.as_bytes());
    mac.finalize().into_bytes().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The examples of "Signature calculations for the Authorization header" in the S3 reference.
    fn signature(
        method: &'static str,
        path: &str,
        query: &[(&str, &str)],
        headers: &[(&'static str, &str)],
        body: &[u8],
    ) -> String {
        let credentials = Credentials {
            access_key_id: "AKIAIOSFODNN7EXAMPLE".into(),
            secret_access_key: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY".into(),
            session_token: None,
            expires_at: None,
        };
        let request = SignableRequest {
            method,
            host: "examplebucket.s3.amazonaws.com".into(),
            path: encode_path(path),
            query: query.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect(),
            headers: headers.iter().map(|(name, value)| (*name, (*value).into())).collect(),
            body_sha256: sha256(body),
        };
        let scope = SigningScope { region: "us-east-1", service: "s3" };
        let headers = sign(&request, &credentials, scope, "2013-05-24T00:00:00Z".parse().unwrap());
        let (name, value) = headers.last().unwrap();
        assert_eq!(*name, "authorization");
        value.rsplit_once("Signature=").unwrap().1.to_owned()
    }

    #[test]
    fn the_published_examples_come_out() {
        let get = signature("GET", "/test.txt", &[], &[("range", "bytes=0-9")], b"");
        assert_eq!(get, "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41");
        let headers =
            [("date", "Fri, 24 May 2013 00:00:00 GMT"), ("x-amz-storage-class", "REDUCED_REDUNDANCY")];
        let put = signature("PUT", "/test$file.text", &[], &headers, b"Welcome to Amazon S3.");
        assert_eq!(put, "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd");
        let lifecycle = signature("GET", "/", &[("lifecycle", "")], &[], b"");
        assert_eq!(lifecycle, "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543");
        let list = signature("GET", "/", &[("prefix", "J"), ("max-keys", "2")], &[], b"");
        assert_eq!(list, "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7");
    }

    #[test]
    fn a_session_token_is_sent_and_signed() {
        let credentials = Credentials {
            access_key_id: "A".into(),
            secret_access_key: "s".into(),
            session_token: Some("token/1".into()),
            expires_at: None,
        };
        let request = SignableRequest {
            method: "GET",
            host: "h".into(),
            path: "/".into(),
            query: Vec::new(),
            headers: Vec::new(),
            body_sha256: sha256(b""),
        };
        let scope = SigningScope { region: "r", service: "s3" };
        let headers = sign(&request, &credentials, scope, Timestamp::UNIX_EPOCH);
        assert!(headers.contains(&("x-amz-security-token", "token/1".to_owned())));
        let (_, authorization) = headers.last().unwrap();
        assert!(authorization.contains("host;x-amz-content-sha256;x-amz-date;x-amz-security-token"));
    }

    #[test]
    fn keys_are_encoded_once_and_keep_their_slashes() {
        assert_eq!(encode_path("/a b/ü+=~._-"), "/a%20b/%C3%BC%2B%3D~._-");
        assert_eq!(encode("a/b"), "a%2Fb");
        let pairs = [("prefix".to_owned(), "a b".to_owned()), ("list-type".to_owned(), "2".to_owned())];
        assert_eq!(encode_pairs(&pairs), "list-type=2&prefix=a%20b");
    }
}
