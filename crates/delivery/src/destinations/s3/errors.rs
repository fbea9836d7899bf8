//! Error responses of S3 and STS, classified by what to do about them.
//!
//! The codes are those of "Error responses" in the S3 reference and "Common errors" in the STS reference. A code
//! that is not known is reported as it came, and classified by its status alone.

use jiff::Timestamp;

use super::settings::is_region;
use super::xml::Element;
use crate::http::HttpResponse;
use crate::text::{excerpt, excerpt_short};
use crate::{DeliveryError, ErrorResponse};

/// The call that was refused.
#[derive(Debug, Clone, Copy)]
pub(crate) struct CallDescription<'a> {
    /// `S3` or `STS`.
    pub(crate) service: &'static str,
    /// The action that is needed, such as `s3:PutObject`.
    pub(crate) action: &'static str,
    /// The ARN of the resource.
    pub(crate) resource: &'a str,
    /// The call in words, for refusals of no known kind.
    pub(crate) what: &'a str,
    pub(crate) bucket: &'a str,
    pub(crate) region: &'a str,
    pub(crate) access_key_id: &'a str,
    pub(crate) kms_key_id: Option<&'a str>,
    /// Whether this is a put that asks for no encryption.
    pub(crate) asked_no_encryption: bool,
    /// The time of the call, by this machine's clock.
    pub(crate) at: Timestamp,
}

impl ErrorResponse {
    /// Parses an error response.
    pub(crate) fn from_response(service: &'static str, response: &HttpResponse) -> Box<Self> {
        let document = Element::parse(&response.body);
        let find =
            |name: &str| document.as_ref().and_then(|document| document.find(name)).unwrap_or_default();
        let header = |name: &str| response.header(name).unwrap_or_default();
        let id = [find("RequestId"), header("x-amz-request-id"), header("x-amzn-requestid")];
        let request_id = id.into_iter().find(|id| !id.is_empty()).unwrap_or_default();
        Box::new(Self {
            service,
            status: response.status,
            code: excerpt_short(find("Code")),
            message: excerpt(find("Message")),
            request_id: excerpt_short(request_id),
        })
    }
}

/// Classifies an error response.
pub(crate) fn classify_refusal(call: CallDescription<'_>, response: &HttpResponse) -> DeliveryError {
    let error = ErrorResponse::from_response(call.service, response);
    let region = actual_region(response).filter(|region| region != call.region);
    let is_about_kms = error.message.contains("kms:") || error.message.contains("KMS");
    match error.code.as_str() {
        "AccessDenied" | "AllAccessDisabled" | "AccessDeniedException" | "UnauthorizedAccess" => {
            classify_denied(call, error, is_about_kms)
        }
        "NoSuchBucket" => DeliveryError::NoSuchBucket { bucket: call.bucket.to_owned(), response: error },
        "PermanentRedirect" | "TemporaryRedirect" | "IllegalLocationConstraintException" => {
            wrong_region(call, region, error)
        }
        "AuthorizationHeaderMalformed" | "AuthorizationQueryParametersError" | "InvalidRegion"
            if region.is_some() || error.message.contains("region") =>
        {
            wrong_region(call, region, error)
        }
        "InvalidAccessKeyId"
        | "InvalidClientTokenId"
        | "SignatureDoesNotMatch"
        | "NotSignedUp"
        | "UnrecognizedClientException"
        | "IncompleteSignature"
        | "InvalidSecurity" => {
            let is_about_time = ["Signature expired", "Signature not yet current"];
            if is_about_time.iter().any(|text| error.message.contains(text)) {
                return clock_skew(call, response, error);
            }
            DeliveryError::BadCredentials { access_key_id: call.access_key_id.to_owned(), response: error }
        }
        "ExpiredToken"
        | "ExpiredTokenException"
        | "TokenRefreshRequired"
        | "InvalidToken"
        | "ExpiredIdentityToken" => DeliveryError::ExpiredSession { response: error },
        "RequestTimeTooSkewed" | "RequestExpired" | "RequestInTheFuture" => clock_skew(call, response, error),
        code if code.starts_with("KMS.") || code.starts_with("Kms") => kms_unusable(call, error),
        "InvalidArgument" | "InvalidRequest" if is_about_kms && call.kms_key_id.is_some() => {
            kms_unusable(call, error)
        }
        "BadDigest"
        | "XAmzContentSHA256Mismatch"
        | "InvalidDigest"
        | "XAmzContentChecksumMismatch"
        | "IncompleteBody" => DeliveryError::Damaged { key: call.what.to_owned(), response: error },
        "SlowDown"
        | "Throttling"
        | "ThrottlingException"
        | "ThrottledException"
        | "RequestLimitExceeded"
        | "TooManyRequests"
        | "TooManyRequestsException"
        | "BandwidthLimitExceeded"
        | "RequestThrottled" => DeliveryError::Throttled { response: error },
        "InternalError"
        | "ServiceUnavailable"
        | "RequestTimeout"
        | "OperationAborted"
        | "ConditionalRequestConflict" => DeliveryError::Unavailable { response: error },
        _ => classify_by_status(call, region, response.header("location"), error),
    }
}

