//! What a request of SCIM consists of.

use std::collections::HashMap;

use axum::RequestExt;
use axum::extract::{FromRequest, FromRequestParts, RawPathParams, Request};
use axum::http::{HeaderMap, HeaderName, StatusCode, header};
use bytes::Bytes;
use domesday_service::scim::{EntityTags, ScimClient, ScimPrecondition, Search};
use domesday_sources::scim::{ResourceKind, ScimError, ScimErrorKind};
use percent_encoding::percent_decode_str;
use serde_json::Value;

use super::errors::{MEDIA_TYPE, ScimProblem};
use crate::body;
use crate::extract::json_text;
use crate::problem::Problem;
use crate::state::App;

/// The most attributes that a request names.
const MAX_ATTRIBUTES: usize = 200;

/// A request, whose client was let in.
pub(super) struct ScimRequest {
    pub(super) app: App,
    pub(super) client: ScimClient,
    /// The last part of the address, where a resource is named.
    pub(super) id: String,
    headers: HeaderMap,
    /// Parameters of the query, by name in lower case.
    query: HashMap<String, String>,
    body: Bytes,
}

impl FromRequest<App> for ScimRequest {
    type Rejection = ScimProblem;

    async fn from_request(request: Request, app: &App) -> Result<Self, ScimProblem> {
        let (mut parts, body) = request.into_parts();
        let client = parts
            .extensions
            .get::<ScimClient>()
            .cloned()
            .ok_or_else(|| ScimProblem::from(Problem::internal(&"a handler of SCIM has no client")))?;
        let parameters = RawPathParams::from_request_parts(&mut parts, &()).await.ok();
        let id = parameters.as_ref().and_then(|all| all.iter().find(|(name, _)| *name == "id"));
        let id = id.map(|(_, value)| value.to_owned()).unwrap_or_default();
        let query = parse_query(parts.uri.query().unwrap_or_default());
        let headers = parts.headers.clone();
        let request = Request::from_parts(parts, body);
        let body = body::read(request.with_limited_body().into_body()).await?;
        Ok(Self { app: app.clone(), client, id, headers, query, body })
    }
}

/// Reads the parameters of a query. Unknown ones are ignored, as RFC 7644 leaves them to the server.
fn parse_query(query: &str) -> HashMap<String, String> {
    let decode = |text: &str| percent_decode_str(&text.replace('+', " ")).decode_utf8_lossy().into_owned();
    let pairs = query.split('&').filter_map(|part| part.split_once('='));
    pairs.map(|(name, value)| (decode(name).to_lowercase(), decode(value))).collect()
}

fn invalid_value(detail: impl Into<String>) -> ScimProblem {
    ScimError::new(ScimErrorKind::InvalidValue, detail).into()
}

