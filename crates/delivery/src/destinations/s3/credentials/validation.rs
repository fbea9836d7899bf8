//! Validation of keys, tokens and roles: a value that no server accepts is refused at its source, by name, and not tried
//! for minutes.

use secrecy::{ExposeSecret, SecretString};

use crate::DeliveryError;
use crate::text::excerpt_short;

/// The longest access key id, and the longest token; AWS's own are shorter.
const MAX_ID_BYTES: usize = 128;
const MAX_SECRET_BYTES: usize = 1024;
const MAX_TOKEN_BYTES: usize = 32 << 10;

fn wrong<T>(message: String) -> Result<T, DeliveryError> {
    Err(DeliveryError::Configuration { message })
}

/// Describes the first character that cannot be sent, without the text around it, which may be secret.
fn bad_character(text: &str, is_good: impl Fn(char) -> bool) -> Option<String> {
    let (position, c) = text.chars().enumerate().find(|(_, c)| !is_good(*c))?;
    let name = match c {
        '\n' | '\r' => "a line break".to_owned(),
        '\t' => "a tab".to_owned(),
        c if c.is_whitespace() => "a blank".to_owned(),
        c if c.is_control() => "a control character".to_owned(),
        c => format!("the character U+{:04X}", u32::from(c)),
    };
    Some(format!("{name} at position {}", position + 1))
}

/// Checks an access key's id: it becomes part of a header. `name` says where it comes from.
pub(super) fn check_access_key_id(id: &str, name: &str) -> Result<(), DeliveryError> {
    if id.is_empty() || id.len() > MAX_ID_BYTES {
        return wrong(format!(
            "{name} must have 1 to {MAX_ID_BYTES} characters, found {}",
            id.chars().count()
        ));
    }
    let is_good = |c: char| c.is_ascii_graphic() && c != ',';
    match bad_character(id, is_good) {
        Some(bad) => wrong(format!("{name} has {bad}, which no access key has; copy it again")),
        None => Ok(()),
    }
}

/// Checks a secret access key. Its text is never part of a message.
pub(super) fn check_secret(secret: &SecretString, name: &str) -> Result<(), DeliveryError> {
    let text = secret.expose_secret();
    if text.is_empty() || text.len() > MAX_SECRET_BYTES {
        return wrong(format!("{name} must have 1 to {MAX_SECRET_BYTES} characters"));
    }
    if text.trim() != text {
        return wrong(format!("{name} begins or ends with a blank or a line break; copy it again"));
    }
    match bad_character(text, |c| !c.is_control()) {
        Some(bad) => wrong(format!("{name} has {bad}, which no secret has; copy it again")),
        None => Ok(()),
    }
}

/// Checks a token that is sent in a header.
pub(super) fn check_token(token: &str, name: &str) -> Result<(), DeliveryError> {
    if token.is_empty() || token.len() > MAX_TOKEN_BYTES {
        return wrong(format!("{name} must have 1 to {MAX_TOKEN_BYTES} characters"));
    }
    match bad_character(token, |c| c.is_ascii_graphic()) {
        Some(bad) => wrong(format!("{name} has {bad}, which no token has; copy it again")),
        None => Ok(()),
    }
}

/// Checks a role's ARN. Stores other than AWS have ARNs without an account, or of a partition of their own.
pub(super) fn check_role_arn(arn: &str, name: &str) -> Result<(), DeliveryError> {
    let parts: Vec<_> = arn.splitn(6, ':').collect();
    let is_role = match parts.as_slice() {
        ["arn", partition, "iam", "", account, resource] => {
            let is_account = account.is_empty()
                || (account.len() == 12 && account.bytes().all(|byte| byte.is_ascii_digit()));
            let in_name = |c: char| c.is_ascii_alphanumeric() || "_+=,.@-/".contains(c);
            let role = resource.strip_prefix("role/");
            let is_name = role
                .is_some_and(|name| !name.is_empty() && !name.ends_with('/') && name.chars().all(in_name));
            let is_partition = !partition.is_empty()
                && partition.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-');
            is_partition && is_account && is_name && arn.len() <= 2048
        }
        _ => false,
    };
    if is_role {
        return Ok(());
    }
    wrong(format!(
        "{name} must be a role such as arn:aws:iam::111122223333:role/domesday, found `{}`",
        excerpt_short(arn)
    ))
}

