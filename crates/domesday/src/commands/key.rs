//! `domesday key`: the key that seals secrets, and the administrator's API keys.

use domesday_model::Instant;
use domesday_service::{SealError, Sealer, SecretKey, StartError, administrator_key, sealer, write_key};
use domesday_store::{ChangeBy, StoreError};
use secrecy::ExposeSecret;

use crate::cli::{Format, KeyAdminArgs, KeyArgs, KeyCommand, KeyNewArgs, KeyRotateArgs};
use crate::commands::instant;
use crate::commands::serve::read_config;
use crate::output::Output;

/// Who acts at the command line.
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
        .map_err(|error| anyhow::anyhow!("cannot make {}: {error}", args.file.display()))?;
    if !output.is_quiet() {
        output.note(format_args!(
            "made {}, fingerprint {}",
            args.file.display(),
            Sealer::from_text(&key)?.fingerprint()
        ));
    }
    Ok(())
}

/// Why a secret could not be sealed anew.
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
    let old = match sealer(&existing(&config.secret_key)) {
        Ok(old) => Some(old),
        Err(StartError::KeyFile { .. }) if args.discard => None,
        Err(error) => return Err(error.into()),
    };
    let new = sealer(&SecretKey::File { path: args.to.clone(), make: false })?;
    let at = instant(None);
    let change = ChangeBy { actor: ACTOR, origin: "cli", from: None, at };
    let mut discarded = Vec::new();
    let count = store.reseal_exports(&change, |id, sealed| {
        let record = domesday_service::export_record(id);
        let opened = old.as_ref().map(|old| old.open(&record, sealed));
        match opened {
            Some(Ok(secret)) => Ok::<_, RotateError>(Some(new.seal(&record, secret.expose_secret())?)),
            Some(Err(error)) if !args.discard => Err(error.into()),
            Some(Err(_)) | None => {
                discarded.push(id.to_owned());
                Ok(None)
            }
        }
    })?;
    let count = count - discarded.len();
    // Answers kept for calls sent again are sealed too; nobody waits for them across a stop of the service.
    // All of them, whatever a clock that was ahead has dated them.
    store.delete_responses(Instant::from_micros(i64::MAX))?;
    for id in &discarded {
        output.warning(format_args!(
            "the secret of export `{id}` could not be opened and was removed; set it again"
        ));
    }
    if output.format == Format::Json {
        output.json(&serde_json::json!({ "resealed": count, "discarded": discarded, "fingerprint": new.fingerprint() }));
    } else if !output.is_quiet() {
        let fingerprint = new.fingerprint();
        output.result(format_args!("{count} exports sealed with the key of fingerprint {fingerprint}"));
    }
    Ok(())
}

/// The configured key as one that must exist: a key that is created now has sealed nothing.
fn existing(key: &SecretKey) -> SecretKey {
    match key {
        SecretKey::File { path, .. } => SecretKey::File { path: path.clone(), make: false },
        given @ SecretKey::Given(_) => given.clone(),
    }
}

fn admin(args: &KeyAdminArgs, output: Output) -> anyhow::Result<()> {
    let config = read_config(&args.config)?;
    let mut store = config.database.open_existing()?;
    let key = administrator_key(&mut store, &args.name, instant(None))?;
    if output.format == Format::Json {
        output.json(&serde_json::json!({ "apiKey": key.expose_secret() }));
    } else {
        output.result(key.expose_secret());
    }
    Ok(())
}