impl ScimRequest {
    /// Reads the body as JSON.
    pub(super) fn json(&self) -> Result<Value, ScimProblem> {
        let media_type = self.headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
        let media_type = media_type.and_then(|value| value.split(';').next()).unwrap_or_default().trim();
        let is_json = [MEDIA_TYPE, "application/json"].iter().any(|one| one.eq_ignore_ascii_case(media_type));
        if !is_json {
            let detail = format!("send the body as {MEDIA_TYPE}");
            return Err(ScimProblem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, detail));
        }
        let syntax = |detail: String| ScimProblem::from(ScimError::new(ScimErrorKind::InvalidSyntax, detail));
        let text = json_text(&self.body).map_err(|problem| syntax(problem.detail().to_owned()))?;
        domesday_sources::check_json(text).map_err(|wrong| {
            let first = wrong.iter().next();
            syntax(first.map_or_else(
                || "the body is not JSON".to_owned(),
                |first| {
                    format!("{} (line {}, column {} of the body)", first.message, first.line, first.column)
                },
            ))
        })?;
        serde_json::from_str(text).map_err(|error| syntax(format!("the body is not JSON: {error}")))
    }

    /// Whether the query has a parameter.
    pub(super) fn has(&self, name: &str) -> bool {
        self.query.contains_key(name)
    }

    /// The attributes that the answer contains, and those that it does not.
    pub(super) fn attributes(&self) -> Result<(Vec<String>, Vec<String>), ScimProblem> {
        Ok((self.list("attributes")?, self.list("excludedattributes")?))
    }

    fn list(&self, name: &str) -> Result<Vec<String>, ScimProblem> {
        bounded(split(self.query.get(name).map_or("", String::as_str)))
    }

    fn number(&self, name: &str, shown: &str) -> Result<Option<i64>, ScimProblem> {
        let Some(text) = self.query.get(name) else { return Ok(None) };
        let number =
            text.trim().parse().map_err(|_| invalid_value(format!("`{shown}` must be a whole number")))?;
        Ok(Some(number))
    }

    /// The list that the query asks for.
    pub(super) fn search(&self, kind: ResourceKind) -> Result<Search, ScimProblem> {
        let (attributes, excluded_attributes) = self.attributes()?;
        Ok(Search {
            kinds: vec![kind],
            filter: self.query.get("filter").cloned(),
            sort_by: self.query.get("sortby").cloned(),
            is_descending: is_descending(self.query.get("sortorder").map(String::as_str))?,
            start_index: self.number("startindex", "startIndex")?,
            count: self.number("count", "count")?,
            attributes,
            excluded_attributes,
        })
    }

    /// The list that the body asks for (RFC 7644, section 3.4.3).
    pub(super) fn search_in_body(&self, kinds: Vec<ResourceKind>) -> Result<Search, ScimProblem> {
        let Value::Object(body) = self.json()? else {
            return Err(ScimError::new(ScimErrorKind::InvalidSyntax, "the body must be a JSON object").into());
        };
        let field =
            |name: &str| body.iter().find(|(key, value)| key.eq_ignore_ascii_case(name) && !value.is_null());
        let text = |name: &str| match field(name) {
            None => Ok(None),
            Some((_, Value::String(text))) => Ok(Some(text.clone())),
            Some(_) => Err(invalid_value(format!("`{name}` must be a text"))),
        };
        let number = |name: &str| match field(name) {
            None => Ok(None),
            Some((_, value)) => {
                let number = value.as_i64();
                number.map(Some).ok_or_else(|| invalid_value(format!("`{name}` must be a whole number")))
            }
        };
        let list = |name: &str| match field(name) {
            None => Ok(Vec::new()),
            Some((_, Value::String(text))) => bounded(split(text)),
            Some((_, Value::Array(all))) => {
                let names = all.iter().filter_map(Value::as_str).map(str::to_owned).collect();
                bounded(names)
            }
            Some(_) => Err(invalid_value(format!("`{name}` must be a list of attributes"))),
        };
        Ok(Search {
            kinds,
            filter: text("filter")?,
            sort_by: text("sortBy")?,
            is_descending: is_descending(text("sortOrder")?.as_deref())?,
            start_index: number("startIndex")?,
            count: number("count")?,
            attributes: list("attributes")?,
            excluded_attributes: list("excludedAttributes")?,
        })
    }

    /// The precondition that the headers state.
    pub(super) fn precondition(&self) -> Result<ScimPrecondition, ScimProblem> {
        Ok(ScimPrecondition {
            if_match: self.entity_tags(&header::IF_MATCH)?,
            if_none_match: self.entity_tags(&header::IF_NONE_MATCH)?,
        })
    }

    fn entity_tags(&self, name: &HeaderName) -> Result<Option<EntityTags>, ScimProblem> {
        let Some(value) = self.headers.get(name) else { return Ok(None) };
        let tags = value.to_str().ok().and_then(parse_entity_tags);
        let detail = format!("{name} takes entity tags such as W/\"3-1\", or `*`");
        tags.map(Some).ok_or_else(|| ScimProblem::new(StatusCode::BAD_REQUEST, detail))
    }
}

fn split(text: &str) -> Vec<String> {
    text.split(',').map(str::trim).filter(|name| !name.is_empty()).map(str::to_owned).collect()
}

fn bounded(names: Vec<String>) -> Result<Vec<String>, ScimProblem> {
    if names.len() > MAX_ATTRIBUTES {
        return Err(invalid_value(format!("at most {MAX_ATTRIBUTES} attributes can be named")));
    }
    Ok(names)
}

fn is_descending(order: Option<&str>) -> Result<bool, ScimProblem> {
    match order.map(str::to_ascii_lowercase).as_deref() {
        None | Some("ascending") => Ok(false),
        Some("descending") => Ok(true),
        Some(_) => Err(invalid_value("`sortOrder` must be `ascending` or `descending`")),
    }
}

/// Reads a list of entity tags. They are compared weakly, as SCIM's are weak.
fn parse_entity_tags(text: &str) -> Option<EntityTags> {
    if text.trim() == "*" {
        return Some(EntityTags::Any);
    }
    let tag = |part: &str| {
        let part = part.trim();
        let quoted = part.strip_prefix("W/").or_else(|| part.strip_prefix("w/")).unwrap_or(part);
        Some(quoted.strip_prefix('"')?.strip_suffix('"')?.to_owned())
    };
    text.split(',').map(tag).collect::<Option<Vec<_>>>().map(EntityTags::OneOf)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entity_tags_are_compared_weakly() {
        let one = |tag: &str| Some(EntityTags::OneOf(vec![tag.to_owned()]));
        assert_eq!(parse_entity_tags("W/\"3-1\""), one("3-1"));
        assert_eq!(parse_entity_tags("\"3-1\""), one("3-1"));
        assert_eq!(parse_entity_tags(" * "), Some(EntityTags::Any));
        assert!(
            matches!(parse_entity_tags("\"a\", W/\"b\""), Some(EntityTags::OneOf(tags)) if tags.len() == 2)
        );
        for wrong in ["", "3-1", "\"3-1", "\"a\",b"] {
            assert_eq!(parse_entity_tags(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn queries_are_read_in_any_case_of_letters() {
        let query = parse_query("Filter=userName+eq+%22a%26b%22&startIndex=1&unknown");
        assert_eq!(query["filter"], "userName eq \"a&b\"");
        assert_eq!((query["startindex"].as_str(), query.len()), ("1", 2));
    }
}
