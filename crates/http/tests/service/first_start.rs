//! The first start: nothing that fails swallows the administrator's key, and a lost sealing key is not replaced.

use std::io;
use std::net::TcpListener;
use std::path::Path;
use std::sync::{Arc, Mutex};

use domesday_http::{Running, ServeError, start_with};
use domesday_model::Instant;
use domesday_service::{Clock, Config, Sealer, StartError, export_record};
use domesday_store::{ChangeBy, IfMatch, SealedSecret, Store};
use secrecy::ExposeSecret;
use serde_json::{Value, json};

use crate::world::{START, instant};

/// A start on a directory: the running service or why there is none, and the key that was announced.
fn start(
    dir: &Path,
    settings: &[(&str, &str)],
    can_print: bool,
) -> (Result<Option<String>, ServeError>, Option<String>) {
    let store = dir.join("governance.db");
    let config = Config::read(None, |name| match name {
        "DOMESDAY_STORE" => Some(store.display().to_string()),
        name => settings
            .iter()
            .find(|(known, _)| *known == name)
            .map(|(_, value)| (*value).to_owned())
            .or_else(|| (name == "DOMESDAY_LISTEN").then(|| "127.0.0.1:0".to_owned())),
    });
    let announced = Arc::new(Mutex::new(None));
    let announce = {
        let announced = Arc::clone(&announced);
        move |key: &secrecy::SecretString| {
            *announced.lock().unwrap() = Some(key.expose_secret().to_owned());
            if can_print { Ok(()) } else { Err(io::Error::other("nobody listens")) }
        }
    };
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let started = runtime.block_on(async {
        let running = start_with(config.unwrap(), Clock::standing_at(instant(START)), announce).await?;
        let Running { first_key, .. } = &running;
        let key = first_key.as_ref().map(|key| key.expose_secret().to_owned());
        running.stop().await;
        Ok(key)
    });
    let announced = announced.lock().unwrap().take();
    (started, announced)
}

#[test]
fn a_port_in_use_does_not_swallow_the_administrators_key() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    for setting in ["DOMESDAY_LISTEN", "DOMESDAY_OPERATIONS_LISTEN"] {
        let dir = tempfile::tempdir().unwrap();
        let (started, announced) = start(dir.path(), &[(setting, &address)], true);
        assert!(matches!(started, Err(ServeError::Listen { .. })), "{setting}: {started:?}");
        assert_eq!(announced, None);
        let (started, announced) = start(dir.path(), &[], true);
        let key = started.unwrap();
        assert!(key.is_some() && key == announced, "{setting}");
        let (started, announced) = start(dir.path(), &[], true);
        assert_eq!((started.unwrap(), announced), (None, None), "the key is shown once");
    }
}

#[test]
fn whatever_else_fails_leaves_the_key_to_the_next_start() {
    let dir = tempfile::tempdir().unwrap();
    let missing = dir.path().join("missing.pem").display().to_string();
    for settings in [
        &[("DOMESDAY_TLS_CERTIFICATE", missing.as_str()), ("DOMESDAY_TLS_KEY", missing.as_str())] as &[_],
        &[("DOMESDAY_SECRET_KEY_FILE", missing.as_str())],
        &[("DOMESDAY_SECRET_KEY", "too short")],
        &[
            ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:1"),
            ("OTEL_EXPORTER_OTLP_CERTIFICATE", missing.as_str()),
        ],
    ] {
        let (started, announced) = start(dir.path(), settings, true);
        assert!(started.is_err() && announced.is_none(), "{settings:?}");
    }
    assert!(start(dir.path(), &[], true).0.unwrap().is_some());
}

#[test]
fn a_key_that_cannot_be_printed_is_not_created() {
    let dir = tempfile::tempdir().unwrap();
    let (started, unseen) = start(dir.path(), &[], false);
    assert!(matches!(started, Err(ServeError::Start(StartError::Announce(_)))), "{started:?}");
    let (started, announced) = start(dir.path(), &[], true);
    assert_eq!(started.unwrap(), announced);
    assert!(announced.is_some() && announced != unseen);
    let mut store = Store::open(&dir.path().join("governance.db")).unwrap();
    assert_eq!(store.api_keys(None).unwrap().len(), 1);
}

/// Seals a secret as an export has it.
fn seal(dir: &Path) {
    let key = std::fs::read_to_string(dir.join("governance.key")).unwrap();
    let sealed =
        Sealer::from_text(&key.into()).unwrap().seal_secret(&export_record("default"), b"secret").unwrap();
    let mut store = Store::open(&dir.join("governance.db")).unwrap();
    let change = ChangeBy { actor: "test", origin: "cli", from: None, at: Instant::from_micros(0) };
    let document = json!({ "bucket": "b", "region": "eu-central-1", "accessKeyId": "AKIA" });
    store.put_export("default", &document, Some(&sealed), IfMatch::Any, &change).unwrap();
}

#[test]
fn a_missing_key_is_made_anew_only_where_nothing_is_sealed_with_it() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("governance.key");
    start(dir.path(), &[], true).0.unwrap();
    std::fs::remove_file(&path).unwrap();
    start(dir.path(), &[], true).0.unwrap();
    seal(dir.path());

    let kept = dir.path().join("kept.key");
    std::fs::rename(&path, &kept).unwrap();
    let error = start(dir.path(), &[], true).0.unwrap_err();
    assert!(matches!(error, ServeError::Start(StartError::KeyMissing { .. })), "{error}");
    let told = error.to_string();
    assert!(told.contains("governance.key") && told.contains("\nhelp: "), "{told}");
    assert!(!path.exists(), "no other key takes its place");

    for other in [Sealer::new_key().unwrap(), Sealer::new_key().unwrap()] {
        domesday_service::write_key(&path, &other).unwrap();
        let error = start(dir.path(), &[], true).0.unwrap_err();
        assert!(matches!(error, ServeError::Start(StartError::OtherKey { .. })), "{error}");
        std::fs::remove_file(&path).unwrap();
        let given = [("DOMESDAY_SECRET_KEY", other.expose_secret())];
        let error = start(dir.path(), &given, true).0.unwrap_err();
        assert!(matches!(error, ServeError::Start(StartError::OtherKey { .. })), "{error}");
    }
    std::fs::rename(&kept, &path).unwrap();
    start(dir.path(), &[], true).0.unwrap();
}

#[test]
fn the_fingerprint_of_a_secret_that_an_earlier_version_sealed_is_computed_at_the_start() {
    let dir = tempfile::tempdir().unwrap();
    start(dir.path(), &[], true).0.unwrap();
    seal(dir.path());
    let open = || Store::open(&dir.path().join("governance.db")).unwrap();
    let (id, secret) = open().export_secrets().unwrap().remove(0);
    let change = ChangeBy { actor: "test", origin: "cli", from: None, at: Instant::from_micros(0) };
    let without = SealedSecret { fingerprint: None, ..secret.clone() };
    let document = open().export::<Value>(&id).unwrap().unwrap().configuration;
    open().put_export(&id, &document, Some(&without), IfMatch::Any, &change).unwrap();
    start(dir.path(), &[], true).0.unwrap();
    assert_eq!(open().export_secrets().unwrap(), [(id, secret)]);
}
