//! `domesday key`: the key that seals secrets, and the administrator's API keys.

use domesday_model::Instant;
use domesday_service::{SealError, Sealer, SecretKey, StartError, administrator_key, sealer, write_key};
use domesday_store::{ChangeBy, StoreError};
use secrecy::ExposeSecret;

use crate::cli::{Format, KeyAdminArgs, KeyArgs, KeyCommand, KeyNewArgs, KeyRotateArgs};
use crate::input::instant_or_now;
use crate::output::Output;
use crate::service_config::{existing_key, read_config};

/// The actor of the audit log for changes at the command line.
const ACTOR: &str = "administrator";

pub(crate) fn run(args: &KeyArgs, output: &Output) -> anyhow::Result<()> {
    match &args.command {
        KeyCommand::New(args) => new(args, *output),
        KeyCommand::Rotate(args) => rotate(args, *output),
        KeyCommand::Admin(args) => admin(args, *output),
    }
}

fn new(args: &KeyNewArgs, output: Output) -> anyhow::Result<()> {
    let key = Sealer::new_key()?;
    write_key(&args.file, &key)
        .map_err(|error| anyhow::anyhow!("cannot create {}: {error}", args.file.display()))?;
    if !output.is_quiet() {
        output.note(format_args!(
            "created {}, fingerprint {}",
            args.file.display(),
            Sealer::from_text(&key)?.fingerprint()
        ));
    }
    Ok(())
}

/// Why the key could not be rotated.
#[derive(Debug, thiserror::Error)]
enum RotateError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Seal(#[from] SealError),
}

fn rotate(args: &KeyRotateArgs, output: Output) -> anyhow::Result<()> {
    let config = read_config(&args.config)?;
    let mut store = config.database.open_existing()?;
    let old = match sealer(&existing_key(&config.secret_key)) {
        Ok(old) => Some(old),
        Err(StartError::KeyFile { .. }) if args.discard => None,
        Err(error) => return Err(error.into()),
    };
    let new = sealer(&SecretKey::File { path: args.to.clone(), make: false })?;
    let at = instant_or_now(None);
    let change = ChangeBy { actor: ACTOR, origin: "cli", from: None, at };
    let mut discarded = Vec::new();
    let count = store.reseal_exports(&change, |id, sealed| {
        let record = domesday_service::export_record(id);
        let opened = old.as_ref().map(|old| old.open(&record, sealed));
        match opened {
            Some(Ok(secret)) => Ok::<_, RotateError>(Some(new.seal_secret(&record, secret.expose_secret())?)),
            Some(Err(error)) if !args.discard => Err(error.into()),
            Some(Err(_)) | None => {
                discarded.push(id.to_owned());
                Ok(None)
            }
        }
    })?;
    let count = count - discarded.len();
    let mut connections = 0;
    for (name, sealed) in store.connection_secrets()? {
        let record = domesday_service::connection_record(&name);
        match old.as_ref().map(|old| old.open(&record, &sealed)) {
            Some(Ok(password)) => {
                let sealed = new.seal(&record, password.expose_secret())?;
                store.set_connection_secret(&name, Some(&sealed), at)?;
                connections += 1;
            }
            Some(Err(error)) if !args.discard => return Err(error.into()),
            Some(Err(_)) | None => {
                store.set_connection_secret(&name, None, at)?;
                output.warning(format_args!(
                    "the password of connection `{name}` could not be opened and was deleted; set it again"
                ));
            }
        }
    }
    // Responses stored under idempotency keys are sealed with the old key too. All are deleted, also ones that a clock
    // that was ahead dated in the future: no client waits for them while the service is stopped.
    store.delete_responses(Instant::from_micros(i64::MAX))?;
    for id in &discarded {
        output.warning(format_args!(
            "the secret of export `{id}` could not be opened and was deleted; set it again"
        ));
    }
    if output.format == Format::Json {
        output.json(&serde_json::json!({ "resealed": count, "connections": connections, "discarded": discarded, "fingerprint": new.fingerprint() }));
    } else if !output.is_quiet() {
        let fingerprint = new.fingerprint();
        output.result(format_args!(
            "{count} exports and {connections} connections sealed with the key of fingerprint {fingerprint}"
        ));
    }
    Ok(())
}

fn admin(args: &KeyAdminArgs, output: Output) -> anyhow::Result<()> {
    let config = read_config(&args.config)?;
    let mut store = config.database.open_existing()?;
    let key = administrator_key(&mut store, &args.name, instant_or_now(None))?;
    if output.format == Format::Json {
        output.json(&serde_json::json!({ "apiKey": key.expose_secret() }));
    } else {
        output.result(key.expose_secret());
    }
    Ok(())
}
