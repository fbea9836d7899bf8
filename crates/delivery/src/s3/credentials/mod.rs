//! Whose credentials sign: an access key, or whatever the surroundings give; and a role assumed on top.
//!
//! The surroundings are asked in the order that AWS's tools agree on: environment, profile, web identity,
//! container, instance. Credentials that end are fetched again some minutes before they do, so that a run may
//! last as long as it must.

mod chain;
mod checks;
mod container;
mod instance;
mod process;
mod profile;
mod sts;
mod web_identity;

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use jiff::{SignedDuration, Timestamp};
use secrecy::{ExposeSecret, SecretString};
use uuid::Uuid;

use super::endpoint::Endpoint;
use super::http::Http;
use crate::{DeliveryError, Environment};

pub(crate) use profile::Profiles;
pub(crate) use sts::caller_identity;

/// How long before their end credentials are fetched again.
const REFRESH_BEFORE: SignedDuration = SignedDuration::from_mins(5);

/// A key that signs requests.
#[derive(Clone)]
pub(crate) struct Credentials {
    pub(crate) access_key_id: String,
    pub(crate) secret_access_key: SecretString,
    pub(crate) session_token: Option<SecretString>,
    /// When they end; an access key never does.
    pub(crate) expires_at: Option<Timestamp>,
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials")
            .field("access_key_id", &self.access_key_id)
            .field("expires_at", &self.expires_at)
            .finish_non_exhaustive()
    }
}

impl Credentials {
    /// A key, checked as far as that goes without asking anybody; `names` say where its id, its secret and its token
    /// come from.
    ///
    /// # Errors
    /// When one of them cannot be sent.
    fn new(
        access_key_id: &str,
        secret_access_key: SecretString,
        session_token: Option<SecretString>,
        expires_at: Option<Timestamp>,
        names: [&str; 3],
    ) -> Result<Self, DeliveryError> {
        checks::check_access_key_id(access_key_id, names[0])?;
        checks::check_secret(&secret_access_key, names[1])?;
        if let Some(token) = &session_token {
            checks::check_token(token.expose_secret(), names[2])?;
        }
        let access_key_id = access_key_id.to_owned();
        Ok(Self { access_key_id, secret_access_key, session_token, expires_at })
    }
}

/// Who signs.
#[derive(Debug, Clone)]
pub enum Identity {
    /// A user's access key.
    AccessKey {
        /// Its id, which is no secret.
        access_key_id: String,
        /// Its secret.
        secret_access_key: SecretString,
    },
    /// Whoever the surroundings say this process is.
    Ambient,
}

impl Identity {
    /// An access key, checked as far as that goes without asking anybody.
    ///
    /// # Errors
    /// When its id or its secret cannot be one; the message names them as the API does and repeats no secret.
    pub fn access_key(access_key_id: &str, secret_access_key: SecretString) -> Result<Self, DeliveryError> {
        checks::check_access_key_id(access_key_id, "`accessKeyId`")?;
        checks::check_secret(&secret_access_key, "`secretAccessKey`")?;
        Ok(Self::AccessKey { access_key_id: access_key_id.to_owned(), secret_access_key })
    }
}

/// A role that a configuration names, to be assumed before anything else is done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Role {
    /// Its ARN.
    pub arn: String,
    /// What its trust policy asks for, no secret; the tenant's id when none is named.
    pub external_id: Option<String>,
}

impl Role {
    /// A role, checked as far as that goes without asking anybody.
    ///
    /// # Errors
    /// When its ARN or the external id cannot be one.
    pub fn new(arn: &str, external_id: Option<&str>) -> Result<Self, DeliveryError> {
        checks::check_role_arn(arn, "the role's ARN")?;
        if let Some(id) = external_id {
            checks::check_external_id(id, "the external id")?;
        }
        Ok(Self { arn: arn.to_owned(), external_id: external_id.map(str::to_owned) })
    }
}

/// Whose summary is delivered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TenantName {
    /// The tenant's id.
    pub id: Uuid,
    /// Its name.
    pub name: String,
}

/// A role as STS is asked for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RoleSession {
    pub(crate) arn: String,
    /// Empty for none.
    pub(crate) external_id: String,
    /// How the session is called in the records of whoever owns the role.
    pub(crate) name: String,
}

impl RoleSession {
    /// A session for a tenant: it carries the tenant's name, as far as STS takes its characters.
    pub(crate) fn new(role: &Role, tenant: &TenantName) -> Self {
        let is_taken = |c: char| c.is_ascii_alphanumeric() || "_+=,.@-".contains(c);
        let name = tenant.name.chars().map(|c| if is_taken(c) { c } else { '-' });
        Self {
            arn: role.arn.clone(),
            external_id: role.external_id.clone().unwrap_or_else(|| tenant.id.to_string()),
            name: format!("domesday-{}", name.take(55).collect::<String>()),
        }
    }
}

/// What fetching credentials takes.
#[derive(Debug, Clone)]
pub(crate) struct Means {
    pub(crate) http: Http,
    pub(crate) environment: Environment,
    pub(crate) region: String,
    pub(crate) sts: Endpoint,
}

impl Means {
    /// The time.
    pub(crate) fn now(&self) -> Timestamp {
        self.http.supervision().clock.now()
    }

