//! Servers that hang, drip, never end or send too much: every call to them ends in time, within bounds of memory, and
//! with the real reason.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use uuid::Uuid;

use super::bucket::S3Bucket;
use super::listing_limits::ListingLimits;
use super::{S3Access, S3Config, S3Settings, SigningIdentity};
use crate::{
    CallContext, CancelReason, CheckStatus, DeliveryError, DeliveryNotice, Destination, Environment,
    NoticeHandler, RetryPolicy, SpooledFile, TenantName, Timeouts, verify,
};

/// Longer than any of these calls takes, on a machine that is busy.
const SOON: Duration = Duration::from_secs(20);

/// A server that answers each request as it likes.
struct Hostile {
    url: String,
    requests: Arc<AtomicUsize>,
}

impl Hostile {
    fn new(
        answer: impl Fn(usize, &str, &mut TcpStream) -> std::io::Result<()> + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let requests = Arc::new(AtomicUsize::new(0));
        let (answer, counted) = (Arc::new(answer), Arc::clone(&requests));
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let (answer, counted) = (Arc::clone(&answer), Arc::clone(&counted));
                std::thread::spawn(move || {
                    let Ok(mut stream) = stream else { return };
                    while let Some(head) = read_head(&mut stream) {
                        let number = counted.fetch_add(1, Ordering::SeqCst);
                        if answer(number, &head, &mut stream).is_err() {
                            return;
                        }
                    }
                });
            }
        });
        Self { url, requests }
    }

    /// One that sends the same text to whatever it is asked, then nothing.
    fn saying(text: String) -> Self {
        Self::new(move |_, _, stream| stream.write_all(text.as_bytes()))
    }

    fn target(&self) -> (S3Settings, S3Access) {
        let settings = S3Settings::new("acme-audit", "p", "eu-central-1").unwrap();
        let settings = settings.with(Some(&self.url), None, None).unwrap();
        let identity = SigningIdentity::access_key("AKIAEXAMPLE", "planted-word".into()).unwrap();
        let mut access = S3Access::new(identity, None, Environment::default());
        access.retry_policy = RetryPolicy::NONE;
        access.timeouts = Timeouts { call: Duration::from_millis(400), ..Timeouts::default() };
        (settings, access)
    }

    fn open(&self, change: impl FnOnce(&mut S3Access), call_context: CallContext) -> S3Bucket {
        let (settings, mut access) = self.target();
        change(&mut access);
        S3Bucket::open(&settings, access, &tenant(), call_context).unwrap()
    }

    fn list(&self) -> Result<crate::Listing, DeliveryError> {
        self.open(|_| {}, CallContext::new()).list("v1/")
    }
}

fn tenant() -> TenantName {
    TenantName { id: Uuid::nil(), name: "Acme".into() }
}

fn read_head(stream: &mut TcpStream) -> Option<String> {
    let (mut head, mut byte) = (Vec::new(), [0]);
    while !head.ends_with(b"\r\n\r\n") {
        if stream.read(&mut byte).ok()? == 0 {
            return None;
        }
        head.push(byte[0]);
    }
    String::from_utf8(head).ok()
}

fn ok(body: &str) -> String {
    format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}", body.len())
}

/// Waits a moment between two bytes; the call that is tested has its own, shorter limit.
fn drip() {
    std::thread::sleep(Duration::from_millis(30));
}

fn hang() -> ! {
    loop {
        std::thread::park();
    }
}

fn spooled(bytes: usize) -> (tempfile::NamedTempFile, SpooledFile) {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    let content = vec![7; bytes];
    file.write_all(&content).unwrap();
    let sha256 = domesday_tables::sha256(&content);
    let spooled =
        SpooledFile { key: "v1/x".into(), path: file.path().to_owned(), bytes: bytes as u64, sha256 };
    (file, spooled)
}

fn page(number: usize, keys: usize, next: &str) -> String {
    let object = |n: usize| {
        format!(
            "<Contents><Key>p/v1/foreign-{number}-{n}</Key><Size>1</Size><LastModified>2026-01-01T00:00:00Z</LastModified></Contents>"
        )
    };
    let objects: String = (0..keys).map(object).collect();
    ok(&format!(
        "<ListBucketResult><IsTruncated>true</IsTruncated><NextContinuationToken>{next}</NextContinuationToken>{objects}</ListBucketResult>"
    ))
}

#[test]
fn an_endless_listing_ends_with_the_limit_that_it_exceeds() {
    let server = Hostile::new(|n, _, stream| stream.write_all(page(n, 100, &format!("t{n}")).as_bytes()));
    let mut s3 = server.open(|access| access.timeouts = Timeouts::default(), CallContext::new());
    s3.limits = ListingLimits::for_test(50, 2_000);
    let error = s3.list_where("v1/", &|_| false).unwrap_err();
    assert_eq!((error.kind(), error.is_retryable()), ("limit-exceeded", false));
    assert!(error.to_string().contains("2000 objects"), "{error}");
    assert!(server.requests.load(Ordering::SeqCst) <= 21);
}

