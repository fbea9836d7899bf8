//! `domesday setup`: policies, and scripts for engines.

use domesday_delivery::{
    Environment, S3Settings, ServiceIdentity, SetupDocument, assume_policy, bucket_policy, iam_policy,
    key_policy, lifecycle, service_identity, setup_script, trust_policy,
};

use crate::cli::{AssumeArgs, BucketArgs, Format, IdentityArgs, SetupArgs, SetupCommand, TrustArgs};
use crate::output::Output;
use crate::target::{destination, tenant};

/// The region where the document does not depend on it.
const ANY_REGION: &str = "us-east-1";

pub(crate) fn run(args: &SetupArgs, output: &Output) -> anyhow::Result<()> {
    let document = match &args.command {
        SetupCommand::IamPolicy(args) => iam_policy(&settings(&args.bucket)?),
        SetupCommand::BucketPolicy(args) => bucket_policy(&settings(&args.bucket)?, &args.principal)?,
        SetupCommand::TrustPolicy(args) => trust(args, *output)?,
        SetupCommand::AssumePolicy(args) => assume(args, *output)?,
        SetupCommand::Identity(args) => return show_identity(args, *output),
        SetupCommand::KeyPolicy(args) => key_policy(&settings(&args.bucket)?, &args.principal)?,
        SetupCommand::Lifecycle(args) => lifecycle(&settings(&args.bucket)?, args.days)?,
        SetupCommand::Ddl(args) => {
            let script = setup_script(args.engine, &*destination(&args.target)?, args.layout.into())?;
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

fn print(document: &SetupDocument, output: Output) {
    match output.format {
        Format::Terraform => output.result(document.to_terraform()),
        _ => output.result(document.to_json()),
    }
}

fn trust(args: &TrustArgs, output: Output) -> anyhow::Result<SetupDocument> {
    let external_id = match &args.external_id {
        Some(id) => id.clone(),
        None => tenant(args.catalog.as_deref(), &args.store, output)?.id.to_string(),
    };
    let settings = settings(&args.bucket)?;
    let principal = match &args.principal {
        Some(principal) => principal.clone(),
        None => {
            let identity = identity(Some(&settings.region)).map_err(|error| {
                anyhow::anyhow!(
                    "{error:#}\nhelp: name the identity that the service runs as with `--principal ARN`"
                )
            })?;
            note(&identity, output);
            identity.principal
        }
    };
    Ok(trust_policy(&settings, &principal, &external_id)?)
}

fn assume(args: &AssumeArgs, output: Output) -> anyhow::Result<SetupDocument> {
    let document = assume_policy(&args.role_arn)?;
    if !output.is_quiet() {
        // The document does not depend on the identity, so a missing one is not an error.
        match identity(args.identity.region.as_deref()) {
            Ok(identity) => {
                output.note(format_args!("attach this policy to {}", identity.principal));
                note(&identity, output);
            }
            Err(_) => output.note(format_args!(
                "attach this policy to the identity that the service runs as; `domesday setup identity` prints it there"
            )),
        }
    }
    Ok(document)
}

fn show_identity(args: &IdentityArgs, output: Output) -> anyhow::Result<()> {
    let identity = identity(args.region.as_deref())?;
    if output.format == Format::Json {
        output.json(&serde_json::json!({
            "arn": identity.arn,
            "principal": identity.principal,
            "note": identity.note,
        }));
    } else {
        output.result(&identity.principal);
        note(&identity, output);
    }
    Ok(())
}

/// Returns the identity of the credentials found here.
fn identity(region: Option<&str>) -> anyhow::Result<ServiceIdentity> {
    let environment = Environment::from_process();
    let region = match region {
        Some(region) => region.to_owned(),
        None => S3Settings::ambient_region(&environment)?.unwrap_or_else(|| ANY_REGION.to_owned()),
    };
    Ok(service_identity(&region, None, environment)?)
}

/// Prints what to check before the identity is named in a policy.
fn note(identity: &ServiceIdentity, output: Output) {
    if let Some(note) = identity.note
        && !output.is_quiet()
    {
        output.note(format_args!("{} is a session of {}. {note}", identity.arn, identity.principal));
    }
}

fn settings(args: &BucketArgs) -> anyhow::Result<S3Settings> {
    let (bucket, path) = S3Settings::parse_url(&args.to)?;
    let of_key = args
        .kms_key_id
        .as_deref()
        .filter(|key| key.starts_with("arn:"))
        .and_then(|key| key.split(':').nth(3));
    let region = match args.region.as_deref().or(of_key) {
        Some(region) => region.to_owned(),
        None => {
            S3Settings::ambient_region(&Environment::from_process())?.unwrap_or_else(|| ANY_REGION.to_owned())
        }
    };
    let settings = S3Settings::new(&bucket, &path, &region)?;
    let settings = settings.with(None, args.kms_key_id.as_deref(), args.bucket_owner.as_deref())?;
    Ok(settings.with_encryption(args.sse)?)
}
