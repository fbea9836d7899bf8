//! Locations in SQL: strings of each engine, and the characters that an engine cannot read.
//!
//! What an engine does with a character is tested where the engine can run (`tests/s3/test_ddl.py`,
//! `tests/spark/test_ddl.py`), and is taken from its documentation otherwise.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::{DeliveryError, Engine};

/// Everything but what a URL's path may contain as it is.
const IN_URL_PATH: &AsciiSet =
    &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~').remove(b'/').remove(b'=');

/// Writes a text as a string of standard SQL: DuckDB, Trino.
pub(super) fn string(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// Writes a text as a string in which a backslash escapes: Snowflake, Spark, Hive, ClickHouse. Two quotes in a row would
/// end one string and begin another in some of them.
pub(super) fn escaped_string(text: &str) -> String {
    format!("'{}'", text.replace('\\', "\\\\").replace('\'', "\\'"))
}

/// Escapes a path of `DuckDB`, so that each of its characters stands for itself.
pub(super) fn duckdb_path(path: &str) -> String {
    let mut escaped = String::with_capacity(path.len());
    for character in path.chars() {
        match character {
            '*' | '?' | '[' => escaped.extend(['[', character, ']']),
            _ => escaped.push(character),
        }
    }
    escaped
}

/// Encodes a path for a URL.
pub(super) fn url_path(path: &str) -> String {
    utf8_percent_encode(path, IN_URL_PATH).to_string()
}

/// Refuses a path with a character that an engine gives a meaning and has no escape for.
pub(super) fn check_path(engine: Engine, root: &str, is_bucket: bool) -> Result<(), DeliveryError> {
    let (special, why) = match engine {
        Engine::Snowflake => ("", ""),
        Engine::Databricks => ("*?[]{}\\", "Spark reads it as part of a pattern"),
        Engine::Athena => ("*?[]{}\\", "Athena takes no patterns and no escapes in a location"),
        Engine::Trino => ("?#", "Trino reads it as the end of the path"),
        Engine::Duckdb if is_bucket => ("\\?", "DuckDB reads it as the end of a directory or of the path"),
        Engine::Duckdb => ("\\", "DuckDB reads it as the end of a directory"),
        Engine::Clickhouse if is_bucket => ("*?{}$", "ClickHouse reads it as part of a pattern"),
        Engine::Clickhouse => ("*?{}", "ClickHouse reads it as part of a pattern"),
    };
    let wrong = |message: String| Err(DeliveryError::Configuration { message });
    if root.chars().any(char::is_control) {
        return wrong(
            "the path contains a control character such as a line break; deliver to a path without"
                .to_owned(),
        );
    }
    match root.chars().find(|c| special.contains(*c)) {
        Some(found) => wrong(format!(
            "the path contains `{found}`, which cannot be written for the engine {engine}: {why}; deliver to a path \
             without it"
        )),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_character_stands_for_itself() {
        assert_eq!(string("it's \\"), "'it''s \\'");
        assert_eq!(escaped_string("it's \\"), "'it\\'s \\\\'");
        assert_eq!(duckdb_path("~/a*b?c[d]"), "~/a[*]b[?]c[[]d]");
        assert_eq!(url_path("a b/100%/\u{fc}?#+"), "a%20b/100%25/%C3%BC%3F%23%2B");
    }

    #[test]
    fn what_an_engine_cannot_be_given_is_refused_with_the_reason() {
        for engine in Engine::ALL {
            assert!(check_path(engine, "s3://acme/it's \"100%\" new;--\u{fc}/v1", true).is_ok(), "{engine}");
            assert!(check_path(engine, "out\nDROP TABLE x/v1", false).is_err(), "{engine}");
        }
        let error = check_path(Engine::Clickhouse, "s3://acme/a*b/v1", true).unwrap_err().to_string();
        assert!(error.contains("`*`") && error.contains("ClickHouse"), "{error}");
    }
}
