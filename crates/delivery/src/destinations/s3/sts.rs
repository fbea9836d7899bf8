//! STS: a role's credentials for those who may assume it, and who somebody is.

use super::credentials::{Credentials, PartNames, ProviderContext, RoleSession};
use super::errors::{Asked, refusal};
use super::signing::{SignableRequest, SigningScope, encode_pairs, sign};
use super::xml::Element;
use crate::answer::quoted;
use crate::http::{HttpRequest, HttpResponse, MAX_SHORT_RESPONSE_BYTES, Payload};
use crate::timestamps::parse_time;
use crate::{Answer, DeliveryError};

/// The lifetime of a session for a web identity, in seconds; every role allows it.
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
pub(crate) fn assume_role(
    context: &ProviderContext,
    own: &Credentials,
    role: &RoleSession,
) -> Result<Credentials, DeliveryError> {
    let seconds = role.seconds.to_string();
    let mut form = vec![
        ("Action", "AssumeRole"),
        ("RoleArn", role.arn.as_str()),
        ("RoleSessionName", role.name.as_str()),
        ("DurationSeconds", seconds.as_str()),
    ];
    if !role.external_id.is_empty() {
        form.push(("ExternalId", role.external_id.as_str()));
    }
    let answer = call(context, Some(own), &form, "call sts:AssumeRole")?;
    if answer.is_success() {
        return session(&answer);
    }
    match refused(context, Some(own), "sts:AssumeRole", &role.arn, &answer) {
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
pub(crate) fn assume_role_with_web_identity(
    context: &ProviderContext,
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
    let answer = call(context, None, &form, "call sts:AssumeRoleWithWebIdentity")?;
    if answer.is_success() {
        return session(&answer);
    }
    Err(refused(context, None, "sts:AssumeRoleWithWebIdentity", role_arn, &answer))
}

/// Asks who credentials belong to. Nobody needs a right for that.
///
/// # Errors
/// When they are not accepted; `None` when the server has no STS.
pub(crate) fn caller_identity(
    context: &ProviderContext,
    credentials: &Credentials,
) -> Result<Option<CallerIdentity>, DeliveryError> {
    let answer =
        call(context, Some(credentials), &[("Action", "GetCallerIdentity")], "call sts:GetCallerIdentity")?;
    let document = Element::parse(&answer.body);
    let find = |name: &str| document.as_ref().and_then(|document| document.find(name));
    if answer.is_success() {
        return Ok(find("Arn").map(|arn| CallerIdentity { arn: quoted(arn) }));
    }
    match refused(context, Some(credentials), "sts:GetCallerIdentity", "*", &answer) {
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
    context: &ProviderContext,
    credentials: Option<&Credentials>,
    form: &[(&str, &str)],
    what: &str,
) -> Result<HttpResponse, DeliveryError> {
    let mut form: Vec<_> =
        form.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    form.push(("Version".to_owned(), "2011-06-15".to_owned()));
    let body = encode_pairs(&form);
    let content_type = ("content-type", "application/x-www-form-urlencoded; charset=utf-8".to_owned());
    let request = SignableRequest {
        method: "POST",
        host: context.sts.host().to_owned(),
        path: "/".to_owned(),
        query: Vec::new(),
        headers: vec![content_type],
        body_sha256: domesday_tables::sha256(body.as_bytes()),
    };
    let scope = SigningScope { region: &context.region, service: "sts" };
    let headers = match credentials {
        Some(credentials) => sign(&request, credentials, scope, context.now()),
        None => request.headers,
    };
    context.http.send(HttpRequest {
        method: "POST",
        url: &context.sts.url("/", ""),
        headers: &headers,
        payload: Payload::Text(body),
        max_response_bytes: MAX_SHORT_RESPONSE_BYTES,
        call: what,
    })
}

fn session(answer: &HttpResponse) -> Result<Credentials, DeliveryError> {
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
    let names = PartNames {
        id: "the access key id that STS gives",
        secret: "the secret that STS gives",
        token: "the token that STS gives",
    };
    Credentials::new(&id, secret.into(), Some(token.into()), Some(expires_at), names)
}

fn refused(
    context: &ProviderContext,
    credentials: Option<&Credentials>,
    action: &'static str,
    resource: &str,
    answer: &HttpResponse,
) -> DeliveryError {
    let asked = Asked {
        service: "STS",
        action,
        resource,
        what: &format!("call {action}"),
        bucket: "",
        region: &context.region,
        access_key_id: credentials.map_or("", |credentials| &credentials.access_key_id),
        kms_key_id: None,
        asked_no_encryption: false,
        at: context.now(),
    };
    refusal(asked, answer)
}
