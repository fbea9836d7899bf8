//! The instance's own role, from its metadata service in the second version: a token first, then everything else.

use super::{Credentials, Means, checks, container};
use crate::DeliveryError;
use crate::s3::http::{Answer, MAX_SHORT_ANSWER_BYTES, Payload, Request};
use crate::s3::sign::encode_path;

/// The address of the service on every instance.
const SERVICE: &str = "http://169.254.169.254";
const ROLES: &str = "/latest/meta-data/iam/security-credentials/";

/// The credentials of the instance's role; what is wrong, in words that continue a list, when there are none.
pub(super) fn credentials(means: &Means) -> Result<Credentials, String> {
    if means
        .environment
        .get("AWS_EC2_METADATA_DISABLED")
        .is_some_and(|value| value.eq_ignore_ascii_case("true"))
    {
        return Err("and AWS_EC2_METADATA_DISABLED is set".to_owned());
    }
    let service = means.environment.get("AWS_EC2_METADATA_SERVICE_ENDPOINT").unwrap_or(SERVICE);
    let service = service.trim_end_matches('/');
    let http = means.direct();
    let ask = |method, path: &str, headers: &[(&'static str, String)]| {
        let url = format!("{service}{path}");
        let answer = http.send(Request {
            method,
            url: &url,
            headers,
            payload: Payload::Empty,
            max_answer_bytes: MAX_SHORT_ANSWER_BYTES,
            call: "ask the instance's metadata service for credentials",
        });
        answer.map_err(|error| format!("and no instance metadata service answers ({})", error.problem()))
    };
    let lifetime = [("x-aws-ec2-metadata-token-ttl-seconds", "300".to_owned())];
    let token = text(ask("PUT", "/latest/api/token", &lifetime)?, None)?.trim().to_owned();
    checks::check_token(&token, "the token of the instance's metadata service")
        .map_err(|error| format!("and {}", error.problem()))?;
    let headers = [("x-aws-ec2-metadata-token", token)];
    let sent = Some(headers[0].1.as_str());
    let roles = text(ask("GET", ROLES, &headers)?, sent)?;
    let role = roles.lines().next().map(str::trim).filter(|role| !role.is_empty());
    let role = role.ok_or_else(|| "and no role is attached to this instance".to_owned())?;
    let path = format!("{ROLES}{}", encode_path(role));
    let found = container::found(&ask("GET", &path, &headers)?, "the instance's metadata service", sent);
    found.map_err(|error| match error {
        DeliveryError::NoCredentials { tried } => format!("and {tried}"),
        other => format!("and {}", other.problem()),
    })
}

fn text(answer: Answer, sent: Option<&str>) -> Result<String, String> {
    match answer.status {
        200 => Ok(answer.body),
        404 => Err("and no role is attached to this instance".to_owned()),
        status => {
            let said = container::said(&answer.body, sent);
            Err(format!("and the instance's metadata service answers {status}{said}"))
        }
    }
}
