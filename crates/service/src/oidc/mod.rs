//! Single sign-on to the console by OpenID Connect: authorization code with PKCE, state and nonce.
//!
//! A sign-in begins with [`SingleSignOn::begin`], which leads the browser to the provider and gives it a cookie: state, nonce
//! and PKCE verifier, sealed with the service's key, so that every replica can complete the sign-in and nobody can read or
//! forge it. [`SingleSignOn::complete`] requires the cookie and the state that came back through the provider to be of the same
//! sign-in, which is then used up; exchanges the code; validates the ID token ([`id_token`]); and finds the user in the catalog
//! ([`identity`]). The session that begins has the rights of the user ([`crate::sessions`]); no token of the provider is kept
//! or logged.

mod error;
mod id_token;
mod identity;
mod keys;
mod provider;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use domesday_model::Instant;
use domesday_store::Store;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use tokio::sync::Semaphore;

use crate::clock::Clock;
use crate::config::Oidc;
use crate::error::ServiceError;
use crate::key_secret::{hash, random_text};
use crate::pool::Pool;
use crate::seal::Sealer;
use crate::sessions::{self, Client as Browser};
use id_token::{Claims, Expected, Rejection};
use keys::PublicKey;
use provider::{Client, Metadata, encoded};

pub use error::OidcError;
pub(crate) use provider::is_trusted_address;

/// Where the provider leads browsers back to.
pub const CALLBACK: &str = "/sign-in/oidc/callback";

/// How long a sign-in may take, in microseconds: 10 minutes.
pub const LONGEST_SIGN_IN: i64 = 10 * 60 * 1_000_000;

/// How long what the provider says of itself and its keys are used, in microseconds: 10 minutes. A key that is not known is
/// asked for at once.
const METADATA_LIFETIME: i64 = 10 * 60 * 1_000_000;

/// How many sign-ins wait for the provider at a time.
const MAX_EXCHANGES: usize = 8;

/// How long a sign-in waits for its turn.
const LONGEST_WAIT: Duration = Duration::from_secs(10);

/// The longest code and state that are accepted, in bytes.
const MAX_PARAMETER: usize = 4096;

/// The longest path to return to, in bytes: browsers keep no large cookies.
const MAX_NEXT: usize = 1000;

/// What the cookie is sealed for.
const RECORD: &str = "single sign-on";

/// Single sign-on with the provider that the operator configured.
#[derive(Debug)]
pub struct SingleSignOn {
    shared: Arc<Shared>,
    turns: Arc<Semaphore>,
}

#[derive(Debug)]
struct Shared {
    config: Oidc,
    redirect_uri: String,
    client: Client,
    provider: Mutex<Option<Provider>>,
}

/// What is known of the provider.
#[derive(Debug, Clone)]
struct Provider {
    metadata: Arc<Metadata>,
    keys: Arc<[PublicKey]>,
    read_at: Instant,
}

/// A sign-in under way, as the cookie has it.
#[derive(Serialize, Deserialize)]
struct Attempt {
    state: String,
    nonce: String,
    verifier: String,
    next: String,
    began_at: Instant,
}

/// A sign-in that begins.
#[derive(Debug)]
pub struct Beginning {
    /// Where the browser goes: the provider's page.
    pub address: String,
    /// The cookie with which it comes back.
    pub cookie: SecretString,
}

/// What came back through the provider.
#[derive(Debug)]
pub struct Answer {
    /// The state.
    pub state: String,
    /// The code; empty when there is none.
    pub code: SecretString,
    /// The error; empty when there is none.
    pub error: String,
    /// The issuer (RFC 9207); empty when the provider does not name it.
    pub issuer: String,
}

/// A sign-in that succeeded.
#[derive(Debug)]
pub struct Completion {
    /// The token of the new session.
    pub token: SecretString,
    /// The path that was asked for.
    pub next: String,
}

impl SingleSignOn {
    /// Creates the client of the configured provider. Nothing is sent before somebody signs in.
    pub(crate) fn new(config: Oidc, public_url: &str) -> Self {
        let redirect_uri = format!("{public_url}{CALLBACK}");
        let shared = Shared { config, redirect_uri, client: Client::new(), provider: Mutex::default() };
        Self { shared: Arc::new(shared), turns: Arc::new(Semaphore::new(MAX_EXCHANGES)) }
    }

