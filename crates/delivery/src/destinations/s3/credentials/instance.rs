//! The instance's own role, from its metadata service in the second version: a token first, then everything else.

use super::agent_document::{error_words, read_response};
use super::credentials_value::Credentials;
use super::provider::{CredentialsProvider, ProviderContext};
use super::validation;
use crate::DeliveryError;
use crate::destinations::s3::shared_config::SharedConfig;
use crate::destinations::s3::signing::encode_path;
use crate::http::{Http, HttpRequest, HttpResponse, MAX_SHORT_RESPONSE_BYTES, Payload};

/// The address of the service on every instance, and on those with IPv6 alone.
const SERVICE: &str = "http://169.254.169.254";
const SERVICE_IPV6: &str = "http://[fd00:ec2::254]";

const ROLES: &str = "/latest/meta-data/iam/security-credentials/";

/// Asks the metadata service of the instance.
pub(super) struct InstanceProvider<'a> {
    pub(super) config: &'a SharedConfig,
}

impl CredentialsProvider for InstanceProvider<'_> {
    fn name(&self) -> &'static str {
        "instance"
    }

    /// Returns `None` when the environment disables the service. On a machine that is no instance it is an error that
    /// nothing answers.
    fn provide(&self, context: &ProviderContext) -> Result<Option<Credentials>, DeliveryError> {
        let disabled = context.environment.get("AWS_EC2_METADATA_DISABLED");
        if disabled.is_some_and(|value| value.eq_ignore_ascii_case("true")) {
            return Ok(None);
        }
        let service = self.service(context)?;
        let service = MetadataService { url: service.trim_end_matches('/'), http: context.local_http() };
        let lifetime = [("x-aws-ec2-metadata-token-ttl-seconds", "300".to_owned())];
        let token = text(&service.ask("PUT", "/latest/api/token", &lifetime)?, None)?.trim().to_owned();
        validation::check_token(&token, "the token of the instance's metadata service")?;
        let headers = [("x-aws-ec2-metadata-token", token)];
        let sent = Some(headers[0].1.as_str());
        let roles = text(&service.ask("GET", ROLES, &headers)?, sent)?;
        let role = roles.lines().next().map(str::trim).filter(|role| !role.is_empty());
        let path = format!("{ROLES}{}", encode_path(role.ok_or_else(no_role)?));
        let response = service.ask("GET", &path, &headers)?;
        read_response(&response, "the instance's metadata service", sent).map(Some)
    }
}

impl InstanceProvider<'_> {
    fn service(&self, context: &ProviderContext) -> Result<String, DeliveryError> {
        let setting = |variable: &str, key: &str| {
            let variable = context.environment.get(variable);
            variable.or_else(|| self.config.chosen_profile().get(key)).filter(|value| !value.is_empty())
        };
        if let Some(url) = setting("AWS_EC2_METADATA_SERVICE_ENDPOINT", "ec2_metadata_service_endpoint") {
            return Ok(url.to_owned());
        }
        let mode = setting("AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE", "ec2_metadata_service_endpoint_mode");
        match mode.unwrap_or("ipv4").to_ascii_lowercase().as_str() {
            "ipv4" => Ok(SERVICE.to_owned()),
            "ipv6" => Ok(SERVICE_IPV6.to_owned()),
            other => Err(DeliveryError::Configuration {
                message: format!(
                    "AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE must be IPv4 or IPv6, found `{}`",
                    crate::text::excerpt_short(other)
                ),
            }),
        }
    }
}

struct MetadataService<'a> {
    url: &'a str,
    http: Http,
}

impl MetadataService<'_> {
    fn ask(
        &self,
        method: &'static str,
        path: &str,
        headers: &[(&'static str, String)],
    ) -> Result<HttpResponse, DeliveryError> {
        let response = self.http.send(HttpRequest {
            method,
            url: &format!("{}{path}", self.url),
            headers,
            payload: Payload::Empty,
            max_response_bytes: MAX_SHORT_RESPONSE_BYTES,
            call: "ask the instance's metadata service for credentials",
        });
        response.map_err(|error| match error {
            DeliveryError::Cancelled { .. } => error,
            error => no_credentials(format!("no instance metadata service answers ({})", error.problem())),
        })
    }
}

fn text(response: &HttpResponse, sent: Option<&str>) -> Result<String, DeliveryError> {
    match response.status {
        200 => Ok(response.body.clone()),
        404 => Err(no_role()),
        status => {
            let words = error_words(&response.body, sent);
            Err(no_credentials(format!("the instance's metadata service answers {status}{words}")))
        }
    }
}

fn no_role() -> DeliveryError {
    no_credentials("no role is attached to this instance".to_owned())
}

fn no_credentials(tried: String) -> DeliveryError {
    DeliveryError::NoCredentials { tried }
}
