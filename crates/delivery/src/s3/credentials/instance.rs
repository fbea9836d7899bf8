//! The instance's own role, from its metadata service in the second version: a token first, then everything else.

use super::{Credentials, Means, container};
use crate::DeliveryError;
use crate::s3::http::{Answer, Http, Payload};

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
    let http = Http::direct();
    let unanswered = |_: DeliveryError| "and no instance metadata service answers".to_owned();
    let lifetime = [("x-aws-ec2-metadata-token-ttl-seconds", "300".to_owned())];
    let token = http.send("PUT", &format!("{service}/latest/api/token"), &lifetime, Payload::Empty);
    let token = text(token.map_err(unanswered)?)?;
    let headers = [("x-aws-ec2-metadata-token", token)];
    let get = |path: &str| {
        http.send("GET", &format!("{service}{path}"), &headers, Payload::Empty).map_err(unanswered)
    };
    let roles = text(get(ROLES)?)?;
    let role = roles.lines().next().map(str::trim).filter(|role| !role.is_empty());
    let role = role.ok_or_else(|| "and no role is attached to this instance".to_owned())?;
    let found = container::found(&get(&format!("{ROLES}{role}"))?, "the instance's metadata service");
    found.map_err(|error| error.problem())
}

fn text(answer: Answer) -> Result<String, String> {
    match answer.status {
        200 => Ok(answer.body),
        404 => Err("and no role is attached to this instance".to_owned()),
        status => Err(format!("and the instance's metadata service answers {status}")),
    }
}
