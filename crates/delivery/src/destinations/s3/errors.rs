//! Refusals of S3 and STS, sorted by what to do about them.
//!
//! The codes are those of "Error responses" in the S3 reference and "Common errors" in the STS reference. A code
//! that is not known is told as it came, and judged by its status alone.

use jiff::Timestamp;

use super::settings::is_region;
use super::xml::Element;
use crate::answer::{quoted, quoted_short};
use crate::http::HttpResponse;
use crate::{Answer, DeliveryError};

/// What was asked when the refusal came.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Asked<'a> {
    /// `S3` or `STS`.
    pub(crate) service: &'static str,
    /// The action that is needed, such as `s3:PutObject`.
    pub(crate) action: &'static str,
    /// On which ARN.
    pub(crate) resource: &'a str,
    /// In words, for refusals of no known kind.
    pub(crate) what: &'a str,
    pub(crate) bucket: &'a str,
    pub(crate) region: &'a str,
    pub(crate) access_key_id: &'a str,
    pub(crate) kms_key_id: Option<&'a str>,
    /// Whether this is a put that asks for no encryption.
    pub(crate) asked_no_encryption: bool,
    /// When it was asked, by this machine's clock.
    pub(crate) at: Timestamp,
}

impl Answer {
    /// What a refusal says of itself.
    pub(crate) fn of(service: &'static str, answer: &HttpResponse) -> Box<Self> {
        let document = Element::parse(&answer.body);
        let find =
            |name: &str| document.as_ref().and_then(|document| document.find(name)).unwrap_or_default();
        let header = |name: &str| answer.header(name).unwrap_or_default();
        let id = [find("RequestId"), header("x-amz-request-id"), header("x-amzn-requestid")];
        let request_id = id.into_iter().find(|id| !id.is_empty()).unwrap_or_default();
        Box::new(Self {
            service,
            status: answer.status,
            code: quoted_short(find("Code")),
            message: quoted(find("Message")),
            request_id: quoted_short(request_id),
        })
    }
}

/// Sorts a refusal.
pub(crate) fn refusal(asked: Asked<'_>, answer: &HttpResponse) -> DeliveryError {
    let said = Answer::of(asked.service, answer);
    let region = actual_region(answer).filter(|region| region != asked.region);
    let is_about_kms = said.message.contains("kms:") || said.message.contains("KMS");
    match said.code.as_str() {
        "AccessDenied" | "AllAccessDisabled" | "AccessDeniedException" | "UnauthorizedAccess" => {
            denied(asked, said, is_about_kms)
        }
        "NoSuchBucket" => DeliveryError::NoSuchBucket { bucket: asked.bucket.to_owned(), answer: said },
        "PermanentRedirect" | "TemporaryRedirect" | "IllegalLocationConstraintException" => {
            wrong_region(asked, region, said)
        }
        "AuthorizationHeaderMalformed" | "AuthorizationQueryParametersError" | "InvalidRegion"
            if region.is_some() || said.message.contains("region") =>
        {
            wrong_region(asked, region, said)
        }
        "InvalidAccessKeyId"
        | "InvalidClientTokenId"
        | "SignatureDoesNotMatch"
        | "NotSignedUp"
        | "UnrecognizedClientException"
        | "IncompleteSignature"
        | "InvalidSecurity" => {
            let is_about_time = ["Signature expired", "Signature not yet current"];
            if is_about_time.iter().any(|text| said.message.contains(text)) {
                return clock_skew(asked, answer, said);
            }
            DeliveryError::BadCredentials { access_key_id: asked.access_key_id.to_owned(), answer: said }
        }
        "ExpiredToken"
        | "ExpiredTokenException"
        | "TokenRefreshRequired"
        | "InvalidToken"
        | "ExpiredIdentityToken" => DeliveryError::ExpiredSession { answer: said },
        "RequestTimeTooSkewed" | "RequestExpired" | "RequestInTheFuture" => clock_skew(asked, answer, said),
        code if code.starts_with("KMS.") || code.starts_with("Kms") => kms_unusable(asked, said),
        "InvalidArgument" | "InvalidRequest" if is_about_kms && asked.kms_key_id.is_some() => {
            kms_unusable(asked, said)
        }
        "BadDigest"
        | "XAmzContentSHA256Mismatch"
        | "InvalidDigest"
        | "XAmzContentChecksumMismatch"
        | "IncompleteBody" => DeliveryError::Damaged { key: asked.what.to_owned(), answer: said },
        "SlowDown"
        | "Throttling"
        | "ThrottlingException"
        | "ThrottledException"
        | "RequestLimitExceeded"
        | "TooManyRequests"
        | "TooManyRequestsException"
        | "BandwidthLimitExceeded"
        | "RequestThrottled" => DeliveryError::Throttled { answer: said },
        "InternalError"
        | "ServiceUnavailable"
        | "RequestTimeout"
        | "OperationAborted"
        | "ConditionalRequestConflict" => DeliveryError::Unavailable { answer: said },
        _ => by_status(asked, region, answer.header("location"), said),
    }
}

