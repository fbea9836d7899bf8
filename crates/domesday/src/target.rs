//! The destination and the tenant that the command line names.

use std::path::Path;
use std::sync::Arc;

use domesday_delivery::{
    DestinationConfig, DestinationOptions, Encryption, Environment, TenantName, configure_destination,
};

use crate::cli::{S3Args, StoreArg, TargetArgs};
use crate::input::open_tenant;
use crate::output::Output;

/// Returns the destination that the command line names. Every option that is given must concern it; a region in the
/// environment may be meant for another program.
pub(crate) fn destination(args: &TargetArgs) -> anyhow::Result<Arc<dyn DestinationConfig>> {
    destination_at(&args.to, &args.s3)
}

/// Returns the destination at an address.
pub(crate) fn destination_at(to: &str, s3: &S3Args) -> anyhow::Result<Arc<dyn DestinationConfig>> {
    let options = DestinationOptions::default()
        .with("region", s3.region.as_deref())
        .with("endpoint", s3.endpoint.as_deref())
        .with("role-arn", s3.role_arn.as_deref())
        .with("external-id", s3.external_id.as_deref())
        .with("kms-key-id", s3.kms_key_id.as_deref())
        .with("sse", s3.sse.map(Encryption::as_str))
        .with("bucket-owner", s3.bucket_owner.as_deref());
    Ok(configure_destination(to, &options, &Environment::from_process())?)
}

/// Returns the tenant of a catalog directory or a store.
pub(crate) fn tenant(catalog: Option<&Path>, store: &StoreArg, output: Output) -> anyhow::Result<TenantName> {
    if catalog.is_none() && !store.location()?.exists() {
        anyhow::bail!(
            "the external id is the tenant's id, and there is no store to read it from\nhelp: name a `--catalog` or \
             `--store`, or the `--external-id` itself"
        );
    }
    let found = open_tenant(catalog, store, output)?.tenant()?;
    let (tenant, _) = found.ok_or_else(|| {
        anyhow::anyhow!("the store has no tenant yet\nhelp: run `domesday apply DIR` first")
    })?;
    Ok(TenantName { id: tenant.id.unwrap_or_else(|| tenant.derived_id()), name: tenant.name })
}
