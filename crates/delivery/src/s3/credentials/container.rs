//! The container's agent: an address in the environment that hands out the task's or pod's role.

use serde::Deserialize;

use super::{Credentials, Means};
use crate::DeliveryError;
use crate::s3::http::{Answer, Http, Payload};

/// Where the agent of ECS listens.
const ECS_HOST: &str = "http://169.254.170.2";

/// Hosts that credentials may be fetched from without TLS: the agents of ECS and EKS, and this machine.
const PLAIN_HOSTS: [&str; 6] =
    ["169.254.170.2", "169.254.170.23", "[fd00:ec2::23]", "localhost", "127.0.0.1", "[::1]"];

/// Credentials as container agents and instances write them.
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

/// Reads credentials as container agents, instances and credential processes write them.
pub(super) fn read(text: &str) -> Option<Credentials> {
    let document: Document = serde_json::from_str(text).ok()?;
    let expires_at = document.expiration.filter(|end| !end.is_empty());
    Some(Credentials {
        access_key_id: document.access_key_id,
        secret_access_key: document.secret_access_key.into(),
        session_token: document.token.filter(|token| !token.is_empty()).map(Into::into),
        expires_at: expires_at.map(|end| end.parse()).transpose().ok()?,
    })
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
        headers.push(("authorization", token));
    }
    let answer = Http::direct().send("GET", &url, &headers, Payload::Empty)?;
    found(&answer, "the container's agent").map(Some)
}

/// What came as credentials, or why it is none. What else came is not told: it may hold a secret.
pub(super) fn found(answer: &Answer, from: &str) -> Result<Credentials, DeliveryError> {
    if !answer.is_success() {
        let tried = format!("{from} answers {}", answer.status);
        return Err(DeliveryError::NoCredentials { tried });
    }
    read(&answer.body).ok_or_else(|| DeliveryError::NoCredentials {
        tried: format!("what {from} gives are no credentials"),
    })
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
            let credentials = read(text).unwrap();
            assert_eq!(credentials.access_key_id, "A");
            assert_eq!(credentials.session_token.unwrap().expose_secret(), "t");
            assert_eq!(credentials.expires_at.is_some(), ends);
        }
        assert!(read("<html>").is_none());
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