#[test]
fn a_listing_that_comes_back_to_a_page_ends() {
    let server = Hostile::new(|n, _, stream| stream.write_all(page(n, 1, &format!("t{}", n % 3)).as_bytes()));
    let s3 = server.open(|access| access.timeouts = Timeouts::default(), CallContext::new());
    let error = s3.list("v1/").unwrap_err();
    assert!(error.to_string().contains("continuation token `t0` leads back"), "{error}");
}

#[test]
fn a_server_that_hangs_or_drips_is_given_up() {
    let hanging = Hostile::new(|_, _, _| hang());
    let dripping_head = Hostile::new(|_, _, stream| {
        loop {
            stream.write_all(b"H")?;
            drip();
        }
    });
    let dripping_body = Hostile::new(|_, _, stream| {
        stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 100000\r\n\r\n")?;
        loop {
            stream.write_all(b" ")?;
            drip();
        }
    });
    let interim = Hostile::new(|_, _, stream| {
        loop {
            stream.write_all(b"HTTP/1.1 102 Processing\r\n\r\n")?;
            drip();
        }
    });
    for (name, server) in
        [("hang", hanging), ("head", dripping_head), ("body", dripping_body), ("interim", interim)]
    {
        let started = Instant::now();
        let error = server.list().unwrap_err();
        assert!(started.elapsed() < SOON, "{name}");
        assert!(["unreachable", "invalid-response"].contains(&error.kind()), "{name}: {error}");
    }
}

#[test]
fn cancelling_ends_a_call_that_hangs_and_says_what_it_waits_for() {
    let server = Hostile::new(|_, _, _| hang());
    let call_context = CallContext::new();
    let cancel = call_context.cancellation.clone();
    // The first notice is the sign that the call hangs.
    let notices = NoticeHandler::new(move |notice| {
        assert!(matches!(notice, DeliveryNotice::Waiting { call, .. } if call == "list p/v1/"), "{notice:?}");
        cancel.cancel(CancelReason::Requested);
    });
    let patient =
        Timeouts { call: Duration::from_secs(3600), idle: Duration::from_secs(3600), ..Timeouts::default() };
    let s3 = server.open(|access| access.timeouts = patient, CallContext { notices, ..call_context });
    let started = Instant::now();
    assert_eq!(s3.list("v1/").unwrap_err().kind(), "cancelled");
    assert!(started.elapsed() < SOON);
}

#[test]
fn what_is_too_large_is_not_read() {
    let endless = |head: &'static str| {
        Hostile::new(move |_, _, stream| {
            stream.write_all(head.as_bytes())?;
            loop {
                stream.write_all(&[b'a'; 64 << 10])?;
            }
        })
    };
    let patient = |server: &Hostile| {
        server
            .open(|access| access.timeouts = Timeouts::default(), CallContext::new())
            .list("v1/")
            .unwrap_err()
    };
    let error = patient(&endless("HTTP/1.1 200 OK\r\ncontent-length: 9000000000\r\n\r\n<ListBucketResult>"));
    assert_eq!(error.kind(), "limit-exceeded", "{error}");
    let error =
        patient(&endless("HTTP/1.1 403 Forbidden\r\ncontent-length: 9000000000\r\n\r\n<Error><Code>"));
    assert_eq!(error.kind(), "missing-permission", "{error}");
    let error = patient(&endless("HTTP/1.1 200 OK\r\nx-long: "));
    assert!(["limit-exceeded", "invalid-response"].contains(&error.kind()), "{error}");
}

#[test]
fn entities_and_compressed_answers_are_not_expanded() {
    let bomb = "<!DOCTYPE l [<!ENTITY a \"aaaaaaaaaaaaaaaa\"><!ENTITY b \"&a;&a;&a;&a;&a;&a;&a;&a;\">]>\
        <ListBucketResult><Name>&b;</Name></ListBucketResult>";
    let error = Hostile::saying(ok(bomb)).list().unwrap_err();
    assert!(error.to_string().contains("no listing: a document type"), "{error}");
    let error =
        Hostile::saying(format!("HTTP/1.1 403 Forbidden\r\ncontent-length: {}\r\n\r\n{bomb}", bomb.len()));
    assert_eq!(error.list().unwrap_err().kind(), "missing-permission");
    let text =
        "HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: 4\r\n\r\n\u{1f}~\u{8}\u{0}".to_owned();
    assert_eq!(Hostile::saying(text).list().unwrap_err().kind(), "refused");
}

#[test]
fn a_redirect_is_not_followed() {
    let server = Hostile::new(|n, _, stream| {
        let head = format!("HTTP/1.1 302 Found\r\nlocation: /round/{n}\r\ncontent-length: 0\r\n\r\n");
        stream.write_all(head.as_bytes())
    });
    let error = server.list().unwrap_err();
    assert!(error.to_string().contains("redirects to /round/0, which is not followed"), "{error}");
    assert_eq!(server.requests.load(Ordering::SeqCst), 1);
}

