//! A prefix of a bucket at work: list and put for a delivery, get for readers.

use std::io::Write;

use domesday_model::Instant;

use super::access::S3Access;
use super::client::Client;
use super::credentials::{CredentialsResolver, ProviderContext, RoleSession};
use super::endpoints::{DeliveryEndpoints, EndpointResolver};
use super::listing_limits::{ListingLimits, ListingProgress};
use super::settings::S3Settings;
use super::shared_config::SharedConfig;
use super::upload;
use crate::http::{Http, ProxySettings};
use crate::layout::version_prefix;
use crate::{
    CallContext, DeliveryError, Destination, ListedObject, Listing, Receipt, RetryPolicy, SpooledFile,
    StoredObject, SummaryReader, TenantName,
};

/// S3 reports the times of its listings in seconds.
const TIME_RESOLUTION_MICROS: i64 = 1_000_000;

/// A prefix of a bucket as a destination.
#[derive(Debug)]
pub(super) struct S3Bucket {
    pub(super) client: Client,
    retry_policy: RetryPolicy,
    parallel: usize,
    /// Whether the server is not AWS.
    pub(super) is_compatible_store: bool,
    pub(super) limits: ListingLimits,
}

impl S3Bucket {
    /// Opens a bucket for a tenant, without a call.
    ///
    /// # Errors
    /// When an endpoint, a certificate or a proxy that the environment names cannot be used.
    pub(super) fn open(
        settings: &S3Settings,
        access: S3Access,
        tenant: &TenantName,
        call_context: CallContext,
    ) -> Result<Self, DeliveryError> {
        let S3Access { identity, role, environment, timeouts, retry_policy, parallel } = access;
        let config = SharedConfig::load(&environment)?;
        let resolver = EndpointResolver::new(&environment, &config);
        let endpoints = DeliveryEndpoints::new(
            settings.endpoint.as_deref(),
            &settings.region,
            &settings.bucket,
            &resolver,
        )?;
        let authorities =
            environment.get("AWS_CA_BUNDLE").or_else(|| config.chosen_profile().get("ca_bundle"));
        let proxies = ProxySettings::from_environment(&environment)?;
        let http = Http::new(timeouts, authorities, proxies, call_context)?;
        let context = ProviderContext {
            http,
            environment,
            region: settings.region.clone(),
            sts: endpoints.sts,
            endpoints: resolver,
        };
        let role = role.map(|role| RoleSession::new(&role, tenant));
        let client = Client {
            settings: settings.clone(),
            credentials: CredentialsResolver::new(context, identity, role),
            address: endpoints.bucket,
        };
        let is_compatible_store = endpoints.is_compatible_store;
        Ok(Self { client, retry_policy, parallel, is_compatible_store, limits: ListingLimits::default() })
    }
}

impl Destination for S3Bucket {
    fn list_where(&self, prefix: &str, is_wanted: &dyn Fn(&str) -> bool) -> Result<Listing, DeliveryError> {
        let within = self.client.settings.full_key("");
        let full = format!("{within}{prefix}");
        let (call_context, call) = (self.client.call_context(), format!("list {full}"));
        let started = call_context.clock.elapsed();
        let mut progress = ListingProgress::new(self.limits, &full);
        let mut listing = Listing {
            objects: Vec::new(),
            server_time: None,
            time_resolution_micros: TIME_RESOLUTION_MICROS,
        };
        let mut after: Option<String> = None;
        loop {
            let page = self
                .retry_policy
                .retry(call_context, &call, &mut 0, || self.client.list(&full, after.as_deref()))?;
            listing.server_time = page.date.map(Instant::from);
            let next = progress.add_page(&page, call_context.clock.elapsed().saturating_sub(started))?;
            for object in page.objects {
                let Some(key) = object.key.strip_prefix(&within).filter(|key| is_wanted(key)) else {
                    continue;
                };
                let key = key.to_owned();
                progress.add_kept(&object)?;
                listing.objects.push(ListedObject { key, ..object });
            }
            match next {
                Some(next) => after = Some(next),
                None => return Ok(listing),
            }
        }
    }

    fn deliver(
        &mut self,
        waves: &[Vec<SpooledFile>],
        progress: &mut dyn FnMut(usize),
    ) -> Result<Receipt, DeliveryError> {
        let mut receipt = Receipt::default();
        for wave in waves {
            upload::put_wave(&self.client, self.retry_policy, self.parallel, wave, &mut receipt, progress)?;
        }
        Ok(receipt)
    }
}

impl SummaryReader for S3Bucket {
    /// Without a path the destination is a whole bucket, of which only the summary's folder is its own.
    fn objects(&self) -> Result<Vec<StoredObject>, DeliveryError> {
        let is_whole_bucket = self.client.settings.path.is_empty();
        let prefix = if is_whole_bucket { version_prefix() } else { String::new() };
        let listed = self.list(&prefix)?.objects.into_iter();
        Ok(listed
            .map(|object| StoredObject { key: object.key, bytes: object.bytes, why_unreadable: None })
            .collect())
    }

    /// Reads an object in one attempt. It takes `s3:GetObject`, which an identity that delivers does not have.
    fn read(&self, key: &str, into: &mut dyn Write) -> Result<bool, DeliveryError> {
        self.client.get(key, into)
    }
}
