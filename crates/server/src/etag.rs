//! Entity tags: what of `If-Match` and `If-None-Match` a change understands (RFC 9110, section 13.1).

use axum::http::{HeaderMap, StatusCode, header};
use domesday_store::IfMatch;

use crate::problem::Problem;

/// What a change asks of the thing that it replaces.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Condition {
    Any,
    MustNotExist,
    MustExist,
    Etag(String),
    /// Both there and not there.
    Contradiction,
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
        let if_match = match text(header::IF_MATCH)? {
            None => None,
            Some("*") => Some(Self::MustExist),
            Some(tag) => Some(Self::Etag(strong(tag).ok_or_else(|| {
                Problem::bad_request("If-Match takes one strong entity tag in quotes, or `*`")
            })?)),
        };
        let if_none_match = match text(header::IF_NONE_MATCH)? {
            None => None,
            Some("*") => Some(Self::MustNotExist),
            Some(_) => return Err(Problem::bad_request("a change takes If-None-Match with `*` only")),
        };
        match (if_match, if_none_match) {
            (Some(_), Some(_)) => Ok(Self::Contradiction),
            (Some(condition), None) | (None, Some(condition)) => Ok(condition),
            (None, None) => Ok(Self::Any),
        }
    }

    /// Whether the condition holds of a thing with this entity tag, or of none. The store decides again in the
    /// transaction that writes; this refuses early what takes long to prepare.
    ///
    /// # Errors
    /// 412 when it does not hold, 404 when it asks for something that is not there.
    pub(crate) fn check(&self, etag: Option<&str>, what: &str) -> Result<(), Problem> {
        let failed = |detail: String| {
            Err(Problem::new(StatusCode::PRECONDITION_FAILED, "precondition-failed", detail))
        };
        match (self, etag) {
            (Self::Contradiction, _) => self.as_if_match().map(drop),
            (Self::MustNotExist, Some(_)) => failed(format!("{what} exists already")),
            (Self::Etag(expected), Some(etag)) if expected != etag => {
                failed(format!("{what} was changed by somebody else; read it again and repeat the change"))
            }
            (Self::Etag(_) | Self::MustExist, None) => {
                Err(Problem::not_found(format!("{what} does not exist")))
            }
            _ => Ok(()),
        }
    }

    /// As the store takes it.
    pub(crate) fn as_if_match(&self) -> Result<IfMatch<'_>, Problem> {
        match self {
            Self::Any => Ok(IfMatch::Any),
            Self::MustNotExist => Ok(IfMatch::MustNotExist),
            Self::MustExist => Ok(IfMatch::MustExist),
            Self::Etag(tag) => Ok(IfMatch::Etag(tag)),
            Self::Contradiction => Err(Problem::new(
                StatusCode::PRECONDITION_FAILED,
                "precondition-failed",
                "If-Match and If-None-Match cannot both hold; send one of them",
            )),
        }
    }
}

/// The text of a strong entity tag.
fn strong(tag: &str) -> Option<String> {
    let inside = tag.strip_prefix('"')?.strip_suffix('"')?;
    let plain = !inside.is_empty() && inside.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'"');
    plain.then(|| inside.to_owned())
}

/// An entity tag as a header has it.
pub(crate) fn quoted(tag: &str) -> String {
    format!("\"{tag}\"")
}

#[cfg(test)]
mod tests {
    use axum::response::IntoResponse;

    use super::*;

    fn condition(headers: &[(header::HeaderName, &str)]) -> Result<Condition, Problem> {
        Condition::of(&headers.iter().map(|(name, value)| (name.clone(), value.parse().unwrap())).collect())
    }

    #[test]
    fn a_condition_holds_or_not() {
        let status = |condition: &Condition, etag: Option<&str>| {
            condition.check(etag, "it").map_err(|problem| problem.into_response().status().as_u16())
        };
        let etag = Condition::Etag("a".into());
        assert_eq!((status(&Condition::Any, None), status(&Condition::Any, Some("a"))), (Ok(()), Ok(())));
        assert_eq!(
            (status(&etag, Some("a")), status(&etag, Some("b")), status(&etag, None)),
            (Ok(()), Err(412), Err(404))
        );
        assert_eq!(status(&Condition::MustNotExist, Some("a")), Err(412));
        assert_eq!(status(&Condition::MustNotExist, None), Ok(()));
        assert_eq!(status(&Condition::MustExist, None), Err(404));
        assert_eq!(status(&Condition::Contradiction, Some("a")), Err(412));
    }

    #[test]
    fn what_the_headers_mean() {
        assert_eq!(condition(&[]).unwrap(), Condition::Any);
        assert_eq!(condition(&[(header::IF_MATCH, "\"ab\"")]).unwrap(), Condition::Etag("ab".into()));
        assert_eq!(condition(&[(header::IF_MATCH, "*")]).unwrap(), Condition::MustExist);
        assert_eq!(condition(&[(header::IF_NONE_MATCH, "*")]).unwrap(), Condition::MustNotExist);
        for wrong in ["ab", "W/\"ab\"", "\"a\", \"b\"", "\"", "\"\""] {
            assert!(condition(&[(header::IF_MATCH, wrong)]).is_err(), "{wrong}");
        }
    }
}
