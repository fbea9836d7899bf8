//! One attempt at each call that S3 is asked: list, put, and get for those who read.

use std::fs::File;
use std::io::Write;
use std::path::Path;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use domesday_tables::sha256;
use jiff::Timestamp;
use percent_encoding::percent_decode_str;

use super::S3Settings;
use super::answers::Element;
use super::credentials::{Credentials, Source};
use super::endpoint::{BucketAddress, partition};
use super::errors::{Asked, refusal};
use super::http::{self, Payload};
use super::sign::{Request, Scope, encode_pairs, encode_path, sign};
use crate::{Answer, DeliveryError, Listed, SpooledFile};

/// A bucket and whoever asks for it.
#[derive(Debug)]
pub(crate) struct Client {
    pub(crate) settings: S3Settings,
    pub(crate) source: Source,
    pub(crate) address: BucketAddress,
}

/// A page of a listing.
#[derive(Debug, Default)]
pub(crate) struct Page {
    /// Every object, by its full key.
    pub(crate) objects: Vec<Listed>,
    /// What asks for the next page, unless this is the last.
    pub(crate) next: Option<String>,
    /// The server's time.
    pub(crate) date: Option<Timestamp>,
}

/// What is asked, for errors.
#[derive(Clone, Copy)]
struct Call<'a> {
    action: &'static str,
    resource: &'a str,
    what: &'a str,
}

impl Client {
    /// One page of the objects under a full key prefix.
    pub(crate) fn list(&self, prefix: &str, after: Option<&str>) -> Result<Page, DeliveryError> {
        let mut query = vec![
            ("list-type".to_owned(), "2".to_owned()),
            ("encoding-type".to_owned(), "url".to_owned()),
            ("prefix".to_owned(), prefix.to_owned()),
        ];
        query.extend(after.map(|after| ("continuation-token".to_owned(), after.to_owned())));
        let resource = format!("{} (prefix {prefix})", self.bucket_arn());
        let call = Call { action: "s3:ListBucket", resource: &resource, what: &format!("list {prefix}") };
        let credentials = self.source.current()?;
        // A server that is told the bucket by the path knows it with and without a slash at the end.
        let path = self.address.path.trim_end_matches('/');
        let path = if path.is_empty() { "/" } else { path };
        let request = self.request("GET", path.to_owned(), query, sha256(b""));
        let url = self.address.endpoint.url(&request.path, &encode_pairs(&request.query));
        let headers = self.sign(&request, &credentials);
        let answer = self.source.means().http.send("GET", &url, &headers, Payload::Empty)?;
        let answer = self.checked(call, &credentials, answer)?;
        page(&answer).ok_or_else(|| DeliveryError::Refused {
            what: "read the listing".to_owned(),
            answer: Box::new(Answer {
                service: "S3",
                status: answer.status,
                message: "what came is no listing".to_owned(),
                ..Answer::default()
            }),
        })
    }

    /// Puts a spooled file under its key; gives the object's mark.
    pub(crate) fn put_file(&self, file: &SpooledFile) -> Result<Option<String>, DeliveryError> {
        let failed = |path: &Path, source| DeliveryError::from_io(path, source);
        let body = File::open(&file.path).map_err(|source| failed(&file.path, source))?;
        self.put(&file.key, file.sha256, Payload::File(&body, file.bytes))
    }

    /// Puts a text under a key.
    pub(crate) fn put_text(&self, key: &str, text: &str) -> Result<(), DeliveryError> {
        self.put(key, sha256(text.as_bytes()), Payload::Text(text)).map(drop)
    }

    fn put(&self, key: &str, digest: [u8; 32], body: Payload<'_>) -> Result<Option<String>, DeliveryError> {
        let full = self.settings.full_key(key);
        let resource = format!("{}/{full}", self.bucket_arn());
        let call = Call { action: "s3:PutObject", resource: &resource, what: &format!("put {full}") };
        let credentials = self.source.current()?;
        let path = format!("{}{}", self.address.path, encode_path(&full));
        let mut request = self.request("PUT", path, Vec::new(), digest);
        request.headers.push(("content-type", content_type(key).to_owned()));
        request.headers.push(("x-amz-checksum-sha256", BASE64_STANDARD.encode(digest)));
        if let Some(key) = &self.settings.kms_key_id {
            request.headers.push(("x-amz-server-side-encryption", "aws:kms".to_owned()));
            request.headers.push(("x-amz-server-side-encryption-aws-kms-key-id", key.clone()));
        }
        let url = self.address.endpoint.url(&request.path, "");
        let headers = self.sign(&request, &credentials);
        let answer = self.source.means().http.send("PUT", &url, &headers, body)?;
        let answer = self.checked(call, &credentials, answer)?;
        Ok(answer.header("etag").map(mark))
    }

    /// Reads an object whole into a writer. `false` when there is none.
    pub(crate) fn get(&self, key: &str, into: &mut dyn Write) -> Result<bool, DeliveryError> {
        let full = self.settings.full_key(key);
        let resource = format!("{}/{full}", self.bucket_arn());
        let call = Call { action: "s3:GetObject", resource: &resource, what: &format!("get {full}") };
        let credentials = self.source.current()?;
        let path = format!("{}{}", self.address.path, encode_path(&full));
        let request = self.request("GET", path, Vec::new(), sha256(b""));
        let url = self.address.endpoint.url(&request.path, "");
        let headers = self.sign(&request, &credentials);
        let answer = self.source.means().http.fetch(&url, &headers, into)?;
        if answer.status == 404 && Answer::of("S3", &answer).code == "NoSuchKey" {
            return Ok(false);
        }
        self.checked(call, &credentials, answer).map(|_| true)
    }