    /// A client for the machine's own neighbours.
    fn direct(&self) -> Http {
        Http::direct(self.http.supervision().clone())
    }
}

/// Credentials as they are needed.
#[derive(Debug)]
pub(crate) struct Source {
    means: Means,
    identity: Identity,
    role: Option<RoleSession>,
    /// Of the identity, and of the role on top of it.
    own: Kept,
    assumed: Kept,
}

/// Credentials kept until shortly before they end.
#[derive(Debug, Default)]
struct Kept(Mutex<Option<Arc<Credentials>>>);

impl Kept {
    fn get(
        &self,
        now: Timestamp,
        fetch: impl FnOnce() -> Result<Credentials, DeliveryError>,
    ) -> Result<Arc<Credentials>, DeliveryError> {
        // One thread fetches, the others wait for what it gets.
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let is_fresh = |credentials: &Arc<Credentials>| {
            credentials.expires_at.is_none_or(|end| now.duration_until(end) > REFRESH_BEFORE)
        };
        if let Some(credentials) = kept.as_ref().filter(|credentials| is_fresh(credentials)) {
            return Ok(Arc::clone(credentials));
        }
        let fetched = Arc::new(fetch()?);
        *kept = Some(Arc::clone(&fetched));
        Ok(fetched)
    }

    fn forget(&self, refused: &Credentials) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // Another thread may have fetched new ones already.
        if kept.as_ref().is_some_and(|kept| kept.access_key_id == refused.access_key_id) {
            *kept = None;
        }
    }
}

impl Source {
    pub(crate) fn new(means: Means, identity: Identity, role: Option<RoleSession>) -> Self {
        Self { means, identity, role, own: Kept::default(), assumed: Kept::default() }
    }

    /// The credentials to sign with now.
    pub(crate) fn current(&self) -> Result<Arc<Credentials>, DeliveryError> {
        let now = self.means.now();
        let Some(role) = &self.role else { return self.own(now) };
        self.assumed.get(now, || sts::assume_role(&self.means, self.own(now)?.as_ref(), role))
    }

    /// Credentials that were refused as expired are not used again.
    pub(crate) fn forget(&self, refused: &Credentials) {
        self.own.forget(refused);
        self.assumed.forget(refused);
    }

    pub(crate) fn role(&self) -> Option<&RoleSession> {
        self.role.as_ref()
    }

    pub(crate) fn means(&self) -> &Means {
        &self.means
    }

    fn own(&self, now: Timestamp) -> Result<Arc<Credentials>, DeliveryError> {
        self.own.get(now, || match &self.identity {
            Identity::Ambient => chain::credentials(&self.means),
            Identity::AccessKey { access_key_id, secret_access_key } => Ok(Credentials {
                access_key_id: access_key_id.clone(),
                secret_access_key: secret_access_key.clone(),
                session_token: None,
                expires_at: None,
            }),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_secret_is_printed() {
        let credentials = Credentials {
            access_key_id: "AKIA1".into(),
            secret_access_key: "s3cr3t".into(),
            session_token: Some("t0ken".into()),
            expires_at: None,
        };
        let identity =
            Identity::AccessKey { access_key_id: "AKIA1".into(), secret_access_key: "s3cr3t".into() };
        for shown in [format!("{credentials:?}"), format!("{identity:?}")] {
            assert!(
                shown.contains("AKIA1") && !shown.contains("s3cr3t") && !shown.contains("t0ken"),
                "{shown}"
            );
        }
    }

    #[test]
    fn credentials_are_kept_until_shortly_before_their_end() {
        let kept = Kept::default();
        let end: Timestamp = "2026-01-01T01:00:00Z".parse().unwrap();
        let fetch = |id: &str| {
            Ok(Credentials {
                access_key_id: id.to_owned(),
                secret_access_key: "s".into(),
                session_token: None,
                expires_at: Some(end),
            })
        };
        let at = |minutes: i64| end - SignedDuration::from_mins(minutes);
        assert_eq!(kept.get(at(60), || fetch("first")).unwrap().access_key_id, "first");
        assert_eq!(kept.get(at(6), || fetch("second")).unwrap().access_key_id, "first");
        assert_eq!(kept.get(at(5), || fetch("second")).unwrap().access_key_id, "second");
        let second = fetch("second").unwrap();
        kept.forget(&second);
        assert_eq!(kept.get(at(60), || fetch("third")).unwrap().access_key_id, "third");
        kept.forget(&second);
        assert_eq!(kept.get(at(60), || fetch("fourth")).unwrap().access_key_id, "third");
    }

    #[test]
    fn sessions_are_named_after_the_tenant_in_characters_that_sts_takes() {
        let session = |tenant: &str, external_id: Option<&str>| {
            let role = Role { arn: "arn".into(), external_id: external_id.map(Into::into) };
            RoleSession::new(&role, &TenantName { id: Uuid::from_u128(7), name: tenant.into() })
        };
        let name = |tenant: &str| session(tenant, None).name;
        assert_eq!(session("Acme", None).external_id, "00000000-0000-0000-0000-000000000007");
        assert_eq!(session("Acme", Some("agreed")).external_id, "agreed");
        assert_eq!(name("Acme"), "domesday-Acme");
        assert_eq!(name("Müller & Söhne"), "domesday-M-ller---S-hne");
        assert_eq!(name(&"x".repeat(100)).len(), 64);
    }
}
