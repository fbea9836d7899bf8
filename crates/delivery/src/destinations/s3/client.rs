//! One attempt at each call of S3: list and put for a delivery, get for readers.

use std::fs::File;
use std::io::Write;
use std::path::Path;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use domesday_tables::sha256;

use super::credentials::{Credentials, CredentialsResolver};
use super::endpoints::BucketAddress;
use super::errors::{CallDescription, classify_refusal};
use super::listing::{MAX_PAGE_BYTES, Page, read_page, unquote_etag};
use super::settings::{Encryption, S3Settings};
use super::signing::{SignableRequest, SigningScope, encode_pairs, encode_path, sign};
use crate::aws_partition::AwsPartition;
use crate::http::{HttpRequest, HttpResponse, MAX_SHORT_RESPONSE_BYTES, Payload};
use crate::{CallContext, DeliveryError, ErrorResponse, SpooledFile};

/// A bucket and the credentials of its caller.
#[derive(Debug)]
pub(crate) struct Client {
    pub(crate) settings: S3Settings,
    pub(crate) credentials: CredentialsResolver,
    pub(crate) address: BucketAddress,
}

/// A call, for errors.
#[derive(Clone, Copy)]
struct Call<'a> {
    action: &'static str,
    resource: &'a str,
    what: &'a str,
}

impl Client {
    pub(crate) fn call_context(&self) -> &CallContext {
        self.credentials.context().http.call_context()
    }

    /// Lists one page of the objects under a full key prefix.
    pub(crate) fn list(&self, prefix: &str, after: Option<&str>) -> Result<Page, DeliveryError> {
        let mut query = vec![
            ("list-type".to_owned(), "2".to_owned()),
            ("encoding-type".to_owned(), "url".to_owned()),
            ("prefix".to_owned(), prefix.to_owned()),
        ];
        query.extend(after.map(|after| ("continuation-token".to_owned(), after.to_owned())));
        let resource = format!("{} (prefix {prefix})", self.bucket_arn());
        let call = Call { action: "s3:ListBucket", resource: &resource, what: &format!("list {prefix}") };
        let credentials = self.credentials.current()?;
        // With the bucket in the path, a slash at the end may be left out.
        let path = self.address.path.trim_end_matches('/');
        let path = if path.is_empty() { "/" } else { path };
        let request = self.request("GET", path.to_owned(), query, sha256(b""));
        let url = self.address.endpoint.url(&request.path, &encode_pairs(&request.query));
        let headers = self.sign(&request, &credentials);
        let response = self.credentials.context().http.send(HttpRequest {
            method: "GET",
            url: &url,
            headers: &headers,
            payload: Payload::Empty,
            max_response_bytes: MAX_PAGE_BYTES,
            call: call.what,
        })?;
        read_page(&self.check_response(call, &credentials, response)?)
    }

    /// Puts a spooled file under its key, and returns the object's entity tag.
    pub(crate) fn put_file(&self, file: &SpooledFile) -> Result<Option<String>, DeliveryError> {
        let failed = |path: &Path, source| DeliveryError::from_io(path, source);
        let body = File::open(&file.path).map_err(|source| failed(&file.path, source))?;
        self.put(&file.key, file.sha256, Payload::File(body, file.bytes))
    }

    /// Puts a text under a key.
    pub(crate) fn put_text(&self, key: &str, text: &str) -> Result<(), DeliveryError> {
        self.put(key, sha256(text.as_bytes()), Payload::Text(text.to_owned())).map(drop)
    }

