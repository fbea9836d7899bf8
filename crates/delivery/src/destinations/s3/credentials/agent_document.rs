//! Credentials as container agents, metadata services and credential processes write them, and their errors.

use serde::Deserialize;

use super::credentials_value::{Credentials, PartNames};
use crate::DeliveryError;
use crate::http::HttpResponse;
use crate::text::excerpt;
use crate::timestamps::parse_time;

/// Credentials in JSON.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct CredentialsDocument {
    access_key_id: String,
    secret_access_key: String,
    /// Of agents and metadata services.
    token: Option<String>,
    /// Of credential processes.
    session_token: Option<String>,
    expiration: Option<String>,
    /// Of credential processes.
    version: Option<serde_json::Value>,
}

/// An error as agents and metadata services write it.
#[derive(Deserialize)]
struct ErrorDocument {
    #[serde(alias = "Code")]
    code: Option<String>,
    #[serde(alias = "Message")]
    message: Option<String>,
}

/// The one version of the output of credential processes.
const PROCESS_VERSION: u64 = 1;

/// Parses what an agent or a metadata service returns; `Ok(None)` when the text is something else. `source` is its
/// name in messages.
///
/// # Errors
/// When they are credentials that cannot be used.
fn parse_agent_output(text: &str, source: &str) -> Result<Option<Credentials>, DeliveryError> {
    let Ok(document) = serde_json::from_str::<CredentialsDocument>(text) else { return Ok(None) };
    let token = document.token.clone();
    document.into_credentials(token, source)
}

/// Parses what a credential process prints; `Ok(None)` when the text is something else. `source` is its name in
/// messages.
///
/// # Errors
/// When they are credentials that cannot be used, or of a version that is not known.
pub(super) fn parse_process_output(text: &str, source: &str) -> Result<Option<Credentials>, DeliveryError> {
    let Ok(document) = serde_json::from_str::<CredentialsDocument>(text) else { return Ok(None) };
    if document.version.as_ref().and_then(serde_json::Value::as_u64) != Some(PROCESS_VERSION) {
        let tried = format!("the output of {source} must have the `Version` {PROCESS_VERSION}");
        return Err(DeliveryError::NoCredentials { tried });
    }
    let token = document.session_token.clone();
    document.into_credentials(token, source)
}

impl CredentialsDocument {
    fn into_credentials(
        self,
        token: Option<String>,
        source: &str,
    ) -> Result<Option<Credentials>, DeliveryError> {
        let token = token.filter(|token| !token.is_empty()).map(Into::into);
        let expires_at = match self.expiration.filter(|end| !end.is_empty()) {
            None => None,
            Some(end) => match parse_time(&end) {
                Some(end) => Some(end),
                None => return Ok(None),
            },
        };
        let name = |part: &str| format!("the {part} that {source} gives");
        let names = PartNames { id: &name("access key id"), secret: &name("secret"), token: &name("token") };
        let secret = self.secret_access_key.into();
        Credentials::new(&self.access_key_id, secret, token, expires_at, names).map(Some)
    }
}

/// Reads the credentials of a response, or says in the words of the service why there are none. `sent` authorized the
/// request and is not repeated.
///
/// # Errors
/// When the response contains no credentials.
pub(super) fn read_response(
    response: &HttpResponse,
    source: &str,
    sent: Option<&str>,
) -> Result<Credentials, DeliveryError> {
    let none = |tried: String| Err(DeliveryError::NoCredentials { tried });
    if !response.is_success() {
        return none(format!("{source} answers {}{}", response.status, error_words(&response.body, sent)));
    }
    match parse_agent_output(&response.body, source)? {
        Some(credentials) => Ok(credentials),
        // A successful response may contain a secret: only an error's own fields are repeated.
        None => none(format!("what {source} gives are no credentials{}", json_words(&response.body, sent))),
    }
}

