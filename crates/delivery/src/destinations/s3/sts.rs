//! The calls of STS: assuming a role, and asking for the identity of credentials.

use super::credentials::{Credentials, PartNames, ProviderContext, RoleSession};
use super::errors::{CallDescription, classify_refusal};
use super::signing::{SignableRequest, SigningScope, encode_pairs, sign};
use super::xml::Element;
use crate::http::{HttpRequest, HttpResponse, MAX_SHORT_RESPONSE_BYTES, Payload};
use crate::text::excerpt;
use crate::timestamps::parse_time;
use crate::{DeliveryError, ErrorResponse};

/// The lifetime of a session for a web identity, in seconds; every role allows it.
const SESSION_SECONDS: &str = "3600";

/// The identity of credentials.
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
    let response = call(context, Some(own), &form, "call sts:AssumeRole")?;
    if response.is_success() {
        return session(&response);
    }
    match refused(context, Some(own), "sts:AssumeRole", &role.arn, &response) {
        // STS gives the same error for a wrong external id, another identity and a role that does not exist.
        DeliveryError::MissingPermission { response, .. } => Err(DeliveryError::RoleRefused {
            role: role.arn.clone(),
            external_id: role.external_id.clone(),
            response,
        }),
        other => Err(other),
    }
}

/// Assumes a role with a web identity token.
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
    let response = call(context, None, &form, "call sts:AssumeRoleWithWebIdentity")?;
    if response.is_success() {
        return session(&response);
    }
    Err(refused(context, None, "sts:AssumeRoleWithWebIdentity", role_arn, &response))
}

/// Asks for the identity of credentials. It takes no permission.
///
/// # Errors
/// When they are not accepted; `None` when the server has no STS.
pub(crate) fn caller_identity(
    context: &ProviderContext,
    credentials: &Credentials,
) -> Result<Option<CallerIdentity>, DeliveryError> {
    let response =
        call(context, Some(credentials), &[("Action", "GetCallerIdentity")], "call sts:GetCallerIdentity")?;
    let document = Element::parse(&response.body);
    let find = |name: &str| document.as_ref().and_then(|document| document.find(name));
    if response.is_success() {
        return Ok(find("Arn").map(|arn| CallerIdentity { arn: excerpt(arn) }));
    }
    match refused(context, Some(credentials), "sts:GetCallerIdentity", "*", &response) {
        error @ (DeliveryError::BadCredentials { .. }
        | DeliveryError::ExpiredSession { .. }
        | DeliveryError::ClockSkew { .. }
        | DeliveryError::Throttled { .. }
        | DeliveryError::Unavailable { .. })
            if response.status != 501 =>
        {
            Err(error)
        }
        // A store without STS takes the call for another one, and refuses it.
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

fn session(response: &HttpResponse) -> Result<Credentials, DeliveryError> {
    let read = || {
        let document = Element::parse(&response.body)?;
        let find = |name: &str| document.find(name).map(str::to_owned);
        let expires_at = parse_time(&find("Expiration")?)?;
        Some((find("AccessKeyId")?, find("SecretAccessKey")?, find("SessionToken")?, expires_at))
    };
    // The response is not repeated: it may contain a secret.
    let Some((id, secret, token, expires_at)) = read() else {
        return Err(DeliveryError::Refused {
            what: "read the session that STS gave".to_owned(),
            response: Box::new(ErrorResponse {
                service: "STS",
                status: response.status,
                ..ErrorResponse::default()
            }),
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
    response: &HttpResponse,
) -> DeliveryError {
    let asked = CallDescription {
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
    classify_refusal(asked, response)
}
