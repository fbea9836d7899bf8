//! Entity tags: what of `If-Match` and `If-None-Match` a change understands (RFC 9110, section 13.1).

use axum::http::{HeaderMap, header};
use domesday_store::IfMatch;

use crate::problem::Problem;

/// What a change asks of the thing that it replaces.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Condition {
    Any,
    MustNotExist,
    MustExist,
    Etag(String),
}

impl Condition {
    /// The condition that a request states.
    pub(crate) fn of(headers: &HeaderMap) -> Result<Self, Problem> {
        let text = |name: header::HeaderName| match headers.get(&name) {
            None => Ok(None),
            Some(value) => value
                .to_str()
                .map(|text| Some(text.trim()))
                .map_err(|_| Problem::bad_request(format!("{name} holds what is no entity tag"))),
        };
        match (text(header::IF_MATCH)?, text(header::IF_NONE_MATCH)?) {
            (None, None) => Ok(Self::Any),
            (Some("*"), None) => Ok(Self::MustExist),
            (None, Some("*")) => Ok(Self::MustNotExist),
            (Some(tag), None) => tag
                .strip_prefix('"')
                .and_then(|rest| rest.strip_suffix('"'))
                .filter(|tag| !tag.contains('"'))
                .map(|tag| Self::Etag(tag.to_owned()))
                .ok_or_else(|| {
                    Problem::bad_request("If-Match takes one strong entity tag in quotes, or `*`")
                }),
            (None, Some(_)) => Err(Problem::bad_request("a change takes If-None-Match with `*` only")),
            (Some(_), Some(_)) => Err(Problem::bad_request("send If-Match or If-None-Match, not both")),
        }
    }

    /// As the store takes it.
    pub(crate) fn as_if_match(&self) -> IfMatch<'_> {
        match self {
            Self::Any => IfMatch::Any,
            Self::MustNotExist => IfMatch::MustNotExist,
            Self::MustExist => IfMatch::MustExist,
            Self::Etag(tag) => IfMatch::Etag(tag),
        }
    }
}

/// An entity tag as a header has it.
pub(crate) fn quoted(tag: &str) -> String {
    format!("\"{tag}\"")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn condition(headers: &[(header::HeaderName, &str)]) -> Result<Condition, Problem> {
        Condition::of(&headers.iter().map(|(name, value)| (name.clone(), value.parse().unwrap())).collect())
    }

    #[test]
    fn what_the_headers_mean() {
        assert_eq!(condition(&[]).unwrap(), Condition::Any);
        assert_eq!(condition(&[(header::IF_MATCH, "\"ab\"")]).unwrap(), Condition::Etag("ab".into()));
        assert_eq!(condition(&[(header::IF_MATCH, "*")]).unwrap(), Condition::MustExist);
        assert_eq!(condition(&[(header::IF_NONE_MATCH, "*")]).unwrap(), Condition::MustNotExist);
        for wrong in ["ab", "W/\"ab\"", "\"a\", \"b\"", "\""] {
            assert!(condition(&[(header::IF_MATCH, wrong)]).is_err(), "{wrong}");
        }
    }
}
