//! A service in this process, on a port of its own, with a database of its own and a clock that a test sets.

use std::path::Path;

use domesday_http::{Running, start};
use domesday_model::Instant;
use domesday_service::{Clock, Config};
use secrecy::ExposeSecret;
use serde_json::{Value, json};
use tempfile::TempDir;

/// When the tests' worlds begin: midnight in Berlin, in winter.
pub(crate) const START: &str = "2026-01-14T23:00:00Z";

/// A service at work.
pub(crate) struct World {
    pub(crate) clock: Clock,
    /// The administrator's API key.
    pub(crate) admin: String,
    running: Option<Running>,
    runtime: tokio::runtime::Runtime,
    agent: ureq::Agent,
    dir: TempDir,
    settings: Vec<(String, String)>,
}

/// An answer.
#[derive(Debug)]
pub(crate) struct ApiResponse {
    pub(crate) status: u16,
    pub(crate) headers: ureq::http::HeaderMap,
    pub(crate) text: String,
}

/// An answer in bytes.
#[derive(Debug)]
pub(crate) struct RawAnswer {
    pub(crate) status: u16,
    pub(crate) headers: ureq::http::HeaderMap,
    pub(crate) body: Vec<u8>,
}

impl RawAnswer {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }
}

impl ApiResponse {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {}", self.text))
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// Fails unless the answer has this status.
    #[track_caller]
    pub(crate) fn expect(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{}", self.text);
        self
    }

    /// The kind of a problem.
    #[track_caller]
    pub(crate) fn problem(&self) -> String {
        assert_eq!(self.header("content-type"), "application/problem+json", "{}", self.text);
        let document = self.json();
        assert_eq!(document["status"], self.status);
        assert!(document["detail"].as_str().is_some_and(|detail| !detail.is_empty()));
        let kind = document["type"].as_str().unwrap();
        kind.strip_prefix("urn:domesday:problem:").unwrap().to_owned()
    }
}

impl World {
    pub(crate) fn new() -> Self {
        Self::with(&[])
    }

    /// A service with these settings, as environment variables name them.
    pub(crate) fn with(settings: &[(&str, &str)]) -> Self {
        let agent = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .build()
            .into();
        let mut world = Self {
            clock: Clock::standing_at(instant(START)),
            admin: String::new(),
            running: None,
            runtime: tokio::runtime::Builder::new_multi_thread()
                .enable_all()
                .worker_threads(2)
                .build()
                .unwrap(),
            agent,
            dir: tempfile::tempdir().unwrap(),
            settings: settings.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect(),
        };
        world.start();
        let key = world.running.as_ref().unwrap().first_key.as_ref();
        world.admin = key.expect("the first start makes a key").expose_secret().to_owned();
        world
    }