fn by_status(
    asked: Asked<'_>,
    region: Option<String>,
    location: Option<&str>,
    said: Box<Answer>,
) -> DeliveryError {
    match said.status {
        301 | 302 | 303 | 307 | 308 if region.is_some() || !said.code.is_empty() => {
            wrong_region(asked, region, said)
        }
        300..=399 => redirected(asked, location, said),
        400 if region.is_some() => wrong_region(asked, region, said),
        403 if said.code.is_empty() => denied(asked, said, false),
        408 | 500 | 502 | 504 | 520..=599 => DeliveryError::Unavailable { answer: said },
        429 | 503 => DeliveryError::Throttled { answer: said },
        _ => DeliveryError::Refused { what: asked.what.to_owned(), answer: said },
    }
}

fn denied(asked: Asked<'_>, said: Box<Answer>, is_about_kms: bool) -> DeliveryError {
    if let Some(key) = asked.kms_key_id.filter(|_| is_about_kms) {
        // S3 names the right that the key refused; it encrypts with one and reads back with the other.
        let action = if said.message.contains("kms:Decrypt") { "kms:Decrypt" } else { "kms:GenerateDataKey" };
        let (action, resource) = (action.to_owned(), key.to_owned());
        return DeliveryError::MissingPermission {
            action,
            resource,
            asked_no_encryption: false,
            answer: said,
        };
    }
    let (action, resource) = (asked.action.to_owned(), asked.resource.to_owned());
    let asked_no_encryption = asked.asked_no_encryption;
    DeliveryError::MissingPermission { action, resource, asked_no_encryption, answer: said }
}

/// A redirect that says nothing of a region. It is not followed: the request is signed for one host.
fn redirected(asked: Asked<'_>, location: Option<&str>, mut answer: Box<Answer>) -> DeliveryError {
    let location = location.map(|location| format!(" to {}", quoted_short(location))).unwrap_or_default();
    answer.message = format!("it redirects{location}, which is not followed {}", answer.message);
    answer.message.truncate(answer.message.trim_end().len());
    DeliveryError::Refused { what: asked.what.to_owned(), answer }
}

fn wrong_region(asked: Asked<'_>, actual: Option<String>, answer: Box<Answer>) -> DeliveryError {
    let (bucket, used) = (asked.bucket.to_owned(), asked.region.to_owned());
    DeliveryError::WrongRegion { bucket, used, actual, answer }
}

fn kms_unusable(asked: Asked<'_>, answer: Box<Answer>) -> DeliveryError {
    let key = asked.kms_key_id.unwrap_or("of the bucket's default encryption").to_owned();
    DeliveryError::KmsUnusable { key, answer }
}

fn clock_skew(asked: Asked<'_>, answer: &HttpResponse, said: Box<Answer>) -> DeliveryError {
    let ahead = answer.date().map(|date| asked.at.as_second() - date.as_second());
    DeliveryError::ClockSkew { ahead, answer: said }
}

