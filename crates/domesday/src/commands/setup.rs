//! `domesday setup`: documents of rights and scripts for engines.

use domesday_delivery::{
    DestinationAddress, Document, Environment, S3Settings, bucket_policy, iam_policy, key_policy, lifecycle,
    setup_script, trust_policy,
};

use crate::cli::{BucketArgs, Format, SetupArgs, SetupCommand, TrustArgs};
use crate::commands::target::{target, tenant};
use crate::output::Output;

/// Where a document says nothing about a region, any one will do.
const ANY_REGION: &str = "us-east-1";

pub(crate) fn run(args: &SetupArgs, output: &Output) -> anyhow::Result<()> {
    let document = match &args.command {
        SetupCommand::IamPolicy(args) => iam_policy(&settings(&args.bucket)?),
        SetupCommand::BucketPolicy(args) => bucket_policy(&settings(&args.bucket)?, &args.principal)?,
        SetupCommand::TrustPolicy(args) => trust(args, *output)?,
        SetupCommand::KeyPolicy(args) => key_policy(&settings(&args.bucket)?, &args.principal)?,
        SetupCommand::Lifecycle(args) => lifecycle(&settings(&args.bucket)?, args.days)?,
        SetupCommand::Ddl(args) => {
            let script = setup_script(args.engine, &target(&args.target)?, args.layout.into())?;
            match output.format {
                Format::Json => {
                    output.json(&serde_json::json!({ "engine": args.engine.as_str(), "sql": script }));
                }
                _ => output.result(script.trim_end()),
            }
            return Ok(());
        }
    };
    print(&document, *output);
    Ok(())
}

fn print(document: &Document, output: Output) {
    match output.format {
        Format::Terraform => output.result(document.to_terraform()),
        _ => output.result(document.to_json()),
    }
}

fn trust(args: &TrustArgs, output: Output) -> anyhow::Result<Document> {
    let external_id = match &args.external_id {
        Some(id) => id.clone(),
        None => tenant(args.catalog.as_deref(), &args.store, output)?.id.to_string(),
    };
    Ok(trust_policy(&settings(&args.bucket)?, &args.principal, &external_id)?)
}

fn settings(args: &BucketArgs) -> anyhow::Result<S3Settings> {
    let DestinationAddress::Bucket { bucket, path } = DestinationAddress::parse(&args.to)? else {
        anyhow::bail!("`{}` is no bucket; write s3://BUCKET/PATH", args.to);
    };
    let of_key = args
        .kms_key_id
        .as_deref()
        .filter(|key| key.starts_with("arn:"))
        .and_then(|key| key.split(':').nth(3));
    let region = match args.region.as_deref().or(of_key) {
        Some(region) => region.to_owned(),
        None => {
            S3Settings::ambient_region(&Environment::of_process())?.unwrap_or_else(|| ANY_REGION.to_owned())
        }
    };
    let settings = S3Settings::new(&bucket, &path, &region)?;
    let settings = settings.with(None, args.kms_key_id.as_deref(), args.bucket_owner.as_deref())?;
    Ok(settings.with_encryption(args.sse)?)
}
