//! What a provider of credentials is, and what it works with.

use jiff::Timestamp;

use super::credentials_value::Credentials;
use crate::destinations::s3::endpoint::Endpoint;
use crate::destinations::s3::endpoints::EndpointResolver;
use crate::http::Http;
use crate::{DeliveryError, Environment};

/// A place where credentials are found.
pub(super) trait CredentialsProvider {
    /// The name of the place.
    fn name(&self) -> &'static str;

    /// Returns the credentials; `None` when the place is not configured.
    ///
    /// # Errors
    /// When the place is configured and does not work: that was intended, so no other place is asked.
    fn provide(&self, context: &ProviderContext) -> Result<Option<Credentials>, DeliveryError>;
}

/// What providers work with.
#[derive(Debug, Clone)]
pub(crate) struct ProviderContext {
    pub(crate) http: Http,
    pub(crate) environment: Environment,
    /// The region of the destination, whose STS is called.
    pub(crate) region: String,
    pub(crate) sts: Endpoint,
    pub(crate) endpoints: EndpointResolver,
}

impl ProviderContext {
    /// Returns the time.
    pub(crate) fn now(&self) -> Timestamp {
        self.http.call_context().clock.now()
    }

    /// Creates a client for metadata services and container agents.
    pub(super) fn local_http(&self) -> Http {
        Http::new_local(self.http.call_context().clone())
    }
}
