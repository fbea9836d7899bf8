//! Entity tags: the preconditions in `If-Match` and `If-None-Match` that a change understands (RFC 9110, section 13.1).

use axum::http::{HeaderMap, header};
use domesday_service::Precondition;

use crate::problem::Problem;

/// Reads the precondition that a request states.
///
/// # Errors
/// 400 when a header contains something else.
pub(crate) fn precondition(headers: &HeaderMap) -> Result<Precondition, Problem> {
    let text = |name: header::HeaderName| match headers.get(&name) {
        None => Ok(None),
        Some(value) => value
            .to_str()
            .map(|text| Some(text.trim()))
            .map_err(|_| Problem::bad_request(format!("{name} contains something that is no entity tag"))),
    };
    let if_match = match text(header::IF_MATCH)? {
        None => None,
        Some("*") => Some(Precondition::MustExist),
        Some(tag) => Some(Precondition::Etag(parse_strong(tag).ok_or_else(|| {
            Problem::bad_request("If-Match takes one strong entity tag in quotes, or `*`")
        })?)),
    };
    let if_none_match = match text(header::IF_NONE_MATCH)? {
        None => None,
        Some("*") => Some(Precondition::MustNotExist),
        Some(_) => return Err(Problem::bad_request("a change takes If-None-Match with `*` only")),
    };
    match (if_match, if_none_match) {
        (Some(_), Some(_)) => Ok(Precondition::Contradictory),
        (Some(precondition), None) | (None, Some(precondition)) => Ok(precondition),
        (None, None) => Ok(Precondition::None),
    }
}

/// Returns the text of a strong entity tag.
fn parse_strong(tag: &str) -> Option<String> {
    let inside = tag.strip_prefix('"')?.strip_suffix('"')?;
    let is_plain = !inside.is_empty() && inside.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'"');
    is_plain.then(|| inside.to_owned())
}

/// Returns an entity tag as a header has it.
pub(crate) fn quote(tag: &str) -> String {
    format!("\"{tag}\"")
}

#[cfg(test)]
mod tests {
    use axum::response::IntoResponse;

    use super::*;

    fn read(headers: &[(header::HeaderName, &str)]) -> Result<Precondition, Problem> {
        super::precondition(
            &headers.iter().map(|(name, value)| (name.clone(), value.parse().unwrap())).collect(),
        )
    }

    #[test]
    fn preconditions_are_met_or_not() {
        let status = |precondition: &Precondition, etag: Option<&str>| {
            precondition
                .check(etag, "it")
                .map_err(|error| Problem::from(error).into_response().status().as_u16())
        };
        let etag = Precondition::Etag("a".into());
        assert_eq!(
            (status(&Precondition::None, None), status(&Precondition::None, Some("a"))),
            (Ok(()), Ok(()))
        );
        assert_eq!(
            (status(&etag, Some("a")), status(&etag, Some("b")), status(&etag, None)),
            (Ok(()), Err(412), Err(404))
        );
        assert_eq!(status(&Precondition::MustNotExist, Some("a")), Err(412));
        assert_eq!(status(&Precondition::MustNotExist, None), Ok(()));
        assert_eq!(status(&Precondition::MustExist, None), Err(404));
        assert_eq!(status(&Precondition::Contradictory, Some("a")), Err(412));
    }

    #[test]
    fn headers_state_preconditions() {
        assert_eq!(read(&[]).unwrap(), Precondition::None);
        assert_eq!(read(&[(header::IF_MATCH, "\"ab\"")]).unwrap(), Precondition::Etag("ab".into()));
        assert_eq!(read(&[(header::IF_MATCH, "*")]).unwrap(), Precondition::MustExist);
        assert_eq!(read(&[(header::IF_NONE_MATCH, "*")]).unwrap(), Precondition::MustNotExist);
        for wrong in ["ab", "W/\"ab\"", "\"a\", \"b\"", "\"", "\"\""] {
            assert!(read(&[(header::IF_MATCH, wrong)]).is_err(), "{wrong}");
        }
    }
}
