//! The lookup rows of requests: who takes part in them, and which are pending.
//!
//! The documents are the source; these rows are written with each of them.

use std::collections::BTreeSet;

use domesday_model::{Kind, Request, RequestStatus, Target};
use serde_json::json;

use crate::StoreError;
use crate::database::{Database, Insert, Type, Value, values};

use super::documents::{Document, parse};

/// The version of the store that has these rows.
pub(crate) const VERSION: i64 = 9;

static STATES: Insert = Insert {
    table: "request_state",
    columns: &[
        ("name", Type::Text),
        ("status", Type::Text),
        ("username", Type::Text),
        ("made_by", Type::Text),
        ("asset", Type::Text),
        ("subject", Type::Text),
    ],
};

static PARTS: Insert = Insert {
    table: "request_part",
    columns: &[("name", Type::Text), ("username", Type::Text), ("is_party", Type::Integer)],
};

/// Writes the lookup rows of requests that are new or changed.
pub(crate) fn index<'d>(
    database: &mut Database,
    documents: impl Iterator<Item = &'d Document>,
    are_new: bool,
) -> Result<(), StoreError> {
    let mut requests: Vec<Request> = Vec::new();
    for document in documents.filter(|document| document.kind == Kind::Request) {
        if !are_new {
            forget(database, &document.name)?;
        }
        requests.push(parse(document.kind, &document.name, &document.text)?);
    }
    write(database, &requests)
}

/// Deletes the lookup rows of a request.
pub(crate) fn forget(database: &mut Database, name: &str) -> Result<(), StoreError> {
    database.execute("DELETE FROM request_state WHERE name = ?1", values![name])?;
    database.execute("DELETE FROM request_part WHERE name = ?1", values![name]).map(drop)
}

/// Writes the lookup rows of every request, in the migration that adds them.
pub(crate) fn fill(database: &mut Database) -> Result<(), StoreError> {
    let kind = Kind::Request;
    let sql = "SELECT name, document FROM object WHERE kind = ?1";
    let requests = database.all(sql, values![kind.key()], |row| parse(kind, row.text(0)?, row.text(1)?))?;
    write(database, &requests)
}

fn write(database: &mut Database, requests: &[Request]) -> Result<(), StoreError> {
    if requests.is_empty() {
        return Ok(());
    }
    let texts: Vec<_> = requests
        .iter()
        .map(|request| (status_text(request.status), asset(&request.target), subject(request)))
        .collect();
    let states = requests.iter().zip(&texts).map(|(request, (status, asset, subject))| {
        [
            Value::from(&request.id),
            Value::from(status),
            Value::from(&request.user),
            Value::from(request.made_by()),
            Value::from(asset),
            Value::from(subject),
        ]
    });
    database.insert_many(&STATES, states)?;
    let parts: Vec<_> = requests.iter().flat_map(parts).collect();
    let rows = parts.iter().map(|(name, username, is_party)| {
        [Value::from(*name), Value::from(*username), Value::from(i64::from(*is_party))]
    });
    database.insert_many(&PARTS, rows)
}

/// Returns the participants of a request, once for each part.
fn parts(request: &Request) -> BTreeSet<(&str, &str, bool)> {
    let parties = [request.user.as_str(), request.made_by()].map(|username| (username, true));
    let deciders = request.determinations.iter().map(|decision| (decision.by.as_str(), false));
    parties.into_iter().chain(deciders).map(|(name, party)| (request.id.as_str(), name, party)).collect()
}

pub(super) fn status_text(status: RequestStatus) -> String {
    let status = serde_json::to_value(status).expect("a status is plain data");
    status.as_str().unwrap_or_default().to_owned()
}

pub(super) fn asset(target: &Target) -> String {
    serde_json::to_string(target).expect("a target is plain data")
}

pub(super) fn subject(request: &Request) -> String {
    json!([request.kind, request.target, request.scope, request.columns]).to_string()
}
