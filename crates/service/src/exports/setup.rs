//! What set-up shows of the service and of engines: the identity of the service for AWS, scripts for external tables.

use domesday_delivery::{
    Engine, Environment, Layout, S3Access, S3Config, S3Settings, ServiceIdentity, SigningIdentity,
    setup_script,
};

use super::configuration::{BucketConfiguration, Configuration, DestinationConfiguration};
use super::destination::{Destinations, configuration_error};
use super::identity::IdentityCache;
use crate::error::ServiceError;

/// The region of an identity about which nothing is known.
const ANY_REGION: &str = "us-east-1";

/// Returns the identity of the service, as the STS of a configuration's place or of a region reports it.
///
/// # Errors
/// When the operator does not allow the endpoint of the configuration, and as [`IdentityCache::identity`].
pub async fn own_identity(
    identity: &IdentityCache,
    destinations: &Destinations,
    configuration: Option<&Configuration>,
    region: Option<&str>,
) -> Result<ServiceIdentity, ServiceError> {
    let mut bucket = None;
    if let Some(configuration) = configuration {
        // The operator may have shortened the list since.
        destinations.check_endpoint(configuration)?;
        let DestinationConfiguration::S3(destination) = &configuration.destination;
        bucket = Some(&destination.bucket);
    }
    let endpoint = bucket.and_then(|bucket| bucket.endpoint.as_deref());
    let ambient = || S3Settings::ambient_region(&Environment::from_process()).ok().flatten();
    let region =
        region.map(str::to_owned).or_else(|| bucket.map(|bucket| bucket.region.clone())).or_else(ambient);
    identity.identity(region.as_deref().unwrap_or(ANY_REGION), endpoint).await
}

/// Returns the script of an engine: external tables, views and refresh for the summaries in a bucket.
///
/// # Errors
/// When a field of the bucket cannot be what it names, or the engine cannot read its path.
pub fn engine_script(
    bucket: &BucketConfiguration,
    layout: Layout,
    engine: Engine,
) -> Result<String, ServiceError> {
    let settings = bucket.settings().map_err(|error| configuration_error(&error))?;
    // A script names no credentials.
    let access = S3Access::new(SigningIdentity::Ambient, None, Environment::from_process());
    let destination = S3Config::new(settings, access);
    setup_script(engine, &destination, layout).map_err(|error| configuration_error(&error))
}