fn classify_by_status(
    call: CallDescription<'_>,
    region: Option<String>,
    location: Option<&str>,
    error: Box<ErrorResponse>,
) -> DeliveryError {
    match error.status {
        301 | 302 | 303 | 307 | 308 if region.is_some() || !error.code.is_empty() => {
            wrong_region(call, region, error)
        }
        300..=399 => redirected(call, location, error),
        400 if region.is_some() => wrong_region(call, region, error),
        403 if error.code.is_empty() => classify_denied(call, error, false),
        408 | 500 | 502 | 504 | 520..=599 => DeliveryError::Unavailable { response: error },
        429 | 503 => DeliveryError::Throttled { response: error },
        _ => DeliveryError::Refused { what: call.what.to_owned(), response: error },
    }
}

fn classify_denied(
    call: CallDescription<'_>,
    error: Box<ErrorResponse>,
    is_about_kms: bool,
) -> DeliveryError {
    if let Some(key) = call.kms_key_id.filter(|_| is_about_kms) {
        // S3 names the permission that the key refused; it encrypts with one and reads back with the other.
        let action =
            if error.message.contains("kms:Decrypt") { "kms:Decrypt" } else { "kms:GenerateDataKey" };
        let (action, resource) = (action.to_owned(), key.to_owned());
        return DeliveryError::MissingPermission {
            action,
            resource,
            asked_no_encryption: false,
            response: error,
        };
    }
    let (action, resource) = (call.action.to_owned(), call.resource.to_owned());
    let asked_no_encryption = call.asked_no_encryption;
    DeliveryError::MissingPermission { action, resource, asked_no_encryption, response: error }
}

/// A redirect that names no region. It is not followed: the request is signed for one host.
fn redirected(
    call: CallDescription<'_>,
    location: Option<&str>,
    mut response: Box<ErrorResponse>,
) -> DeliveryError {
    let location = location.map(|location| format!(" to {}", excerpt_short(location))).unwrap_or_default();
    response.message = format!("it redirects{location}, which is not followed {}", response.message);
    response.message.truncate(response.message.trim_end().len());
    DeliveryError::Refused { what: call.what.to_owned(), response }
}

fn wrong_region(
    call: CallDescription<'_>,
    actual: Option<String>,
    response: Box<ErrorResponse>,
) -> DeliveryError {
    let (bucket, used) = (call.bucket.to_owned(), call.region.to_owned());
    DeliveryError::WrongRegion { bucket, used, actual, response }
}

fn kms_unusable(call: CallDescription<'_>, response: Box<ErrorResponse>) -> DeliveryError {
    let key = call.kms_key_id.unwrap_or("of the bucket's default encryption").to_owned();
    DeliveryError::KmsUnusable { key, response }
}

fn clock_skew(
    call: CallDescription<'_>,
    response: &HttpResponse,
    error: Box<ErrorResponse>,
) -> DeliveryError {
    let ahead = response.date().map(|date| call.at.as_second() - date.as_second());
    DeliveryError::ClockSkew { ahead, response: error }
}