#[test]
fn a_put_has_the_time_that_its_size_needs_and_no_more() {
    let slow = |pause: Duration| {
        Hostile::new(move |_, head, stream| {
            if head.contains("expect: 100-continue") {
                stream.write_all(b"HTTP/1.1 100 Continue\r\n\r\n")?;
            }
            let (mut left, mut buffer) = (2 << 20, vec![0; 64 << 10]);
            while left > 0 {
                left -= stream.read(&mut buffer)?;
                std::thread::sleep(pause);
            }
            stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")
        })
    };
    let (_file, spooled) = spooled(2 << 20);
    let put = |server: &Hostile, min_rate: u64| {
        let timeouts = Timeouts { call: Duration::from_millis(100), min_rate, ..Timeouts::default() };
        let mut s3 = server.open(|access| access.timeouts = timeouts, CallContext::new());
        s3.deliver(&[vec![spooled.clone()]], &mut |_| {})
    };
    // At least 32 reads of 10 ms: longer than the time for a call without a body.
    assert!(put(&slow(Duration::from_millis(10)), 64 << 10).is_ok());
    let started = Instant::now();
    let error = put(&slow(Duration::from_secs(60)), 8 << 20).unwrap_err();
    assert_eq!(error.kind(), "unreachable", "{error}");
    assert!(started.elapsed() < SOON);
}

#[test]
fn nothing_more_of_a_body_is_sent_once_its_call_is_given_up() {
    let received = Arc::new(AtomicUsize::new(0));
    let (count, call_context) = (Arc::clone(&received), CallContext::new());
    let cancel = call_context.cancellation.clone();
    let server = Hostile::new(move |_, _, stream| {
        stream.write_all(b"HTTP/1.1 100 Continue\r\n\r\n")?;
        let mut buffer = vec![0; 64 << 10];
        loop {
            let read = stream.read(&mut buffer)?;
            if read == 0 {
                return Err(std::io::ErrorKind::UnexpectedEof.into());
            }
            count.fetch_add(read, Ordering::SeqCst);
            cancel.cancel(CancelReason::Requested);
        }
    });
    let (_file, spooled) = spooled(64 << 20);
    let mut s3 = server.open(|access| access.timeouts = Timeouts::default(), call_context);
    let error = s3.deliver(&[vec![spooled]], &mut |_| {}).unwrap_err();
    assert_eq!(error.kind(), "cancelled");
    drop(s3);
    assert!(received.load(Ordering::SeqCst) < 64 << 20);
}

#[test]
fn a_verification_ends_whatever_its_server_does() {
    let server = Hostile::new(|_, _, _| hang());
    let (settings, access) = server.target();
    let target = S3Config::new(settings, access);
    let started = Instant::now();
    let verification = verify(&target, &tenant(), &CallContext::new());
    assert!(started.elapsed() < SOON && !verification.ok);
    let failed: Vec<_> =
        verification.checks.iter().filter(|check| check.status == CheckStatus::Failed).collect();
    assert!(failed.iter().all(|check| check.kind.as_deref() == Some("unreachable")), "{failed:?}");

    let over = CallContext::new().with_deadline(Duration::ZERO);
    let verification = verify(&target, &tenant(), &over);
    assert!(verification.checks.iter().any(|check| check.kind.as_deref() == Some("deadline-exceeded")));
}

#[test]
fn what_can_never_succeed_is_tried_once() {
    // A port on which plain HTTP is spoken, asked by TLS: hopeless after a few attempts.
    let plain = TcpListener::bind("127.0.0.1:0").unwrap();
    let https = format!("https://{}", plain.local_addr().unwrap());
    std::thread::spawn(move || {
        for stream in plain.incoming() {
            // Whoever asked may be gone.
            let _ = stream.and_then(|mut stream| stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n"));
        }
    });
    let settings = S3Settings::new("acme-audit", "", "eu-central-1").unwrap();
    let settings = settings.with(Some(&https), None, None).unwrap();
    let identity = SigningIdentity::AccessKey { access_key_id: "A".into(), secret_access_key: "s".into() };
    let mut access = S3Access::new(identity, None, Environment::default());
    access.retry_policy = RetryPolicy::NONE;
    let error =
        S3Bucket::open(&settings, access, &tenant(), CallContext::new()).unwrap().list("v1/").unwrap_err();
    assert!(["tls-failed", "unreachable"].contains(&error.kind()), "{error}");

    // A key with a line break that came in past every check: no request is sent at all.
    let retried = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&retried);
    let notices = NoticeHandler::new(move |_| {
        count.fetch_add(1, Ordering::SeqCst);
    });
    let identity =
        SigningIdentity::AccessKey { access_key_id: "AKIA\n".into(), secret_access_key: "s".into() };
    let call_context = CallContext { notices, ..CallContext::new() };
    let server = Hostile::saying(ok("<ListBucketResult/>"));
    let (settings, mut access) = server.target();
    (access.identity, access.retry_policy) = (identity, RetryPolicy::default());
    let before = server.requests.load(Ordering::SeqCst);
    let error = S3Bucket::open(&settings, access, &tenant(), call_context).unwrap().list("v1/").unwrap_err();
    assert_eq!(error.kind(), "configuration");
    assert!(error.to_string().contains("character that HTTP does not allow"), "{error}");
    assert_eq!((retried.load(Ordering::SeqCst), server.requests.load(Ordering::SeqCst)), (0, before));
}