    /// The address of the provider.
    #[must_use]
    pub fn issuer(&self) -> &str {
        &self.shared.config.issuer
    }

    /// The address that the provider must know as that of this service.
    #[must_use]
    pub fn redirect_uri(&self) -> &str {
        &self.shared.redirect_uri
    }

    /// The configured claim that names the user.
    #[must_use]
    pub fn username_claim(&self) -> Option<&str> {
        self.shared.config.username_claim.as_deref()
    }

    /// Begins a sign-in, after which the browser is led to `next`.
    ///
    /// # Errors
    /// When the provider does not say where people sign in.
    pub async fn begin(&self, sealer: &Sealer, next: &str, now: Instant) -> Result<Beginning, OidcError> {
        let metadata = self.run_blocking(move |shared| Ok(shared.provider(now)?.metadata)).await?;
        let random = || random_text().map_err(|error| ServiceError::internal(&error));
        let next = if next.len() > MAX_NEXT { "" } else { next };
        let attempt = Attempt {
            state: random()?,
            nonce: random()?,
            verifier: random()?,
            next: next.to_owned(),
            began_at: now,
        };
        let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(attempt.verifier.as_bytes()));
        let parameters = [
            ("response_type", "code"),
            ("client_id", &self.shared.config.client_id),
            ("redirect_uri", &self.shared.redirect_uri),
            ("scope", "openid profile email"),
            ("state", &attempt.state),
            ("nonce", &attempt.nonce),
            ("code_challenge", &challenge),
            ("code_challenge_method", "S256"),
        ];
        let mut address = metadata.authorization_endpoint.clone();
        address.push(if address.contains('?') { '&' } else { '?' });
        let query: Vec<_> =
            parameters.iter().map(|(name, value)| format!("{name}={}", encoded(value))).collect();
        address.push_str(&query.join("&"));
        let text = serde_json::to_vec(&attempt).expect("an attempt is plain data");
        let sealed = sealer.seal(RECORD, &text).map_err(|error| ServiceError::internal(&error))?;
        Ok(Beginning { address, cookie: URL_SAFE_NO_PAD.encode(sealed).into() })
    }

    /// Completes a sign-in, and begins the session.
    ///
    /// # Errors
    /// When the browser did not begin this sign-in, the provider does not vouch for it, or the catalog has no active user of
    /// this name.
    pub async fn complete(
        &self,
        pool: &Pool,
        sealer: &Sealer,
        clock: &Clock,
        cookie: Option<&SecretString>,
        answer: Answer,
        browser: Browser,
    ) -> Result<Completion, OidcError> {
        let now = clock.now();
        let attempt = cookie.and_then(|cookie| open(sealer, cookie, now)).ok_or(OidcError::NotBegun)?;
        if answer.state.len() > MAX_PARAMETER || !is_same(&attempt.state, &answer.state) {
            return Err(OidcError::NotBegun);
        }
        let state = hash(&attempt.state.clone().into());
        let end = Instant::from_micros(attempt.began_at.as_micros().saturating_add(LONGEST_SIGN_IN));
        let take = move |store: &mut Store| -> Result<bool, ServiceError> {
            Ok(store.use_sign_in_state(&state, end, now)?)
        };
        if !pool.with_writer(take).await? {
            return Err(OidcError::NotBegun);
        }
        if !answer.error.is_empty() {
            return Err(OidcError::Declined(error::excerpt(&answer.error)));
        }
        let next = attempt.next.clone();
        let claims = self.run_blocking(move |shared| shared.claims(&attempt, &answer, now)).await?;
        let username_claim = self.shared.config.username_claim.clone();
        let clock = clock.clone();
        let begin = move |store: &mut Store| -> Result<Result<SecretString, OidcError>, ServiceError> {
            store.exclusive_transaction(|store| {
                let now = clock.now();
                let user = match identity::find(store, &claims, username_claim.as_deref()) {
                    Ok(user) => user,
                    Err(OidcError::Service(error)) => return Err(error),
                    // It says nothing about the connection, which the pool tests after an error.
                    Err(error) => return Ok(Err(error)),
                };
                sessions::begin_by_oidc(store, user.id, &user.username, &browser, now).map(Ok)
            })
        };
        let token = pool.with_writer(begin).await??;
        Ok(Completion { token, next })
    }

    /// Runs work that waits for the provider on a thread of its own.
    async fn run_blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Shared) -> Result<T, OidcError> + Send + 'static,
    ) -> Result<T, OidcError> {
        let turn = tokio::time::timeout(LONGEST_WAIT, Arc::clone(&self.turns).acquire_owned()).await;
        let Ok(Ok(turn)) = turn else {
            return Err(OidcError::Provider("too many sign-ins wait for the provider".to_owned()));
        };
        let shared = Arc::clone(&self.shared);
        let work = move || {
            let done = work(&shared);
            drop(turn);
            done
        };
        tokio::task::spawn_blocking(work).await.map_err(|error| ServiceError::internal(&error))?
    }
}

