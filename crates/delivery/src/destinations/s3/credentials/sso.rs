//! A profile that signs in by SSO (IAM Identity Center): the token of its session is exchanged for a role's credentials.

use std::collections::BTreeMap;

use jiff::Timestamp;
use secrecy::ExposeSecret;
use serde::Deserialize;

use super::credentials_value::{Credentials, PartNames};
use super::provider::{CredentialsProvider, ProviderContext};
use super::sso_token::{SsoSession, access_token};
use crate::DeliveryError;
use crate::destinations::s3::endpoints::AwsService;
use crate::destinations::s3::shared_config::{Profile, SharedConfig};
use crate::destinations::s3::signing::encode_pairs;
use crate::http::{HttpRequest, MAX_SHORT_RESPONSE_BYTES, Payload};

/// Asks for the credentials of the role that a profile has in its sign-in session.
pub(super) struct SsoProvider<'a> {
    pub(super) config: &'a SharedConfig,
    pub(super) profile: Profile<'a>,
}

/// What the portal returns.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RoleCredentialsDocument {
    role_credentials: RoleCredentials,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RoleCredentials {
    access_key_id: String,
    secret_access_key: String,
    session_token: String,
    /// In milliseconds since 1970.
    expiration: i64,
}

/// The settings that a session and its profile have together.
struct SsoSettings<'a> {
    session: SsoSession<'a>,
    account_id: &'a str,
    role_name: &'a str,
}

impl CredentialsProvider for SsoProvider<'_> {
    fn name(&self) -> &'static str {
        "sso"
    }

    fn provide(&self, context: &ProviderContext) -> Result<Option<Credentials>, DeliveryError> {
        if !self.profile.has("sso_account_id") && !self.profile.has("sso_role_name") {
            return Ok(None);
        }
        let settings = self.settings()?;
        let token = access_token(context, &self.profile, &settings.session)?;
        let endpoint = context.endpoints.endpoint(AwsService::Sso, settings.session.region)?;
        let query = [("account_id", settings.account_id), ("role_name", settings.role_name)]
            .map(|(name, value)| (name.to_owned(), value.to_owned()));
        let response = context.http.send(HttpRequest {
            method: "GET",
            url: &endpoint.url("/federation/credentials", &encode_pairs(&query)),
            headers: &[("x-amz-sso_bearer_token", token.expose_secret().to_owned())],
            payload: Payload::Empty,
            max_response_bytes: MAX_SHORT_RESPONSE_BYTES,
            call: "ask SSO for the role's credentials",
        })?;
        if !response.is_success() {
            let words = super::agent_document::error_words(&response.body, Some(token.expose_secret()));
            return Err(self.profile.unusable(&format!(
                "gets no credentials by SSO: it answers {}{words}; sign in again with `aws sso login --profile {}`, or \
                 check sso_account_id and sso_role_name",
                response.status, self.profile.name
            )));
        }
        self.parse(&response.body).map(Some)
    }
}

impl SsoProvider<'_> {
    /// Collects the settings. What a profile and its `sso-session` section both set must agree.
    fn settings(&self) -> Result<SsoSettings<'_>, DeliveryError> {
        let name = self.profile.get("sso_session");
        let section = match name {
            None => BTreeMap::new(),
            Some(name) => self.config.sso_session(name).ok_or_else(|| {
                self.profile.unusable(&format!("names the sso_session `{name}`, which does not exist"))
            })?,
        };
        let differing =
            section.iter().find(|(key, value)| self.profile.get(key).is_some_and(|own| own != **value));
        if let Some((key, _)) = differing {
            return Err(self
                .profile
                .unusable(&format!("and its sso_session have different values of {key}")));
        }
        let missing = |key: &str| self.profile.unusable(&format!("signs in by SSO and has no {key}"));
        let own = |key: &'static str| {
            let value = self.profile.get(key).or_else(|| section.get(key).copied());
            value.filter(|value| !value.is_empty()).ok_or_else(|| missing(key))
        };
        // A session that is renewed needs its own address and region.
        let of_session = |key: &'static str| match name {
            None => own(key),
            Some(_) => {
                section.get(key).copied().filter(|value| !value.is_empty()).ok_or_else(|| missing(key))
            }
        };
        let session =
            SsoSession { name, start_url: of_session("sso_start_url")?, region: of_session("sso_region")? };
        Ok(SsoSettings { session, account_id: own("sso_account_id")?, role_name: own("sso_role_name")? })
    }

    fn parse(&self, body: &str) -> Result<Credentials, DeliveryError> {
        let document = serde_json::from_str::<RoleCredentialsDocument>(body).ok();
        let found = document.map(|document| document.role_credentials);
        let end = found.as_ref().and_then(|found| Timestamp::from_millisecond(found.expiration).ok());
        let (Some(found), Some(end)) = (found, end) else {
            return Err(self.profile.unusable("gets no credentials by SSO: what it answers is none"));
        };
        let names = PartNames {
            id: "the access key id that SSO gives",
            secret: "the secret that SSO gives",
            token: "the token that SSO gives",
        };
        let (secret, token) = (found.secret_access_key.into(), found.session_token.into());
        Credentials::new(&found.access_key_id, secret, Some(token), Some(end), names)
    }
}