    fn put(&self, key: &str, digest: [u8; 32], body: Payload) -> Result<Option<String>, DeliveryError> {
        let full = self.settings.full_key(key);
        let resource = format!("{}/{full}", self.bucket_arn());
        let call = Call { action: "s3:PutObject", resource: &resource, what: &format!("put {full}") };
        let credentials = self.credentials.current()?;
        let path = format!("{}{}", self.address.path, encode_path(&full));
        let mut request = self.request("PUT", path, Vec::new(), digest);
        request.headers.push(("content-type", content_type(key).to_owned()));
        request.headers.push(("x-amz-checksum-sha256", BASE64_STANDARD.encode(digest)));
        if let Some(Encryption::Aes256) = self.settings.encryption {
            request.headers.push(("x-amz-server-side-encryption", "AES256".to_owned()));
        }
        if let Some(key) = &self.settings.kms_key_id {
            request.headers.push(("x-amz-server-side-encryption", "aws:kms".to_owned()));
            request.headers.push(("x-amz-server-side-encryption-aws-kms-key-id", key.clone()));
        }
        let url = self.address.endpoint.url(&request.path, "");
        let headers = self.sign(&request, &credentials);
        let response = self.credentials.context().http.send(HttpRequest {
            method: "PUT",
            url: &url,
            headers: &headers,
            payload: body,
            max_response_bytes: MAX_SHORT_RESPONSE_BYTES,
            call: call.what,
        })?;
        let response = self.check_response(call, &credentials, response)?;
        Ok(response.header("etag").map(unquote_etag).filter(|etag| etag.len() <= 256))
    }

    /// Copies an object into a writer; returns `false` when there is none.
    pub(crate) fn get(&self, key: &str, into: &mut dyn Write) -> Result<bool, DeliveryError> {
        let full = self.settings.full_key(key);
        let resource = format!("{}/{full}", self.bucket_arn());
        let call = Call { action: "s3:GetObject", resource: &resource, what: &format!("get {full}") };
        let credentials = self.credentials.current()?;
        let path = format!("{}{}", self.address.path, encode_path(&full));
        let request = self.request("GET", path, Vec::new(), sha256(b""));
        let url = self.address.endpoint.url(&request.path, "");
        let headers = self.sign(&request, &credentials);
        let response = self.credentials.context().http.fetch(&url, &headers, into)?;
        if response.status == 404 && ErrorResponse::from_response("S3", &response).code == "NoSuchKey" {
            return Ok(false);
        }
        self.check_response(call, &credentials, response).map(|_| true)
    }

    fn bucket_arn(&self) -> String {
        format!("arn:{}:s3:::{}", AwsPartition::from_region(&self.settings.region).name, self.settings.bucket)
    }

    fn request(
        &self,
        method: &'static str,
        path: String,
        query: Vec<(String, String)>,
        body_sha256: [u8; 32],
    ) -> SignableRequest {
        let owner = self.settings.bucket_owner.iter();
        let headers = owner.map(|owner| ("x-amz-expected-bucket-owner", owner.clone())).collect();
        SignableRequest {
            method,
            host: self.address.endpoint.host().to_owned(),
            path,
            query,
            headers,
            body_sha256,
        }
    }

    fn sign(&self, request: &SignableRequest, credentials: &Credentials) -> Vec<(&'static str, String)> {
        let scope = SigningScope { region: &self.settings.region, service: "s3" };
        sign(request, credentials, scope, self.credentials.context().now())
    }

    /// Returns a successful response, or the error of another.
    fn check_response(
        &self,
        call: Call<'_>,
        credentials: &Credentials,
        response: HttpResponse,
    ) -> Result<HttpResponse, DeliveryError> {
        if response.is_success() {
            return Ok(response);
        }
        let asked = CallDescription {
            service: "S3",
            action: call.action,
            resource: call.resource,
            what: call.what,
            bucket: &self.settings.bucket,
            region: &self.settings.region,
            access_key_id: &credentials.access_key_id,
            kms_key_id: self.settings.kms_key_id.as_deref(),
            asked_no_encryption: call.action == "s3:PutObject"
                && self.settings.kms_key_id.is_none()
                && self.settings.encryption.is_none(),
            at: self.credentials.context().now(),
        };
        let error = classify_refusal(asked, &response);
        if matches!(error, DeliveryError::ExpiredSession { .. }) {
            self.credentials.invalidate(credentials);
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
