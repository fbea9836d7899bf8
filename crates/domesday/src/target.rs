//! The destination and the tenant that the command line names.

use std::path::Path;

use domesday_delivery::{
    Access, DestinationAddress, Environment, Identity, Role, S3Settings, Target, TenantName,
};

use crate::cli::{S3Args, StoreArg, TargetArgs};
use crate::input::{instant_or_now, open_store};
use crate::output::Output;

/// Returns the destination that the command line names.
pub(crate) fn target(args: &TargetArgs) -> anyhow::Result<Target> {
    match DestinationAddress::parse(&args.to)? {
        DestinationAddress::Bucket { bucket, path } => s3(&bucket, &path, &args.s3),
        DestinationAddress::Directory(path) => {
            if let Some(option) = given(&args.s3) {
                anyhow::bail!(
                    "`--{option}` is only for destinations in S3, and `{}` is a directory",
                    args.to
                );
            }
            Ok(Target::Directory(path))
        }
    }
}

fn s3(bucket: &str, path: &str, args: &S3Args) -> anyhow::Result<Target> {
    let environment = Environment::of_process();
    let region = match &args.region {
        Some(region) => region.clone(),
        None => S3Settings::ambient_region(&environment)?.ok_or_else(|| {
            anyhow::anyhow!("the region of the bucket is not set\nhelp: set `--region` or AWS_REGION")
        })?,
    };
    // An endpoint from the environment appears in scripts and evidence as well.
    let ambient = environment.get("AWS_ENDPOINT_URL_S3").or_else(|| environment.get("AWS_ENDPOINT_URL"));
    let settings = S3Settings::new(bucket, path, &region)?.with(
        args.endpoint.as_deref().or(ambient),
        args.kms_key_id.as_deref(),
        args.bucket_owner.as_deref(),
    )?;
    let settings = settings.with_encryption(args.sse)?;
    let role = args.role_arn.as_deref().map(|arn| Role::new(arn, args.external_id.as_deref())).transpose()?;
    Ok(Target::S3(settings, Box::new(Access::new(Identity::Ambient, role, environment))))
}

/// Returns an option of S3 that was given. A region in the environment may be meant for another program.
fn given(args: &S3Args) -> Option<&'static str> {
    let options = [
        ("region", &args.region),
        ("endpoint", &args.endpoint),
        ("role-arn", &args.role_arn),
        ("kms-key-id", &args.kms_key_id),
        ("bucket-owner", &args.bucket_owner),
    ];
    let found = options.into_iter().find(|(_, value)| value.is_some()).map(|(name, _)| name);
    found.or(args.sse.map(|_| "sse"))
}

/// Returns the tenant of a catalog directory or a store.
pub(crate) fn tenant(catalog: Option<&Path>, store: &StoreArg, output: Output) -> anyhow::Result<TenantName> {
    if catalog.is_none() && !store.location()?.exists() {
        anyhow::bail!(
            "the external id is the tenant's id, and there is no store to read it from\nhelp: name a `--catalog` or \
             `--store`, or the `--external-id` itself"
        );
    }
    let at = instant_or_now(None);
    let found = open_store(catalog, store, at, output)?.tenant()?;
    let (tenant, _) = found.ok_or_else(|| {
        anyhow::anyhow!("the store has no tenant yet\nhelp: run `domesday apply DIR` first")
    })?;
    Ok(TenantName { id: tenant.id.unwrap_or_else(|| tenant.derived_id()), name: tenant.name })
}
