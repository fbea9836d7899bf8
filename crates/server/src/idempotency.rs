//! `Idempotency-Key`: a creating call that is sent again gets the answer of the first, and creates nothing twice.
//!
//! Answers are kept sealed, since one of them shows a new API key. Only answers of success are kept: a call that
//! failed changed nothing and may be tried again. What is created and its answer are one transaction of the store.

use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use domesday_store::{Call, Store};
use secrecy::ExposeSecret;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::problem::Problem;
use crate::service::App;

/// The header's name.
pub(crate) const HEADER: &str = "Idempotency-Key";

/// The longest key taken.
const LONGEST: usize = 255;

/// An answer as it is kept.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Created {
    pub(crate) status: u16,
    pub(crate) location: Option<String>,
    pub(crate) etag: Option<String>,
    pub(crate) body: serde_json::Value,
}

/// A key with what it stands for.
#[derive(Debug, Clone)]
pub(crate) struct Once {
    owner: String,
    key: String,
    hash: [u8; 32],
}

impl Once {
    /// The key of a request, if it has one.
    pub(crate) fn of(
        headers: &HeaderMap,
        owner: &str,
        path: &str,
        body: &[u8],
    ) -> Result<Option<Self>, Problem> {
        let Some(value) = headers.get(HEADER) else { return Ok(None) };
        let key = value.to_str().unwrap_or_default();
        if key.is_empty() || key.len() > LONGEST || !key.bytes().all(|byte| byte.is_ascii_graphic()) {
            let detail = format!("{HEADER} must be 1 to {LONGEST} characters of visible ASCII");
            return Err(Problem::bad_request(detail));
        }
        let mut hash = Sha256::new();
        hash.update((path.len() as u64).to_le_bytes());
        hash.update(path);
        hash.update(body);
        Ok(Some(Self { owner: owner.to_owned(), key: key.to_owned(), hash: hash.finalize().into() }))
    }

    fn call(&self) -> Call<'_> {
        Call { owner: &self.owner, key: &self.key, request_hash: &self.hash }
    }

    fn record(&self) -> String {
        format!("answer:{}:{}", self.owner, self.key)
    }
}

/// Creates something, once for each key: a twin of a call that is under way waits for its answer and gets the same.
pub(crate) fn create(
    app: &App,
    store: &mut Store,
    once: Option<&Once>,
    create: impl FnOnce(&mut Store) -> Result<Created, Problem>,
) -> Result<Created, Problem> {
    let Some(once) = once else { return create(store) };
    let (call, record) = (once.call(), once.record());
    let sealed = store.once(&call, app.now(), |store| -> Result<_, Problem> {
        let text = serde_json::to_vec(&create(store)?).expect("an answer is plain data");
        app.sealer.seal(&record, &text).map_err(|error| Problem::internal(&error))
    })?;
    let opened = app.sealer.open(&record, &sealed).map_err(|error| Problem::internal(&error))?;
    serde_json::from_slice(opened.expose_secret()).map_err(|error| Problem::internal(&error))
}

impl IntoResponse for Created {
    fn into_response(self) -> Response {
        let mut response = crate::route::json(self.body);
        *response.status_mut() = StatusCode::from_u16(self.status).unwrap_or(StatusCode::CREATED);
        for (name, value) in [("location", self.location), ("etag", self.etag)] {
            if let Some(value) = value.and_then(|value| HeaderValue::from_str(&value).ok()) {
                response.headers_mut().insert(name, value);
            }
        }
        response
    }
}
