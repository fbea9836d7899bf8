//! A bucket with the exact semantics of `PutObject` and `ListObjectsV2`: a put replaces an object at one instant, a
//! listing shows every put before it, in pages, with times in seconds.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use domesday_delivery::SimulatedResponse;
use domesday_tables::{hex, sha256};
use jiff::Timestamp;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

use crate::bucket::{Caller, Object};
use crate::constants::{BUCKET, ENDPOINT, MINUTE, PATH, SECOND};
use crate::content::Content;
use crate::world::State;

/// By how much the time of a signature may differ from the bucket's.
const MAX_SKEW: i64 = 15 * MINUTE;

/// What is not encoded in keys of a listing with `encoding-type=url`.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'/').remove(b'~');

impl State {
    /// Receives a request whole, and answers it.
    pub(crate) fn receive(
        &mut self,
        caller: Caller,
        method: &str,
        url: &str,
        headers: &[(&'static str, String)],
        body: &[u8],
    ) -> SimulatedResponse {
        let header =
            |name: &str| headers.iter().find(|(known, _)| *known == name).map(|(_, value)| value.as_str());
        if header("authorization").is_none() {
            return refusal(403, "AccessDenied");
        }
        let signed_at = header("x-amz-date").and_then(parse_amz_date);
        if signed_at.is_none_or(|at| at.abs_diff(self.now) > MAX_SKEW.unsigned_abs()) {
            self.log(format_args!("replica {}: its clock is too wrong for the bucket", caller.replica));
            return refusal(403, "RequestTimeTooSkewed");
        }
        let digest = sha256(body);
        if header("x-amz-content-sha256").is_some_and(|stated| stated != hex(&digest)) {
            return refusal(400, "XAmzContentSHA256Mismatch");
        }
        let (address, query) = url.split_once('?').unwrap_or((url, ""));
        let Some(path) = address.strip_prefix(ENDPOINT) else { return refusal(400, "InvalidURI") };
        let path = percent_decode_str(path).decode_utf8_lossy().into_owned();
        self.attempt_calls(caller);
        match method {
            "GET" if path.trim_end_matches('/') == format!("/{BUCKET}") => self.list(query),
            "PUT" => {
                let Some(key) = path.strip_prefix(&format!("/{BUCKET}/{PATH}/")) else {
                    return refusal(404, "NoSuchBucket");
                };
                if header("x-amz-checksum-sha256")
                    .is_none_or(|stated| stated != BASE64_STANDARD.encode(digest))
                {
                    return refusal(400, "BadDigest");
                }
                self.put(caller, key, hex(&digest), body)
            }
            _ => refusal(501, "NotImplemented"),
        }
    }

    fn put(&mut self, caller: Caller, key: &str, sha256: String, body: &[u8]) -> SimulatedResponse {
        let content = match Content::read(key, body) {
            Ok(content) => content,
            Err(why) => {
                self.violate(format!("{key} cannot be read: {why}"));
                Content::Other
            }
        };
        self.log(format_args!("replica {}: put {key} ({content})", caller.replica));
        let etag = etag(&sha256);
        let (bytes, body) = (body.len(), self.bucket.keeps_bodies.then(|| body.to_vec()));
        let modified = self.now.div_euclid(SECOND);
        let object = Object { bytes, sha256, modified, content, body };
        self.check_put(caller, key, &object);
        self.bucket.objects.insert(key.to_owned(), object);
        self.check_after_put(caller, key);
        SimulatedResponse { status: 200, headers: vec![("etag", etag), self.date()], body: String::new() }
    }

    fn list(&mut self, query: &str) -> SimulatedResponse {
        let parameter = |name: &str| {
            let pair = query.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='));
            pair.map(|value| percent_decode_str(value).decode_utf8_lossy().into_owned())
        };
        if parameter("list-type").as_deref() != Some("2") {
            return refusal(501, "NotImplemented");
        }
        let within = format!("{PATH}/");
        let prefix = parameter("prefix").unwrap_or_default();
        let after = parameter("continuation-token");
        let page_size = if self.rng.per_mille(300) { self.rng.between(5, 60) } else { 1000 };
        let mut body = String::from("<ListBucketResult>");
        let (mut count, mut last, mut is_truncated) = (0, String::new(), false);
        for (key, object) in &self.bucket.objects {
            let full = format!("{within}{key}");
            if !full.starts_with(&prefix) || after.as_ref().is_some_and(|after| full <= *after) {
                continue;
            }
            if count == page_size {
                is_truncated = true;
                break;
            }
            count += 1;
            let modified = Timestamp::from_second(object.modified).unwrap_or_default();
            body.push_str(&format!(
                "<Contents><Key>{}</Key><LastModified>{modified}</LastModified><ETag>{}</ETag><Size>{}</Size></Contents>",
                utf8_percent_encode(&full, ENCODED),
                etag(&object.sha256),
                object.bytes,
            ));
            last = full;
        }
        body.push_str(&format!(
            "<EncodingType>url</EncodingType><KeyCount>{count}</KeyCount><IsTruncated>{is_truncated}</IsTruncated>"
        ));
        if is_truncated {
            // As in S3, the encoding of keys does not apply to the token. Keys here have nothing that XML escapes.
            body.push_str(&format!("<NextContinuationToken>{last}</NextContinuationToken>"));
        }
        body.push_str("</ListBucketResult>");
        self.log(format_args!("list {prefix}: {count} objects"));
        SimulatedResponse { status: 200, headers: vec![self.date()], body }
    }

    fn date(&self) -> (&'static str, String) {
        let now = Timestamp::from_microsecond(self.now).unwrap_or_default();
        ("date", now.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string())
    }
}

fn etag(sha256: &str) -> String {
    format!("\"{}\"", &sha256[..32])
}

/// Reads `20260101T020000Z`.
fn parse_amz_date(text: &str) -> Option<i64> {
    let digits = |range: std::ops::Range<usize>| text.get(range);
    let text = format!(
        "{}-{}-{}T{}:{}:{}Z",
        digits(0..4)?,
        digits(4..6)?,
        digits(6..8)?,
        digits(9..11)?,
        digits(11..13)?,
        digits(13..15)?
    );
    text.parse::<Timestamp>().ok().map(Timestamp::as_microsecond)
}

/// An error response of S3.
pub(crate) fn refusal(status: u16, code: &str) -> SimulatedResponse {
    let body =
        format!("<Error><Code>{code}</Code><Message>simulated</Message><RequestId>1</RequestId></Error>");
    SimulatedResponse { status, headers: vec![("content-type", "application/xml".to_owned())], body }
}