/// Returns the region that the service names for the bucket: in a header of S3, an element of the error, or its words.
/// An invalid name counts as none.
fn actual_region(response: &HttpResponse) -> Option<String> {
    let document = Element::parse(&response.body);
    let find = |name: &str| document.as_ref().and_then(|document| document.find(name));
    let in_words = || find("Message")?.split("expecting '").nth(1)?.split('\'').next();
    let named =
        response.header("x-amz-bucket-region").or_else(|| find("Region").filter(|region| !region.is_empty()));
    named.or_else(in_words).filter(|region| is_region(region)).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn classified(
        status: u16,
        headers: &[(&str, &str)],
        body: &str,
        kms_key_id: Option<&str>,
    ) -> DeliveryError {
        let mut response =
            HttpResponse { status, headers: ureq::http::HeaderMap::new(), body: body.to_owned() };
        for (name, value) in headers {
            let name = ureq::http::HeaderName::from_bytes(name.as_bytes()).unwrap();
            response.headers.insert(name, value.parse().unwrap());
        }
        let call = CallDescription {
            service: "S3",
            action: "s3:PutObject",
            resource: "arn:aws:s3:::b/p/*",
            what: "put p/v1/x",
            bucket: "b",
            region: "eu-central-1",
            access_key_id: "AKIA",
            kms_key_id,
            asked_no_encryption: kms_key_id.is_none(),
            at: "2026-01-01T01:00:00Z".parse().unwrap(),
        };
        classify_refusal(call, &response)
    }

    fn error(code: &str, message: &str) -> String {
        format!("<Error><Code>{code}</Code><Message>{message}</Message><RequestId>R1</RequestId></Error>")
    }

    /// Every kind of refusal with the whole message that its reader sees.
    #[test]
    fn refusals_say_what_to_do() {
        let key = Some("arn:aws:kms:eu-central-1:1:key/k");
        let date = [("date", "Thu, 01 Jan 2026 00:00:00 GMT")];
        let region = [("x-amz-bucket-region", "us-west-2")];
        let told: Vec<String> = [
            classified(403, &[], &error("AccessDenied", "Access Denied"), None),
            classified(
                403,
                &[],
                &error("AccessDenied", "not authorized to perform: kms:GenerateDataKey"),
                key,
            ),
            classified(404, &[], &error("NoSuchBucket", "The specified bucket does not exist"), None),
            classified(301, &region, &error("PermanentRedirect", "use the endpoint"), None),
            classified(
                400,
                &[],
                &error("AuthorizationHeaderMalformed", "the region 'x' is wrong; expecting 'us-east-2'"),
                None,
            ),
            classified(403, &[], &error("InvalidAccessKeyId", "no such key"), None),
            classified(403, &[], &error("SignatureDoesNotMatch", "does not match"), None),
            classified(
                403,
                &[],
                &error("SignatureDoesNotMatch", "Signature expired: 1 is now earlier"),
                None,
            ),
            classified(400, &[], &error("ExpiredToken", "The provided token has expired."), None),
            classified(403, &date, &error("RequestTimeTooSkewed", "too large"), None),
            classified(400, &[], &error("KMS.DisabledException", "is disabled."), key),
            classified(400, &[], &error("BadDigest", "did not match"), None),
            classified(503, &[], &error("SlowDown", "Please reduce your request rate."), None),
            classified(503, &[], "<html>busy</html>", None),
            classified(500, &[("x-amz-request-id", "H7")], "", None),
            classified(418, &[], &error("Teapot", "short  and\n stout"), None),
        ]
        .iter()
        .map(|error| format!("{}: {error}", error.kind()))
        .collect();
        insta::assert_snapshot!(told.join("\n"));
    }

    #[test]
    fn only_what_can_heal_is_tried_again() {
        let is_retryable =
            |status, code: &str| classified(status, &[], &error(code, ""), None).is_retryable();
        for code in ["SlowDown", "InternalError", "RequestTimeout", "BadDigest", "ExpiredToken"] {
            assert!(is_retryable(400, code), "{code}");
        }
        for code in
            ["AccessDenied", "NoSuchBucket", "PermanentRedirect", "SignatureDoesNotMatch", "MalformedXML"]
        {
            assert!(!is_retryable(403, code), "{code}");
        }
        for code in
            ["PreconditionFailed", "NotImplemented", "EntityTooLarge", "InvalidBucketName", "ValidationError"]
        {
            assert!(!is_retryable(400, code), "{code}");
        }
        for status in [400, 401, 402, 404, 405, 411, 412, 413, 431, 451, 501, 505, 507] {
            assert!(!classified(status, &[], "", None).is_retryable(), "{status}");
        }
        for status in [408, 429, 500, 502, 503, 504, 524] {
            assert!(classified(status, &[], "", None).is_retryable(), "{status}");
        }
        assert!(classified(502, &[], "", None).is_retryable());
        assert!(!classified(404, &[], "", None).is_retryable());
    }
    #[test]
    fn a_redirect_is_not_followed_and_says_where_to() {
        let location = [("location", "https://elsewhere.test/login")];
        let refused = classified(302, &location, "<html/>", None);
        assert!(refused.to_string().contains("redirects to https://elsewhere.test/login"), "{refused}");
        assert_eq!((refused.kind(), refused.is_retryable()), ("refused", false));
    }

    #[test]
    fn what_a_server_says_is_quoted_within_bounds() {
        let long = "y\u{202e}\u{7}".repeat(100_000);
        let header = "z".repeat(60_000);
        let region = [("x-amz-bucket-region", header.as_str()), ("x-amz-request-id", header.as_str())];
        let body =
            format!("<Error><Code>{long}</Code><Message>{long}</Message><Region>{long}</Region></Error>");
        let refused = classified(403, &region, &body, None);
        let response = refused.response().unwrap();
        assert_eq!((response.code.chars().count(), response.message.chars().count()), (129, 501));
        assert!(response.request_id.len() < 140);
        assert!(!refused.to_string().contains(['\u{202e}', '\u{7}']));
        assert!(classified(301, &region, "", None).to_string().len() < 1_000);
        assert!(
            classified(400, &region, &error("AuthorizationHeaderMalformed", &long), None).to_string().len()
                < 2_000
        );
    }

    #[test]
    fn a_put_that_asked_for_no_encryption_hints_at_policies_that_require_it() {
        let denied = error("AccessDenied", "Access Denied");
        assert!(classified(403, &[], &denied, None).fix().contains("AES256"));
        assert!(
            !classified(403, &[], &denied, Some("arn:aws:kms:eu-central-1:1:key/k")).fix().contains("AES256")
        );
    }
}