/// Returns what an error response says, to follow its status.
pub(super) fn error_words(body: &str, sent: Option<&str>) -> String {
    let in_json = json_words(body, sent);
    if !in_json.is_empty() {
        return in_json;
    }
    // The metadata service answers with a page of HTML, whose words are enough.
    let mut text = String::new();
    let mut is_tag = false;
    for c in body.chars().take(4096) {
        match c {
            '<' => (is_tag, text) = (true, text + " "),
            '>' => is_tag = false,
            c if !is_tag => text.push(c),
            _ => {}
        }
    }
    after_colon(&without(&text, sent))
}

fn json_words(body: &str, sent: Option<&str>) -> String {
    let Ok(error) = serde_json::from_str::<ErrorDocument>(body) else { return String::new() };
    let words: Vec<_> = [error.code, error.message].into_iter().flatten().collect();
    after_colon(&without(&words.join(": "), sent))
}

fn without(text: &str, sent: Option<&str>) -> String {
    let sent = sent.filter(|sent| !sent.is_empty());
    excerpt(&sent.map_or_else(|| text.to_owned(), |sent| text.replace(sent, "…")))
}

fn after_colon(text: &str) -> String {
    if text.is_empty() { String::new() } else { format!(": {text}") }
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret;

    use super::*;

    #[test]
    fn documents_of_every_kind_are_read() {
        let agent = r#"{"RoleArn":"r","AccessKeyId":"A","SecretAccessKey":"s","Token":"t","Expiration":"2026-01-01T00:00:00Z"}"#;
        let process = r#"{"Version":1,"AccessKeyId":"A","SecretAccessKey":"s","SessionToken":"t"}"#;
        let parsed = [(parse_agent_output(agent, "x"), true), (parse_process_output(process, "x"), false)];
        for (parsed, expires) in parsed {
            let credentials = parsed.unwrap().unwrap();
            assert_eq!(credentials.access_key_id, "A");
            assert_eq!(credentials.session_token.unwrap().expose_secret(), "t");
            assert_eq!(credentials.expires_at.is_some(), expires);
        }
        assert!(parse_agent_output("<html>", "x").unwrap().is_none());
        let broken = r#"{"AccessKeyId":"A\nB","SecretAccessKey":"s"}"#;
        let error = parse_agent_output(broken, "the agent").unwrap_err().to_string();
        assert!(error.contains("that the agent gives has a line break"), "{error}");
        for version in ["", r#""Version":2,"#, r#""Version":"1","#] {
            let text = format!(r#"{{{version}"AccessKeyId":"A","SecretAccessKey":"s"}}"#);
            let error = parse_process_output(&text, "x").unwrap_err().to_string();
            assert!(error.contains("`Version` 1"), "{error}");
        }
    }

    #[test]
    fn the_words_of_the_one_who_was_asked_are_shown_within_bounds() {
        let told = |status: u16, body: &str| {
            let response =
                HttpResponse { status, headers: ureq::http::HeaderMap::new(), body: body.to_owned() };
            read_response(&response, "the agent", Some("hush-token")).unwrap_err().problem()
        };
        let json = r#"{"code":"AccessDenied","message":"no association for hush-token"}"#;
        assert!(told(403, json).ends_with("the agent answers 403: AccessDenied: no association for …"));
        let page = "<html><body><h1>401 - Unauthorized</h1>\n\u{7}</body></html>";
        assert!(told(401, page).ends_with("the agent answers 401: 401 - Unauthorized"));
        let failed = r#"{"Code":"AssumeRoleUnauthorizedAccess","Message":"EC2 cannot assume the role","LastUpdated":"x"}"#;
        assert!(told(200, failed).contains("AssumeRoleUnauthorizedAccess: EC2 cannot assume the role"));
        assert!(told(200, "planted secret").ends_with("gives are no credentials"));
        assert!(told(500, &"y".repeat(100_000)).len() < 1_000);
        assert!(told(500, "").ends_with("answers 500"));
    }
}
