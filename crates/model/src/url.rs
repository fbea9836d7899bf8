//! Recognises URLs where a file or a directory is expected.

/// Schemes that users write for a location. They are recognised even without the colon.
const KNOWN_SCHEMES: [&str; 20] = [
    "s3",
    "s3a",
    "s3n",
    "gs",
    "gcs",
    "az",
    "abfs",
    "abfss",
    "wasb",
    "wasbs",
    "adl",
    "hdfs",
    "dbfs",
    "file",
    "http",
    "https",
    "ftp",
    "sqlite",
    "postgres",
    "postgresql",
];

/// Returns the scheme of a text that looks like a URL, as it is written: `s3` of `s3:/bucket`, `S3` of `S3://bucket`, and
/// `s3` of `s3//bucket`, where the colon is missing. `None` for a path.
///
/// A relative path whose first part contains a colon looks like a URL too; with `./` before it, it is a path.
///
/// ```
/// use domesday_model::url_scheme;
///
/// assert_eq!(url_scheme("s3:/bucket/x"), Some("s3"));
/// assert_eq!(url_scheme("file:out"), Some("file"));
/// assert_eq!(url_scheme("./s3:/bucket/x"), None);
/// assert_eq!(url_scheme("/srv/2026-11-24T02:00"), None);
/// ```
#[must_use]
pub fn url_scheme(text: &str) -> Option<&str> {
    let text = text.trim_start();
    let first = text.split(['/', '\\']).next().unwrap_or_default();
    let rest = &text[first.len()..];
    let Some((scheme, after)) = first.split_once(':') else {
        let is_known = KNOWN_SCHEMES.iter().any(|known| first.eq_ignore_ascii_case(known));
        return (is_known && rest.starts_with("//")).then_some(first);
    };
    // A drive of Windows.
    if cfg!(windows) && scheme.len() == 1 {
        return None;
    }
    let is_scheme = scheme.starts_with(|c: char| c.is_ascii_alphabetic())
        && scheme.chars().all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c));
    let has_authority = after.is_empty() && rest.starts_with("//");
    (is_scheme || has_authority).then_some(scheme)
}

/// Whether a location ends in a query such as `?region=eu-central-1`. A question mark alone may be part of a name.
#[must_use]
pub fn has_url_query(text: &str) -> bool {
    text.split('?').skip(1).any(|query| {
        let name = query.split('=').next().unwrap_or_default();
        let is_name = name.chars().all(|c| c.is_ascii_alphanumeric() || "-_".contains(c));
        !name.is_empty() && is_name && query.len() > name.len()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_with_a_scheme_are_urls_and_paths_are_not() {
        let urls = [
            ("s3://bucket", "s3"),
            ("s3:/bucket", "s3"),
            ("s3:bucket", "s3"),
            ("S3://bucket", "S3"),
            (" s3://bucket", "s3"),
            ("s3//bucket", "s3"),
            ("https//host", "https"),
            ("s3:\\\\bucket", "s3"),
            ("s3a://bucket", "s3a"),
            ("unheard-of+1.x:", "unheard-of+1.x"),
            ("a:b", "a"),
            ("s3 ://bucket", "s3 "),
            ("://bucket", ""),
        ];
        for (text, scheme) in urls {
            assert_eq!(url_scheme(text), Some(scheme), "{text}");
        }
        for path in
            ["out", "./a:b", "../s3://b", "/s3:/b", "02:00", "a b:c", ":x", "s3", "s3/x", "other//x", ""]
        {
            assert_eq!(url_scheme(path), None, "{path}");
        }
        assert_eq!(url_scheme("C:\\out"), if cfg!(windows) { None } else { Some("C") });
    }

    #[test]
    fn a_query_has_a_name_and_a_value() {
        for text in ["x?region=eu", "x?a&b?region=", "x?x-id=GetObject"] {
            assert!(has_url_query(text), "{text}");
        }
        for text in ["x", "what?", "a?b/c", "a?b c=d", "?=x", "a=b"] {
            assert!(!has_url_query(text), "{text}");
        }
    }
}
