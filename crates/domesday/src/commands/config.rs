//! `domesday config check`: the settings that are in effect.

use domesday_service::SecretKey;

use crate::cli::{ConfigArgs, ConfigCommand, Format};
use crate::output::{GOOD, Output};
use crate::service_config::read_config;

pub(crate) fn run(args: &ConfigArgs, output: &Output) -> anyhow::Result<()> {
    let ConfigCommand::Check(args) = &args.command;
    let config = read_config(&args.config)?;
    let key = match &config.secret_key {
        SecretKey::Given(_) => "from the environment".to_owned(),
        SecretKey::File { path, make: false } => format!("file {}", path.display()),
        SecretKey::File { path, make: true } => format!("file {}, created when missing", path.display()),
    };
    // A check does not create the key.
    if !matches!(&config.secret_key, SecretKey::File { path, make: true } if !path.exists()) {
        domesday_service::sealer(&config.secret_key)?;
    }
    let or_none = |text: Option<String>| text.unwrap_or_else(|| "none".to_owned());
    let hosts: Vec<_> = config.connection_hosts.iter().map(ToString::to_string).collect();
    let lines = [
        ("listen", config.listen.to_string()),
        ("operations_listen", or_none(config.operations_listen.map(|address| address.to_string()))),
        ("public_url", config.public_url.clone()),
        ("tls", or_none(config.tls.as_ref().map(|tls| tls.certificate.display().to_string()))),
        ("database", format!("{:?}", config.database)),
        ("secret_key", key),
        ("tenant", format!("{} in {}", config.tenant.name, config.tenant.time_zone)),
        (
            "allowed_endpoints",
            or_none(Some(config.allowed_endpoints.join(", ")).filter(|text| !text.is_empty())),
        ),
        ("webhook", or_none(config.webhook.as_ref().map(|webhook| webhook.url.clone()))),
        ("oidc", or_none(config.oidc.as_ref().map(|oidc| oidc.issuer.clone()))),
        ("connection_hosts", or_none(Some(hosts.join(", ")).filter(|text| !text.is_empty()))),
        (
            "connection_ca_file",
            or_none(config.connection_authorities.as_ref().map(|path| path.display().to_string())),
        ),
        ("traces", or_none(config.collector.as_ref().map(|collector| collector.endpoint.clone()))),
    ];
    if output.format == Format::Json {
        let map: serde_json::Map<_, _> =
            lines.into_iter().map(|(name, value)| (name.to_owned(), value.into())).collect();
        output.json(&map);
    } else {
        for (name, value) in lines {
            output.result(format_args!("{name:<18} {value}"));
        }
        if !output.is_quiet() {
            output.note(format_args!("{GOOD}The configuration is valid.{GOOD:#}"));
        }
    }
    Ok(())
}