    fn bucket_arn(&self) -> String {
        format!("arn:{}:s3:::{}", partition(&self.settings.region), self.settings.bucket)
    }

    fn request(
        &self,
        method: &'static str,
        path: String,
        query: Vec<(String, String)>,
        body_sha256: [u8; 32],
    ) -> Request {
        let owner = self.settings.bucket_owner.iter();
        let headers = owner.map(|owner| ("x-amz-expected-bucket-owner", owner.clone())).collect();
        Request { method, host: self.address.endpoint.host().to_owned(), path, query, headers, body_sha256 }
    }

    fn sign(&self, request: &Request, credentials: &Credentials) -> Vec<(&'static str, String)> {
        let scope = Scope { region: &self.settings.region, service: "s3" };
        sign(request, credentials, scope, self.source.means().clock.now())
    }

    /// An answer that is a success, or the error it means.
    fn checked(
        &self,
        call: Call<'_>,
        credentials: &Credentials,
        answer: http::Answer,
    ) -> Result<http::Answer, DeliveryError> {
        if answer.is_success() {
            return Ok(answer);
        }
        let asked = Asked {
            service: "S3",
            action: call.action,
            resource: call.resource,
            what: call.what,
            bucket: &self.settings.bucket,
            region: &self.settings.region,
            access_key_id: &credentials.access_key_id,
            kms_key_id: self.settings.kms_key_id.as_deref(),
            at: self.source.means().clock.now(),
        };
        let error = refusal(asked, &answer);
        if matches!(error, DeliveryError::ExpiredSession { .. }) {
            self.source.forget(credentials);
        }
        Err(error)
    }
}

fn content_type(key: &str) -> &'static str {
    match key.rsplit_once('.').map(|(_, extension)| extension) {
        Some("parquet") => "application/vnd.apache.parquet",
        Some("json") => "application/json",
        Some("sql") => "text/plain; charset=utf-8",
        _ => "text/plain",
    }
}

/// An `ETag` without the quotes around it.
fn mark(etag: &str) -> String {
    etag.trim_matches('"').to_owned()
}

/// Reads a page of `ListObjectsV2`.
fn page(answer: &http::Answer) -> Option<Page> {
    let document = Element::parse(&answer.body).filter(|document| document.name == "ListBucketResult")?;
    let is_encoded = document.child("EncodingType").is_some_and(|encoding| encoding.text == "url");
    let mut page = Page { date: answer.date(), ..Page::default() };
    for object in document.inside.iter().filter(|element| element.name == "Contents") {
        let key = object.find("Key")?;
        // Encoded as a form is: a blank may stand as `+`.
        let decoded = || percent_decode_str(&key.replace('+', "%20")).decode_utf8().ok().map(String::from);
        let key = if is_encoded { decoded()? } else { object.child("Key")?.text.clone() };
        let bytes = object.find("Size")?.parse().ok()?;
        let modified: Timestamp = object.find("LastModified")?.parse().ok()?;
        let mark = object.find("ETag").map(mark);
        page.objects.push(Listed { key, bytes, modified: modified.into(), mark });
    }
    if document.find("IsTruncated") == Some("true") {
        page.next = Some(document.find("NextContinuationToken")?.to_owned());
    }
    Some(page)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(body: &str) -> Option<Page> {
        page(&http::Answer { status: 200, headers: ureq::http::HeaderMap::new(), body: body.to_owned() })
    }

    #[test]
    fn listings_are_read_with_their_next_page() {
        let body = "<ListBucketResult><IsTruncated>true</IsTruncated><EncodingType>url</EncodingType>\
            <NextContinuationToken>n/1</NextContinuationToken>\
            <Contents><Key>a%2Fb+c%C3%BC</Key><ETag>&quot;e1&quot;</ETag><Size>12</Size><LastModified>2026-01-01T00:00:00.000Z</LastModified></Contents>\
            </ListBucketResult>";
        let page = read(body).unwrap();
        let modified = "2026-01-01T00:00:00Z".parse().unwrap();
        let listed = Listed { key: "a/b cü".to_owned(), bytes: 12, modified, mark: Some("e1".to_owned()) };
        assert_eq!(page.objects, [listed]);
        assert_eq!(page.next.as_deref(), Some("n/1"));
        let plain = "<ListBucketResult><IsTruncated>false</IsTruncated>\
            <Contents><Key>a+b%20</Key><Size>0</Size><LastModified>2026-01-01T00:00:00Z</LastModified></Contents>\
            </ListBucketResult>";
        let page = read(plain).unwrap();
        assert_eq!((page.objects[0].key.as_str(), page.next), ("a+b%20", None));
    }

    #[test]
    fn a_listing_that_cannot_be_read_is_no_empty_listing() {
        for body in [
            "",
            "<html/>",
            "<ListBucketResult><Contents><Key>a</Key></Contents></ListBucketResult>",
            "<ListBucketResult><IsTruncated>true</IsTruncated></ListBucketResult>",
        ] {
            assert!(read(body).is_none(), "{body}");
        }
    }
}
