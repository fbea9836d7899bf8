//! `Idempotency-Key`: a creating call that is sent again gets the answer of the first, and creates nothing twice.
//!
//! Answers belong to the API key that made the call, and to its rights: a key that has lost some gets none of the
//! answers from before. They are stored sealed and without secrets: what is shown once is not shown again. Only answers
//! of success are stored: a call that failed changed nothing and may be tried again. What is created and its answer are
//! one transaction of the store.

use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use domesday_model::Permission;
use domesday_store::{IdempotentCall, Store};
use secrecy::ExposeSecret;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::caller::Caller;
use crate::problem::Problem;
use crate::service::App;

/// The header's name.
pub(crate) const HEADER: &str = "Idempotency-Key";

/// The longest key taken.
const LONGEST: usize = 255;

/// An answer as it is stored: it holds no secret. What is shown once is added to the first answer as it goes out.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Created {
    pub(crate) status: u16,
    pub(crate) location: Option<String>,
    pub(crate) etag: Option<String>,
    /// As JSON text, in which numbers keep their digits.
    pub(crate) body: Box<serde_json::value::RawValue>,
}

/// What an API key could do when it got an answer.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Rights {
    permissions: Vec<Permission>,
    roles: bool,
}

/// An answer with the rights that it was given under.
#[derive(Debug, Serialize, Deserialize)]
struct Remembered {
    rights: Rights,
    answer: Created,
}

/// A key with what it stands for.
#[derive(Debug, Clone)]
pub(crate) struct Once {
    owner: String,
    rights: Rights,
    key: String,
    hash: [u8; 32],
}

impl Once {
    /// The key of a request, if it has one.
    pub(crate) fn of(
        headers: &HeaderMap,
        caller: &Caller,
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
        Ok(Some(Self {
            owner: caller.key.to_string(),
            rights: Rights { permissions: caller.permissions.clone(), roles: caller.roles },
            key: key.to_owned(),
            hash: hash.finalize().into(),
        }))
    }

    fn call(&self) -> IdempotentCall<'_> {
        IdempotentCall { owner: &self.owner, key: &self.key, request_hash: &self.hash }
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
    let mut first = None;
    let sealed = store.create_once(&call, app.now(), |store| -> Result<_, Problem> {
        let remembered = Remembered { rights: once.rights.clone(), answer: create(store)? };
        let text = serde_json::to_vec(&remembered).expect("an answer is plain data");
        first = Some(remembered.answer);
        app.sealer.seal(&record, &text).map_err(|error| Problem::internal(&error))
    })?;
    if let Some(answer) = first {
        return Ok(answer);
    }
    let opened = app.sealer.open(&record, &sealed).map_err(|error| Problem::internal(&error))?;
    let remembered: Remembered =
        serde_json::from_slice(opened.expose_secret()).map_err(|error| Problem::internal(&error))?;
    let Rights { permissions, roles } = remembered.rights;
    let held = |permission| once.rights.permissions.contains(permission);
    if !permissions.iter().all(held) || (roles && !once.rights.roles) {
        return Err(Problem::forbidden(
            "this call was answered when its API key could do more than it can now; the answer is not repeated",
        ));
    }
    Ok(remembered.answer)
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
