//! STS: a role's credentials for those who may assume it, and who somebody is.

use super::{Credentials, Means, RoleSession};
use crate::answer::quoted;
use crate::s3::answers::Element;
use crate::s3::errors::{Asked, refusal};
use crate::s3::http::{self, MAX_SHORT_ANSWER_BYTES, Payload};
use crate::s3::sign::{Request, Scope, encode_pairs, sign};
use crate::s3::times::parse_time;
use crate::{Answer, DeliveryError};

/// How long a role's session lasts, in seconds: what every role allows.
const SESSION_SECONDS: &str = "3600";

/// Who credentials belong to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct CallerIdentity {
    pub(crate) arn: String,
}

/// Assumes a role.
///
/// # Errors
/// When STS refuses or cannot be reached.
pub(super) fn assume_role(
    means: &Means,
    own: &Credentials,
    role: &RoleSession,
) -> Result<Credentials, DeliveryError> {
    let mut form = vec![
        ("Action", "AssumeRole"),
        ("RoleArn", role.arn.as_str()),
        ("RoleSessionName", role.name.as_str()),
        ("DurationSeconds", SESSION_SECONDS),
    ];
    if !role.external_id.is_empty() {
        form.push(("ExternalId", role.external_id.as_str()));
    }
    let answer = call(means, Some(own), &form, "call sts:AssumeRole")?;
    if answer.is_success() {
        return session(&answer);
    }
    match refused(means, Some(own), "sts:AssumeRole", &role.arn, &answer) {
        // STS says one and the same to a wrong external id, a stranger and a role that is not there.
        DeliveryError::MissingPermission { answer, .. } => Err(DeliveryError::RoleRefused {
            role: role.arn.clone(),
            external_id: role.external_id.clone(),
            answer,
        }),
        other => Err(other),
    }
}

/// Assumes a role with a token that the surroundings have issued.
///
/// # Errors
/// When STS refuses or cannot be reached.
pub(super) fn assume_role_with_web_identity(
    means: &Means,
    role_arn: &str,
    session_name: &str,
    token: &str,
) -> Result<Credentials, DeliveryError> {
    let form = [
        ("Action", "AssumeRoleWithWebIdentity"),
        ("RoleArn", role_arn),
        ("RoleSessionName", session_name),
        ("DurationSeconds", SESSION_SECONDS),
        ("WebIdentityToken", token),
    ];
    let answer = call(means, None, &form, "call sts:AssumeRoleWithWebIdentity")?;
    if answer.is_success() {
        return session(&answer);
    }
    Err(refused(means, None, "sts:AssumeRoleWithWebIdentity", role_arn, &answer))
}

/// Asks who credentials belong to. Nobody needs a right for that.
///
/// # Errors
/// When they are not accepted; `None` when the server has no STS.
pub(crate) fn caller_identity(
    means: &Means,
    credentials: &Credentials,
) -> Result<Option<CallerIdentity>, DeliveryError> {
    let answer =
        call(means, Some(credentials), &[("Action", "GetCallerIdentity")], "call sts:GetCallerIdentity")?;
    let document = Element::parse(&answer.body);
    let find = |name: &str| document.as_ref().and_then(|document| document.find(name));
    if answer.is_success() {
        return Ok(find("Arn").map(|arn| CallerIdentity { arn: quoted(arn) }));
    }
    match refused(means, Some(credentials), "sts:GetCallerIdentity", "*", &answer) {
        error @ (DeliveryError::BadCredentials { .. }
        | DeliveryError::ExpiredSession { .. }
        | DeliveryError::ClockSkew { .. }
        | DeliveryError::Throttled { .. }
        | DeliveryError::Unavailable { .. })
            if answer.status != 501 =>
        {
            Err(error)
        }
        // A store without STS takes the call for something else, and refuses that.
        _ => Ok(None),
    }
}

fn call(
    means: &Means,
    credentials: Option<&Credentials>,
    form: &[(&str, &str)],
    what: &str,
) -> Result<http::Answer, DeliveryError> {
    let mut form: Vec<_> =
        form.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    form.push(("Version".to_owned(), "2011-06-15".to_owned()));
    let body = encode_pairs(&form);
    let content_type = ("content-type", "application/x-www-form-urlencoded; charset=utf-8".to_owned());
    let request = Request {
        method: "POST",
        host: means.sts.host().to_owned(),
        path: "/".to_owned(),
        query: Vec::new(),
        headers: vec![content_type],
        body_sha256: domesday_tables::sha256(body.as_bytes()),
    };
    let scope = Scope { region: &means.region, service: "sts" };
    let headers = match credentials {
        Some(credentials) => sign(&request, credentials, scope, means.now()),
        None => request.headers,
    };
    means.http.send(http::Request {
        method: "POST",
        url: &means.sts.url("/", ""),
        headers: &headers,
        payload: Payload::Text(body),
        max_answer_bytes: MAX_SHORT_ANSWER_BYTES,
        call: what,
    })
}

fn session(answer: &http::Answer) -> Result<Credentials, DeliveryError> {
    let read = || {
        let document = Element::parse(&answer.body)?;
        let find = |name: &str| document.find(name).map(str::to_owned);
        let expires_at = parse_time(&find("Expiration")?)?;
        Some((find("AccessKeyId")?, find("SecretAccessKey")?, find("SessionToken")?, expires_at))
    };
    // What came instead is not told: it may hold a secret.
    let Some((id, secret, token, expires_at)) = read() else {
        return Err(DeliveryError::Refused {
            what: "read the session that STS gave".to_owned(),
            answer: Box::new(Answer { service: "STS", status: answer.status, ..Answer::default() }),
        });
    };
    let names = ["the access key id that STS gives", "the secret that STS gives", "the token that STS gives"];
    Credentials::new(&id, secret.into(), Some(token.into()), Some(expires_at), names)
}

fn refused(
    means: &Means,
    credentials: Option<&Credentials>,
    action: &'static str,
    resource: &str,
    answer: &http::Answer,
) -> DeliveryError {
    let asked = Asked {
        service: "STS",
        action,
        resource,
        what: &format!("call {action}"),
        bucket: "",
        region: &means.region,
        access_key_id: credentials.map_or("", |credentials| &credentials.access_key_id),
        kms_key_id: None,
        asked_no_encryption: false,
        at: means.now(),
    };
    refusal(asked, answer)
}
