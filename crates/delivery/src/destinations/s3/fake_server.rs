//! An S3 server in this process, for tests: put, list and get with the semantics of S3, in memory.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};

use domesday_tables::{hex, sha256};
use jiff::Timestamp;
use percent_encoding::{NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

/// Objects on a page of a listing: few, so that every listing has several pages.
const PAGE: usize = 2;

#[derive(Clone)]
struct Object {
    bytes: Vec<u8>,
    put_at: Timestamp,
}

type Objects = Arc<Mutex<BTreeMap<String, Object>>>;

/// The server. It answers until the process ends.
pub(crate) struct FakeServer {
    pub(crate) url: String,
}

struct HttpRequest {
    method: String,
    target: String,
    headers: BTreeMap<String, String>,
    body: Vec<u8>,
}

impl FakeServer {
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let served = Objects::default();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let served = Arc::clone(&served);
                std::thread::spawn(move || {
                    let Ok(mut stream) = stream else { return };
                    while let Some(request) = read_request(&mut stream) {
                        let (status, headers, body) = answer(&served, &request);
                        let head =
                            format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\n{headers}\r\n", body.len());
                        if stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(&body)).is_err() {
                            return;
                        }
                    }
                });
            }
        });
        Self { url }
    }
}

fn read_request(stream: &mut TcpStream) -> Option<HttpRequest> {
    let (mut head, mut byte) = (Vec::new(), [0]);
    while !head.ends_with(b"\r\n\r\n") {
        if stream.read(&mut byte).ok()? == 0 {
            return None;
        }
        head.push(byte[0]);
    }
    let head = String::from_utf8(head).ok()?;
    let mut lines = head.lines();
    let mut words = lines.next()?.split(' ').map(str::to_owned);
    let (method, target) = (words.next()?, words.next()?);
    let headers: BTreeMap<_, _> = lines
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
        .collect();
    if headers.contains_key("expect") {
        stream.write_all(b"HTTP/1.1 100 Continue\r\n\r\n").ok()?;
    }
    let length = headers.get("content-length").map_or(Some(0), |length| length.parse().ok())?;
    let mut body = vec![0; length];
    stream.read_exact(&mut body).ok()?;
    Some(HttpRequest { method, target, headers, body })
}

fn decode(text: &str) -> String {
    percent_decode_str(text).decode_utf8_lossy().into_owned()
}

fn answer(objects: &Objects, request: &HttpRequest) -> (&'static str, String, Vec<u8>) {
    let mut objects = objects.lock().unwrap_or_else(PoisonError::into_inner);
    let (path, query) = request.target.split_once('?').unwrap_or((&request.target, ""));
    let key = decode(path.trim_start_matches('/'));
    let refuse = |status, code: &str| {
        (status, String::new(), format!("<Error><Code>{code}</Code></Error>").into_bytes())
    };
    match request.method.as_str() {
        "PUT" => {
            let digest = hex(&sha256(&request.body));
            if request.headers.get("x-amz-content-sha256") != Some(&digest) {
                return refuse("400 Bad Request", "XAmzContentSHA256Mismatch");
            }
            let etag = format!("etag: \"{digest}\"\r\n");
            objects.insert(key, Object { bytes: request.body.clone(), put_at: Timestamp::now() });
            ("200 OK", etag, Vec::new())
        }
        "GET" if query.contains("list-type=2") => ("200 OK", String::new(), list(&objects, &key, query)),
        "GET" => match objects.get(&key) {
            Some(object) => ("200 OK", String::new(), object.bytes.clone()),
            None => refuse("404 Not Found", "NoSuchKey"),
        },
        _ => refuse("405 Method Not Allowed", "MethodNotAllowed"),
    }
}

fn list(objects: &BTreeMap<String, Object>, bucket: &str, query: &str) -> Vec<u8> {
    let parameter = |name: &str| {
        let found = query.split('&').filter_map(|pair| pair.split_once('=')).find(|(key, _)| *key == name);
        found.map(|(_, value)| decode(value)).unwrap_or_default()
    };
    let (prefix, after) = (format!("{bucket}/{}", parameter("prefix")), parameter("continuation-token"));
    let found: Vec<_> = objects
        .iter()
        .filter(|(key, _)| key.starts_with(&prefix) && key.as_str() > after.as_str())
        .take(PAGE + 1)
        .collect();
    let contents: String = found
        .iter()
        .take(PAGE)
        .map(|(key, object)| {
            let key = key.strip_prefix(&format!("{bucket}/")).unwrap_or_default();
            format!(
                "<Contents><Key>{}</Key><Size>{}</Size><LastModified>{}</LastModified><ETag>&quot;{}&quot;</ETag></Contents>",
                utf8_percent_encode(key, NON_ALPHANUMERIC),
                object.bytes.len(),
                object.put_at.strftime("%FT%TZ"),
                hex(&sha256(&object.bytes))
            )
        })
        .collect();
    let next = if found.len() > PAGE {
        let token = found[PAGE - 1].0;
        format!("<IsTruncated>true</IsTruncated><NextContinuationToken>{token}</NextContinuationToken>")
    } else {
        "<IsTruncated>false</IsTruncated>".to_owned()
    };
    format!("<ListBucketResult><EncodingType>url</EncodingType>{next}{contents}</ListBucketResult>")
        .into_bytes()
}
