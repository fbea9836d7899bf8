//! The container's agent: an address in the environment that hands out the task's or pod's role.

use serde::Deserialize;

use super::{Credentials, Means, checks};
use crate::DeliveryError;
use crate::answer::quoted;
use crate::s3::http::{Answer, MAX_SHORT_ANSWER_BYTES, Payload, Request};
use crate::s3::times::parse_time;

/// Where the agent of ECS listens.
const ECS_HOST: &str = "http://169.254.170.2";

/// Hosts that credentials may be fetched from without TLS: the agents of ECS and EKS, and this machine.
const PLAIN_HOSTS: [&str; 6] =
    ["169.254.170.2", "169.254.170.23", "[fd00:ec2::23]", "localhost", "127.0.0.1", "[::1]"];

/// Credentials as container agents, instances and credential processes write them; or why there are none.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Document {
    access_key_id: String,
    secret_access_key: String,
    /// `SessionToken` is how a credential process calls it.
    #[serde(alias = "SessionToken")]
    token: Option<String>,
    expiration: Option<String>,
}

/// An error as agents and the metadata service write it.
#[derive(Deserialize)]
struct ErrorDocument {
    #[serde(alias = "Code")]
    code: Option<String>,
    #[serde(alias = "Message")]
    message: Option<String>,
}

/// Reads credentials as container agents, instances and credential processes write them; `Ok(None)` when the text is
/// something else. `from` says who gave it.
///
/// # Errors
/// When they are credentials that cannot be used.
pub(super) fn read(text: &str, from: &str) -> Result<Option<Credentials>, DeliveryError> {
    let Ok(document) = serde_json::from_str::<Document>(text) else { return Ok(None) };
    let token = document.token.filter(|token| !token.is_empty()).map(Into::into);
    let expires_at = match document.expiration.filter(|end| !end.is_empty()) {
        None => None,
        Some(end) => match parse_time(&end) {
            Some(end) => Some(end),
            None => return Ok(None),
        },
    };
    let name = |what: &str| format!("the {what} that {from} gives");
    let names = [name("access key id"), name("secret"), name("token")];
    let names = names.each_ref().map(String::as_str);
    let secret = document.secret_access_key.into();
    Credentials::new(&document.access_key_id, secret, token, expires_at, names).map(Some)
}

/// The container's credentials; `None` when the environment names no agent.
pub(super) fn credentials(means: &Means) -> Result<Option<Credentials>, DeliveryError> {
    let get = |name| means.environment.get(name);
    let url = match (get("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"), get("AWS_CONTAINER_CREDENTIALS_FULL_URI"))
    {
        (Some(path), _) => format!("{ECS_HOST}{path}"),
        (None, Some(url)) => url.to_owned(),
        (None, None) => return Ok(None),
    };
    if !is_safe(&url) {
        let tried = format!(
            "AWS_CONTAINER_CREDENTIALS_FULL_URI is `{url}`, which is neither https nor an agent's address"
        );
        return Err(DeliveryError::NoCredentials { tried });
    }
    let mut headers = Vec::new();
    if let Some(token) = authorization(means)? {
        checks::check_token(&token, "the container's authorization token")?;
        headers.push(("authorization", token));
    }
    let answer = means.direct().send(Request {
        method: "GET",
        url: &url,
        headers: &headers,
        payload: Payload::Empty,
        max_answer_bytes: MAX_SHORT_ANSWER_BYTES,
        call: "ask the container's agent for credentials",
    })?;
    found(&answer, "the container's agent", headers.first().map(|(_, token)| token.as_str())).map(Some)
}