/// The region that the service says the bucket is in: a header of S3, an element of the error, or words. What cannot
/// be a region's name is none.
fn actual_region(answer: &HttpResponse) -> Option<String> {
    let document = Element::parse(&answer.body);
    let find = |name: &str| document.as_ref().and_then(|document| document.find(name));
    let in_words = || find("Message")?.split("expecting '").nth(1)?.split('\'').next();
    let named =
        answer.header("x-amz-bucket-region").or_else(|| find("Region").filter(|region| !region.is_empty()));
    named.or_else(in_words).filter(|region| is_region(region)).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sorted(status: u16, headers: &[(&str, &str)], body: &str, kms_key_id: Option<&str>) -> DeliveryError {
        let mut answer =
            HttpResponse { status, headers: ureq::http::HeaderMap::new(), body: body.to_owned() };
        for (name, value) in headers {
            let name = ureq::http::HeaderName::from_bytes(name.as_bytes()).unwrap();
            answer.headers.insert(name, value.parse().unwrap());
        }
        let asked = Asked {
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
        refusal(asked, &answer)
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
            sorted(403, &[], &error("AccessDenied", "Access Denied"), None),
            sorted(403, &[], &error("AccessDenied", "not authorized to perform: kms:GenerateDataKey"), key),
            sorted(404, &[], &error("NoSuchBucket", "The specified bucket does not exist"), None),
            sorted(301, &region, &error("PermanentRedirect", "use the endpoint"), None),
            sorted(
                400,
                &[],
                &error("AuthorizationHeaderMalformed", "the region 'x' is wrong; expecting 'us-east-2'"),
                None,
            ),
            sorted(403, &[], &error("InvalidAccessKeyId", "no such key"), None),
            sorted(403, &[], &error("SignatureDoesNotMatch", "does not match"), None),
            sorted(403, &[], &error("SignatureDoesNotMatch", "Signature expired: 1 is now earlier"), None),
            sorted(400, &[], &error("ExpiredToken", "The provided token has expired."), None),
            sorted(403, &date, &error("RequestTimeTooSkewed", "too large"), None),
            sorted(400, &[], &error("KMS.DisabledException", "is disabled."), key),
            sorted(400, &[], &error("BadDigest", "did not match"), None),
            sorted(503, &[], &error("SlowDown", "Please reduce your request rate."), None),
            sorted(503, &[], "<html>busy</html>", None),
            sorted(500, &[("x-amz-request-id", "H7")], "", None),
            sorted(418, &[], &error("Teapot", "short  and\n stout"), None),
        ]
        .iter()
        .map(|error| format!("{}: {error}", error.kind()))
        .collect();
        insta::assert_snapshot!(told.join("\n"));
    }

    #[test]
    fn only_what_can_heal_is_tried_again() {
        let heals = |status, code: &str| sorted(status, &[], &error(code, ""), None).heals();
        for code in ["SlowDown", "InternalError", "RequestTimeout", "BadDigest", "ExpiredToken"] {
            assert!(heals(400, code), "{code}");
        }
        for code in
            ["AccessDenied", "NoSuchBucket", "PermanentRedirect", "SignatureDoesNotMatch", "MalformedXML"]
        {
            assert!(!heals(403, code), "{code}");
        }
        for code in
            ["PreconditionFailed", "NotImplemented", "EntityTooLarge", "InvalidBucketName", "ValidationError"]
        {
            assert!(!heals(400, code), "{code}");
        }
        for status in [400, 401, 402, 404, 405, 411, 412, 413, 431, 451, 501, 505, 507] {
            assert!(!sorted(status, &[], "", None).heals(), "{status}");
        }
        for status in [408, 429, 500, 502, 503, 504, 524] {
            assert!(sorted(status, &[], "", None).heals(), "{status}");
        }
        assert!(sorted(502, &[], "", None).heals());
        assert!(!sorted(404, &[], "", None).heals());
    }
    #[test]
    fn a_redirect_is_not_followed_and_says_where_to() {
        let location = [("location", "https://elsewhere.test/login")];
        let refused = sorted(302, &location, "<html/>", None);
        assert!(refused.to_string().contains("redirects to https://elsewhere.test/login"), "{refused}");
        assert_eq!((refused.kind(), refused.heals()), ("refused", false));
    }

    #[test]
    fn what_a_server_says_is_quoted_within_bounds() {
        let long = "y\u{202e}\u{7}".repeat(100_000);
        let header = "z".repeat(60_000);
        let region = [("x-amz-bucket-region", header.as_str()), ("x-amz-request-id", header.as_str())];
        let body =
            format!("<Error><Code>{long}</Code><Message>{long}</Message><Region>{long}</Region></Error>");
        let refused = sorted(403, &region, &body, None);
        let answer = refused.answer().unwrap();
        assert_eq!((answer.code.chars().count(), answer.message.chars().count()), (129, 501));
        assert!(answer.request_id.len() < 140);
        assert!(!refused.to_string().contains(['\u{202e}', '\u{7}']));
        assert!(sorted(301, &region, "", None).to_string().len() < 1_000);
        assert!(
            sorted(400, &region, &error("AuthorizationHeaderMalformed", &long), None).to_string().len()
                < 2_000
        );
    }

    #[test]
    fn a_put_that_asked_for_no_encryption_hints_at_policies_that_require_it() {
        let denied = error("AccessDenied", "Access Denied");
        assert!(sorted(403, &[], &denied, None).fix().contains("AES256"));
        assert!(
            !sorted(403, &[], &denied, Some("arn:aws:kms:eu-central-1:1:key/k")).fix().contains("AES256")
        );
    }
}
