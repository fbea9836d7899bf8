//! From the words on the command line to a destination.

use std::path::Path;

use domesday_delivery::{
    Access, DestinationAddress, Environment, Identity, Role, S3Settings, Target, TenantName,
};

use crate::cli::{S3Args, StoreArg, TargetArgs};
use crate::commands::{instant, open_store};
use crate::output::Output;

/// The destination that is named.
pub(crate) fn target(args: &TargetArgs) -> anyhow::Result<Target> {
    match DestinationAddress::parse(&args.to)? {
        DestinationAddress::Bucket { bucket, path } => s3(&bucket, &path, &args.s3),
        DestinationAddress::Directory(path) => {
            if let Some(option) = given(&args.s3) {
                anyhow::bail!("--{option} is for destinations in S3, and `{}` is none", args.to);
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
            anyhow::anyhow!("the bucket's region is not known; name it with --region or AWS_REGION")
        })?,
    };
    // What the environment names is named in scripts and evidence as well.
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

/// An option that was given and concerns S3 alone. A region in the environment concerns whoever it may.
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

/// The tenant of a catalog directory or a store.
pub(crate) fn tenant(catalog: Option<&Path>, store: &StoreArg, output: Output) -> anyhow::Result<TenantName> {
    if catalog.is_none() && !store.location()?.exists() {
        anyhow::bail!(
            "the external id is the tenant's id: name a --catalog or --store that has it, or --external-id"
        );
    }
    let at = instant(None);
    let found = open_store(catalog, store, at, output)?.tenant()?;
    let (tenant, _) =
        found.ok_or_else(|| anyhow::anyhow!("the store holds no tenant yet; apply a catalog first"))?;
    Ok(TenantName { id: tenant.id.unwrap_or_else(|| tenant.derived_id()), name: tenant.name })
}