/// What came as credentials, or why it is none, in the words of whoever was asked. `sent` is what was sent to
/// authorize the question, and is not repeated.
pub(super) fn found(answer: &Answer, from: &str, sent: Option<&str>) -> Result<Credentials, DeliveryError> {
    let none = |what: String| Err(DeliveryError::NoCredentials { tried: what });
    if !answer.is_success() {
        return none(format!("{from} answers {}{}", answer.status, said(&answer.body, sent)));
    }
    match read(&answer.body, from)? {
        Some(credentials) => Ok(credentials),
        // What a success brings may hold a secret: only an error's own fields are repeated.
        None => none(format!("what {from} gives are no credentials{}", said_in_json(&answer.body, sent))),
    }
}

/// What an answer that refuses says, to follow its status.
pub(super) fn said(body: &str, sent: Option<&str>) -> String {
    let in_json = said_in_json(body, sent);
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
    colon(&without(&text, sent))
}

fn said_in_json(body: &str, sent: Option<&str>) -> String {
    let Ok(error) = serde_json::from_str::<ErrorDocument>(body) else { return String::new() };
    let said: Vec<_> = [error.code, error.message].into_iter().flatten().collect();
    colon(&without(&said.join(": "), sent))
}

fn without(text: &str, sent: Option<&str>) -> String {
    let sent = sent.filter(|sent| !sent.is_empty());
    quoted(&sent.map_or_else(|| text.to_owned(), |sent| text.replace(sent, "…")))
}

fn colon(text: &str) -> String {
    if text.is_empty() { String::new() } else { format!(": {text}") }
}

fn authorization(means: &Means) -> Result<Option<String>, DeliveryError> {
    // The file comes first: it is renewed, the variable is not.
    if let Some(file) = means.environment.get("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE") {
        let token = std::fs::read_to_string(file).map_err(|source| DeliveryError::from_io(file, source))?;
        return Ok(Some(token.trim().to_owned()));
    }
    Ok(means.environment.get("AWS_CONTAINER_AUTHORIZATION_TOKEN").map(str::to_owned))
}

fn is_safe(url: &str) -> bool {
    let Some(rest) = url.strip_prefix("http://") else { return url.starts_with("https://") };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let host = match authority.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => host,
        _ => authority,
    };
    PLAIN_HOSTS.contains(&host)
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret;

    use super::*;

    #[test]
    fn documents_of_every_kind_are_read() {
        let agent = r#"{"RoleArn":"r","AccessKeyId":"A","SecretAccessKey":"s","Token":"t","Expiration":"2026-01-01T00:00:00Z"}"#;
        let process = r#"{"Version":1,"AccessKeyId":"A","SecretAccessKey":"s","SessionToken":"t"}"#;
        for (text, ends) in [(agent, true), (process, false)] {
            let credentials = read(text, "x").unwrap().unwrap();
            assert_eq!(credentials.access_key_id, "A");
            assert_eq!(credentials.session_token.unwrap().expose_secret(), "t");
            assert_eq!(credentials.expires_at.is_some(), ends);
        }
        assert!(read("<html>", "x").unwrap().is_none());
        let broken = r#"{"AccessKeyId":"A\nB","SecretAccessKey":"s"}"#;
        assert!(
            read(broken, "the agent")
                .unwrap_err()
                .to_string()
                .contains("that the agent gives has a line break")
        );
    }

    #[test]
    fn the_words_of_the_one_who_was_asked_are_shown_within_bounds() {
        let told = |status: u16, body: &str| {
            let answer = Answer { status, headers: ureq::http::HeaderMap::new(), body: body.to_owned() };
            found(&answer, "the agent", Some("hush-token")).unwrap_err().problem()
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

    #[test]
    fn credentials_are_fetched_only_from_agents_or_over_tls() {
        for url in ["https://x/y", "http://127.0.0.1:51679/c", "http://169.254.170.23/v1", "http://[::1]:1/"]
        {
            assert!(is_safe(url), "{url}");
        }
        for url in [
            "http://169.254.170.2.evil.test/",
            "http://evil.test/",
            "http://127.0.0.1@evil.test/",
            "file:///x",
        ] {
            assert!(!is_safe(url), "{url}");
        }
    }
}
