//! The container's agent: an address in the environment that returns the credentials of the task's or pod's role.

use std::net::IpAddr;

use super::agent_document::read_response;
use super::credentials_value::Credentials;
use super::provider::{CredentialsProvider, ProviderContext};
use super::validation;
use crate::http::{HttpRequest, MAX_SHORT_RESPONSE_BYTES, Payload};
use crate::{DeliveryError, Environment};

/// The address of the agent of ECS.
const ECS_HOST: &str = "http://169.254.170.2";

/// Hosts, besides this machine, that credentials may be fetched from without TLS: the agents of ECS and EKS.
const PLAIN_HOSTS: [&str; 4] = ["169.254.170.2", "169.254.170.23", "[fd00:ec2::23]", "localhost"];

/// Asks the agent that the environment names.
pub(super) struct ContainerProvider;

impl CredentialsProvider for ContainerProvider {
    fn name(&self) -> &'static str {
        "container"
    }

    fn provide(&self, context: &ProviderContext) -> Result<Option<Credentials>, DeliveryError> {
        let get = |name| context.environment.get(name);
        let relative = get("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI");
        let url = match (relative, get("AWS_CONTAINER_CREDENTIALS_FULL_URI")) {
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
        let mut headers = vec![("accept", "application/json".to_owned())];
        let token = authorization_token(&context.environment)?;
        if let Some(token) = &token {
            validation::check_token(token, "the container's authorization token")?;
            headers.push(("authorization", token.clone()));
        }
        let response = context.local_http().send(HttpRequest {
            method: "GET",
            url: &url,
            headers: &headers,
            payload: Payload::Empty,
            max_response_bytes: MAX_SHORT_RESPONSE_BYTES,
            call: "ask the container's agent for credentials",
        })?;
        read_response(&response, "the container's agent", token.as_deref()).map(Some)
    }
}

fn authorization_token(environment: &Environment) -> Result<Option<String>, DeliveryError> {
    // The file comes first: it is renewed, the variable is not.
    if let Some(file) = environment.get("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE") {
        let token = std::fs::read_to_string(file).map_err(|source| DeliveryError::from_io(file, source))?;
        return Ok(Some(token.trim().to_owned()));
    }
    Ok(environment.get("AWS_CONTAINER_AUTHORIZATION_TOKEN").map(str::to_owned))
}

/// Whether credentials may be fetched from an address.
fn is_safe(url: &str) -> bool {
    let Some(rest) = url.strip_prefix("http://") else { return url.starts_with("https://") };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let host = match authority.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => host,
        _ => authority,
    };
    let address = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
    PLAIN_HOSTS.contains(&host) || address.is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_are_fetched_only_from_agents_or_over_tls() {
        for url in [
            "https://x/y",
            "http://127.0.0.1:51679/c",
            "http://127.9.9.9/c",
            "http://169.254.170.23/v1",
            "http://[::1]:1/",
        ] {
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
