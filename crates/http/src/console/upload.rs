//! Files that a browser uploads: forms of `multipart/form-data`, on the pages that take files. Who may not use a page uploads
//! nothing to it.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{DefaultBodyLimit, FromRequest, FromRequestParts, Multipart, Request};
use axum::http::header;
use axum::http::request::Parts;
use domesday_model::Permission;
use domesday_service::apply::max_catalog_bytes;
use domesday_service::caller::{Caller, Permit};
use domesday_service::{Config, ServiceError};
use http_body_util::Limited;

use super::form::Form;
use crate::problem::Problem;
use crate::state::App;

/// The page that takes the files of a catalog.
pub(super) const PATH: &str = "/console/catalog";

/// Who may upload a catalog.
pub(super) const PERMIT: Permit = Permit::AllOf(&[Permission::Governance, Permission::UserAdmin]);

/// Who may upload the files of a connection; of which, the page decides.
pub(super) const IMPORTERS: Permit = Permit::AnyOf(&[Permission::Governance, Permission::UserAdmin]);

/// How many fields and files a form may have.
const MAX_PARTS: usize = 5_000;

/// The longest name of a file, in bytes.
const MAX_NAME: usize = 500;

/// The files of a form.
#[derive(Debug, Clone, Default)]
pub(super) struct UploadedFiles {
    /// Their names and contents.
    pub(super) files: Arc<[(String, Vec<u8>)]>,
    /// The fields in which they were chosen, in the same order.
    fields: Arc<[String]>,
}

impl UploadedFiles {
    /// Returns the file that was chosen in a field, with its name.
    pub(super) fn in_field(&self, field: &str) -> Option<&(String, Vec<u8>)> {
        let at = self.fields.iter().position(|known| known == field)?;
        self.files.get(at)
    }
}

impl FromRequestParts<App> for UploadedFiles {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &App) -> Result<Self, Problem> {
        Ok(parts.extensions.get::<Self>().cloned().unwrap_or_default())
    }
}

/// Returns who may upload files to a page; none when it takes no files.
fn permit(path: &str) -> Option<Permit> {
    let is_import = path.starts_with("/console/connections/") && path.ends_with("/import");
    match path.strip_prefix(PATH) {
        Some(rest) if rest.is_empty() || rest.starts_with('/') => Some(PERMIT),
        _ => is_import.then_some(IMPORTERS),
    }
}

/// Whether a request uploads files to a page that takes some.
pub(super) fn is_upload(parts: &Parts) -> bool {
    let kind = parts.headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    permit(parts.uri.path()).is_some()
        && kind.is_some_and(|kind| kind.to_ascii_lowercase().starts_with("multipart/form-data"))
}

/// Reads the fields and the files of a form.
///
/// # Errors
/// When the caller may not upload files, or the form is too large or broke off.
pub(super) async fn read(
    config: &Config,
    caller: &Caller,
    parts: &Parts,
    body: Body,
) -> Result<(Form, UploadedFiles), ServiceError> {
    permit(parts.uri.path()).unwrap_or(PERMIT).check(caller)?;
    let most = max_catalog_bytes(config.max_body_bytes);
    let broken = || {
        let most = most >> 20;
        ServiceError::invalid(format!(
            "the files have more than {most} MiB together, or the upload broke off"
        ))
    };
    let mut request = Request::new(Body::new(Limited::new(body, most)));
    *request.headers_mut() = parts.headers.clone();
    DefaultBodyLimit::disable().apply(&mut request);
    let mut multipart = Multipart::from_request(request, &()).await.map_err(|_| broken())?;
    let (mut fields, mut files, mut places) = (Vec::new(), Vec::new(), Vec::new());
    while let Some(field) = multipart.next_field().await.map_err(|_| broken())? {
        if fields.len() + files.len() >= MAX_PARTS {
            return Err(ServiceError::invalid(format!("a form may have {MAX_PARTS} files")));
        }
        let name = field.name().unwrap_or_default().to_owned();
        let Some(file) = field.file_name().map(file_name) else {
            fields.push((name, field.text().await.map_err(|_| broken())?));
            continue;
        };
        let bytes = field.bytes().await.map_err(|_| broken())?;
        // A browser sends a file without a name where none was chosen.
        if !file.is_empty() {
            files.push((file, bytes.into()));
            places.push(name);
        }
    }
    Ok((Form::from_fields(fields), UploadedFiles { files: files.into(), fields: places.into() }))
}

/// The name of a file, without what no name contains.
pub(super) fn file_name(name: &str) -> String {
    let mut name: String = name.chars().filter(|character| !character.is_control()).collect();
    name.truncate(name.floor_char_boundary(MAX_NAME));
    name
}