/// Checks an external id by the rules of STS.
pub(super) fn check_external_id(id: &str, name: &str) -> Result<(), DeliveryError> {
    let in_id = |c: char| c.is_ascii_alphanumeric() || "_+=,.@:/-".contains(c);
    if (2..=1224).contains(&id.len()) && id.chars().all(in_id) {
        return Ok(());
    }
    wrong(format!(
        "{name} must have 2 to 1224 letters, digits and characters of _+=,.@:/-, found `{}`",
        excerpt_short(id)
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(result: Result<(), DeliveryError>) -> String {
        let error = result.unwrap_err();
        assert_eq!((error.kind(), error.is_retryable()), ("configuration", false));
        error.to_string()
    }

    #[test]
    fn keys_that_cannot_be_sent_are_refused_with_the_place() {
        for id in ["AKIAIOSFODNN7EXAMPLE", "minioadmin", "GOOG1EXAMPLE", "tenant$user", "a/b=c"] {
            assert!(check_access_key_id(id, "x").is_ok(), "{id}");
        }
        for (id, words) in [
            ("AKIA\n", "a line break at position 5"),
            ("AKIA\r\n", "a line break at position 5"),
            (" AKIA", "a blank at position 1"),
            ("AK\tIA", "a tab at position 3"),
            ("AK\u{0}IA", "a control character at position 3"),
            ("AKIÄ", "U+00C4 at position 4"),
            ("AK,IA", "U+002C"),
            ("", "1 to 128 characters"),
            (&"A".repeat(129), "found 129"),
        ] {
            let text = message(check_access_key_id(id, "`accessKeyId`"));
            assert!(text.contains(words) && text.contains("`accessKeyId`"), "{id:?}: {text}");
        }
    }

    #[test]
    fn secrets_and_tokens_are_checked_and_never_repeated() {
        assert!(check_secret(&"wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY".into(), "x").is_ok());
        assert!(check_secret(&"correct horse bättery".into(), "x").is_ok());
        for secret in ["", "planted-word\n", " planted-word", "planted\u{0}word", "planted\nword"] {
            let text = message(check_secret(&secret.into(), "`secretAccessKey`"));
            assert!(!text.contains("planted") && !text.contains("word"), "{text}");
        }
        assert!(check_token("FwoGZXIvYXdzEA==", "x").is_ok());
        for token in ["", "planted word", "planted\n", "plänted"] {
            assert!(!message(check_token(token, "AWS_SESSION_TOKEN")).contains("planted"));
        }
    }

    #[test]
    fn roles_and_external_ids_are_what_sts_takes() {
        for arn in [
            "arn:aws:iam::111122223333:role/domesday",
            "arn:aws-us-gov:iam::111122223333:role/path/to/x@y",
            "arn:aws:iam:::role/S3Access",
            "arn:minio:iam:::role/abc",
        ] {
            assert!(check_role_arn(arn, "x").is_ok(), "{arn}");
        }
        for arn in [
            "",
            "domesday",
            "arn:aws:iam::111122223333:user/x",
            "arn:aws:iam::11112222333:role/x",
            "arn:aws:iam::11112222333a:role/x",
            "arn:aws:sts::111122223333:assumed-role/x/y",
            "arn:aws:iam::111122223333:role/",
            "arn:aws:iam::111122223333:role/x y",
            "arn:aws:iam::111122223333:role/x\n",
            "arn:aws:iam::111122223333:role/*",
            "arn:aws:iam:eu-central-1:111122223333:role/x",
        ] {
            assert!(check_role_arn(arn, "x").is_err(), "{arn}");
        }
        assert!(check_external_id("4f7c2f6e-0000-4000-8000-000000000000", "x").is_ok());
        for id in ["", "a", "a b", "a\n", "ü-1", &"a".repeat(1225)] {
            assert!(check_external_id(id, "x").is_err(), "{id}");
        }
    }
}