impl Shared {
    /// Returns what is known of the provider, not older than its lifetime.
    fn provider(&self, now: Instant) -> Result<Provider, OidcError> {
        let known = self.lock().clone().filter(|known| {
            (0..METADATA_LIFETIME).contains(&now.as_micros().saturating_sub(known.read_at.as_micros()))
        });
        match known {
            Some(known) => Ok(known),
            None => self.read_provider(now),
        }
    }

    fn read_provider(&self, now: Instant) -> Result<Provider, OidcError> {
        let metadata = self.client.metadata(&self.config.issuer)?;
        let keys = self.client.keys(&metadata)?;
        let read = Provider { metadata: Arc::new(metadata), keys: keys.into(), read_at: now };
        *self.lock() = Some(read.clone());
        Ok(read)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Option<Provider>> {
        self.provider.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Exchanges the code, and returns the claims about the person.
    fn claims(&self, attempt: &Attempt, answer: &Answer, now: Instant) -> Result<Claims, OidcError> {
        let Provider { metadata, keys, .. } = self.provider(now)?;
        if !answer.issuer.is_empty() && answer.issuer != metadata.issuer {
            return Err(OidcError::InvalidToken("the answer came from another provider"));
        }
        let code = answer.code.expose_secret();
        if code.is_empty() || code.len() > MAX_PARAMETER {
            return Err(OidcError::Declined("no code".to_owned()));
        }
        let verifier = SecretString::from(attempt.verifier.clone());
        let tokens = self.client.exchange(&self.config, &metadata, &self.redirect_uri, code, &verifier)?;
        let expected = Expected {
            issuer: &metadata.issuer,
            client_id: &self.config.client_id,
            nonce: &attempt.nonce,
            now,
        };
        let token = tokens.id_token.expose_secret();
        let mut claims = match id_token::validate(token, &keys, expected) {
            Ok(claims) => claims,
            // The provider may sign with another key since.
            Err(Rejection::NoKey) => id_token::validate(token, &self.read_provider(now)?.keys, expected)?,
            Err(rejection) => return Err(rejection.into()),
        };
        if !identity::is_complete(&claims, self.config.username_claim.as_deref())
            && let (Some(address), Some(token)) = (&metadata.userinfo_endpoint, &tokens.access_token)
        {
            let more = self.client.user_info(address, token)?;
            if more.get("sub") != claims.get("sub") {
                return Err(OidcError::InvalidToken(
                    "the provider answered with the claims of somebody else",
                ));
            }
            for (name, value) in more {
                claims.entry(name).or_insert(value);
            }
        }
        Ok(claims)
    }
}

/// Opens a cookie; none when this service did not make it, or too long ago.
fn open(sealer: &Sealer, cookie: &SecretString, now: Instant) -> Option<Attempt> {
    let sealed = URL_SAFE_NO_PAD.decode(cookie.expose_secret()).ok()?;
    let opened = sealer.open(RECORD, &sealed).ok()?;
    let attempt: Attempt = serde_json::from_slice(opened.expose_secret()).ok()?;
    let age = now.as_micros().saturating_sub(attempt.began_at.as_micros());
    (-domesday_store::MAX_CLOCK_SKEW_MICROS..LONGEST_SIGN_IN).contains(&age).then_some(attempt)
}

/// Compares in a time that does not depend on where the texts differ.
fn is_same(one: &str, other: &str) -> bool {
    let differing = one.bytes().zip(other.bytes()).fold(0, |found, (one, other)| found | (one ^ other));
    one.len() == other.len() && differing == 0
}