    /// Starts the service on what its directory holds.
    pub(crate) fn start(&mut self) {
        let database = self.dir.path().join("governance.db");
        let config = Config::read(None, |name| match name {
            "DOMESDAY_LISTEN" => Some("127.0.0.1:0".into()),
            "DOMESDAY_STORE" => Some(database.display().to_string()),
            "DOMESDAY_TENANT_NAME" => Some("Acme".into()),
            "DOMESDAY_TIME_ZONE" => Some("Europe/Berlin".into()),
            name => self.settings.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone()),
        });
        let running = self.runtime.block_on(start(config.unwrap(), self.clock.clone()));
        self.running = Some(running.unwrap());
    }

    /// Stops the service in good order.
    pub(crate) fn stop(&mut self) {
        if let Some(running) = self.running.take() {
            self.runtime.block_on(running.stop());
        }
    }

    /// Whether the last start made a key.
    pub(crate) fn made_a_key(&self) -> bool {
        self.running.as_ref().unwrap().first_key.is_some()
    }

    /// The link that signs in the operator, when the last start created one.
    pub(crate) fn sign_in_link(&self) -> Option<String> {
        let link = self.running.as_ref().unwrap().sign_in_link.as_ref();
        link.map(|link| link.expose_secret().to_owned())
    }

    pub(crate) fn operations_address(&self) -> std::net::SocketAddr {
        self.running.as_ref().unwrap().operations_address.unwrap()
    }

    pub(crate) fn dir(&self) -> &Path {
        self.dir.path()
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.running.as_ref().unwrap().address)
    }

    /// Sends a request as the administrator.
    pub(crate) fn call(&self, method: &str, path: &str, body: Option<Value>) -> ApiResponse {
        self.call_as(&self.admin, method, path, body)
    }

    pub(crate) fn get(&self, path: &str) -> ApiResponse {
        self.call("GET", path, None)
    }

    /// Sends a request with a key.
    pub(crate) fn call_as(&self, key: &str, method: &str, path: &str, body: Option<Value>) -> ApiResponse {
        self.send(method, path, &[("authorization", key)], body.map(|body| body.to_string()))
    }

    /// Sends a request with these headers, and a body as JSON.
    pub(crate) fn send(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<String>,
    ) -> ApiResponse {
        let mut request = ureq::http::Request::builder().method(method).uri(self.url(path));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let response = match body {
            Some(body) => {
                if !headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("content-type")) {
                    request = request.header("content-type", "application/json");
                }
                self.agent.run(request.body(body).unwrap())
            }
            None => self.agent.run(request.body(()).unwrap()),
        };
        let mut response = response.unwrap_or_else(|error| panic!("{method} {path}: {error}"));
        let text = response.body_mut().with_config().limit(1 << 30).read_to_string().unwrap();
        ApiResponse { status: response.status().as_u16(), headers: response.headers().clone(), text }
    }

    /// Sends a request without a body, and returns the bytes of the answer.
    pub(crate) fn send_raw(&self, method: &str, path: &str, headers: &[(&str, &str)]) -> RawAnswer {
        let mut request = ureq::http::Request::builder().method(method).uri(self.url(path));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let response = self.agent.run(request.body(()).unwrap());
        let mut response = response.unwrap_or_else(|error| panic!("{method} {path}: {error}"));
        let body = response.body_mut().read_to_vec().unwrap();
        RawAnswer { status: response.status().as_u16(), headers: response.headers().clone(), body }
    }

    /// The catalog that the service holds, without requests, as one document; `requests` are added as they are written.
    pub(crate) fn catalog(&self, requests: &str) -> String {
        let list = |kind: &str| -> Value {
            let page = self.get(&format!("/api/v1/{kind}?limit=1000")).expect(200).json();
            page["items"].as_array().unwrap().iter().map(|item| item["document"].clone()).collect()
        };
        let kinds = [
            ("tags", "tags"),
            ("groups", "groups"),
            ("users", "users"),
            ("domains", "domains"),
            ("dataSources", "data-sources"),
            ("policies", "policies"),
            ("agreements", "agreements"),
            ("requestForms", "request-forms"),
            ("dataProducts", "data-products"),
        ];
        let lists = kinds.map(|(key, path)| format!("\"{key}\":{},", list(path)));
        format!("{{{}\"requests\":[{requests}]}}", lists.concat())
    }

    /// Applies a catalog.
    pub(crate) fn apply(&self, catalog: Value) {
        self.call("POST", "/api/v1/apply", Some(catalog)).expect(200);
    }

    /// Applies the example.
    pub(crate) fn apply_acme(&self) -> domesday_model::Catalog {
        let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/acme");
        let catalog = domesday_sources::load(&dir).unwrap().catalog;
        let mut store = domesday_store::Store::open(&self.dir().join("governance.db")).unwrap();
        let mut named = catalog.clone();
        named.tenant = None;
        let options = domesday_store::ApplyOptions { at: self.clock.now(), prune: false, dry_run: false };
        store.apply(&named, options).unwrap();
        catalog
    }

    /// Opens the database of the service behind its back.
    pub(crate) fn store(&self) -> domesday_store::Store {
        domesday_store::Store::open(&self.dir().join("governance.db")).unwrap()
    }

    /// Saves an export with an access key behind the service's back: no destination is asked.
    pub(crate) fn save_export(&self, document: &Value, secret: &str) {
        let key = std::fs::read_to_string(self.dir().join("governance.key")).unwrap();
        let sealer = domesday_service::Sealer::from_text(&key.into()).unwrap();
        let sealed =
            sealer.seal_secret(&domesday_service::export_record("default"), secret.as_bytes()).unwrap();
        let change = domesday_store::ChangeBy {
            actor: "administrator",
            origin: "test",
            from: None,
            at: self.clock.now(),
        };
        let any = domesday_store::IfMatch::Any;
        self.store().put_export("default", document, Some(&sealed), any, &change).unwrap();
    }

    /// Waits until something is so; the service does it on its own.
    pub(crate) fn wait_for<T>(&self, what: &str, mut look: impl FnMut() -> Option<T>) -> T {
        for _ in 0..1200 {
            if let Some(found) = look() {
                return found;
            }
            std::thread::sleep(std::time::Duration::from_millis(50));
        }
        panic!("{what} did not happen");
    }

    /// Makes a user with permissions, and a key of theirs.
    pub(crate) fn user(&self, username: &str, permissions: &[&str]) -> String {
        let user = json!({ "username": username, "permissions": permissions });
        self.call("PUT", &format!("/api/v1/users/{username}"), Some(user));
        let key = json!({ "name": "test", "owner": username });
        let answer = self.call("POST", "/api/v1/api-keys", Some(key)).expect(201);
        answer.json()["secret"].as_str().unwrap().to_owned()
    }
}

/// A request of which the service has everything but the body.
pub(crate) struct Paused {
    stream: std::net::TcpStream,
    body: String,
}

impl Paused {
    /// Sends the body and returns the status of the answer.
    pub(crate) fn finish(mut self) -> u16 {
        use std::io::{Read, Write};

        self.stream.write_all(self.body.as_bytes()).unwrap();
        let mut answer = String::new();
        self.stream.read_to_string(&mut answer).unwrap();
        answer.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or_else(|| panic!("{answer}"))
    }
}

impl World {
    /// Sends the head of a request and returns once the service asks for the body. By then it has let the request in.
    pub(crate) fn pause(&self, key: &str, method: &str, path: &str, body: &Value) -> Paused {
        use std::io::{Read, Write};

        let address = self.running.as_ref().unwrap().address;
        let body = body.to_string();
        let mut stream = std::net::TcpStream::connect(address).unwrap();
        let head = format!(
            "{method} {path} HTTP/1.1\r\nhost: {address}\r\nauthorization: {key}\r\nconnection: close\r\n\
             content-type: application/json\r\ncontent-length: {}\r\nexpect: 100-continue\r\n\r\n",
            body.len()
        );
        stream.write_all(head.as_bytes()).unwrap();
        let wanted = b"HTTP/1.1 100 Continue\r\n\r\n";
        let mut interim = vec![0; wanted.len()];
        stream.read_exact(&mut interim).unwrap();
        assert_eq!(interim, wanted, "{}", String::from_utf8_lossy(&interim));
        Paused { stream, body }
    }
}

impl Drop for World {
    fn drop(&mut self) {
        self.stop();
    }
}

pub(crate) fn instant(text: &str) -> Instant {
    text.parse().unwrap()
}

/// Later instants.
pub(crate) trait Later {
    fn after_seconds(self, seconds: i64) -> Self;
}

impl Later for Instant {
    fn after_seconds(self, seconds: i64) -> Self {
        Self::from_micros(self.as_micros() + seconds * 1_000_000)
    }
}
