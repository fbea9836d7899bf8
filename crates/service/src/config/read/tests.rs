use super::*;
use crate::config::SecretKey;

fn nothing(_: &str) -> Option<String> {
    None
}

#[test]
fn everything_has_a_default() {
    let config = Config::read(None, nothing).unwrap();
    assert_eq!(config.listen.to_string(), "127.0.0.1:8080");
    assert!(
        matches!(&config.secret_key, SecretKey::File { path, make: true } if path == Path::new("domesday.key"))
    );
    assert!(config.allowed_endpoints.is_empty());
}

#[test]
fn the_environment_wins_over_the_file() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("domesday.toml");
    std::fs::write(&path, "[server]\nlisten = \"0.0.0.0:80\"\n[tenant]\nname = \"Acme\"\n").unwrap();
    let config = Config::read(Some(&path), |name| match name {
        "DOMESDAY_LISTEN" => Some("127.0.0.1:99".into()),
        "DOMESDAY_ALLOWED_ENDPOINTS" => Some("http://127.0.0.1:9000, https://S3.example".into()),
        _ => None,
    })
    .unwrap();
    assert_eq!(config.listen.port(), 99);
    assert_eq!(config.tenant.name, "Acme");
    assert_eq!(config.allowed_endpoints, ["http://127.0.0.1:9000", "https://s3.example:443"]);
}

#[test]
fn every_mistake_is_told_at_once() {
    let mistakes = Config::read(None, |name| match name {
        "DOMESDAY_LISTEN" => Some("here".into()),
        "DOMESDAY_TIME_ZONE" => Some("Mars/Olympus".into()),
        "DATABASE_URL" => Some("postgres://u:secret-word@h/d".into()),
        "DOMESDAY_TLS_KEY" => Some("key.pem".into()),
        "DOMESDAY_WEBHOOK_URL" => Some("https://hooks.example".into()),
        "DOMESDAY_LOG" => Some("loud".into()),
        "DOMESDAY_ALLOWED_ENDPOINTS" => Some("ftp://x".into()),
        "DOMESDAY_RUN_TIMEOUT_SECONDS" => Some("0".into()),
        _ => None,
    })
    .unwrap_err();
    assert_eq!(mistakes.0.len(), 8, "{mistakes}");
    assert!(!mistakes.to_string().contains("secret-word"));
}

#[test]
fn a_collector_is_named_as_opentelemetry_has_it() {
    let read = |variables: &'static [(&str, &str)]| {
        let variable = |name: &str| {
            let found = variables.iter().find(|(known, _)| *known == name);
            found.map(|(_, value)| (*value).to_owned())
        };
        Config::read(None, variable).map(|config| config.collector)
    };
    let endpoint = |variables| read(variables).unwrap().unwrap().endpoint;
    assert_eq!(read(&[]).unwrap(), None);
    const BASE: (&str, &str) = ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://collector:4318/");
    const OWN: (&str, &str) = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "https://traces.example/take");
    assert_eq!(endpoint(&[BASE]), "http://collector:4318/v1/traces");
    assert_eq!(endpoint(&[BASE, OWN]), "https://traces.example/take");
    assert_eq!(read(&[BASE, ("OTEL_SDK_DISABLED", "true")]).unwrap(), None);
    assert_eq!(read(&[BASE, ("OTEL_TRACES_EXPORTER", "none")]).unwrap(), None);
    let timeouts =
        read(&[BASE, ("OTEL_EXPORTER_OTLP_TIMEOUT", "9"), ("OTEL_EXPORTER_OTLP_TRACES_TIMEOUT", "7")]);
    assert_eq!(timeouts.unwrap().unwrap().timeout, Duration::from_millis(7));
    let mistakes = read(&[
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://u:secret-word@collector"),
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"),
        ("OTEL_EXPORTER_OTLP_TIMEOUT", "soon"),
        ("DOMESDAY_WEBHOOK_URL", "https://u:secret-word@hooks.example"),
        ("DOMESDAY_WEBHOOK_SECRET", "whsec_c2VjcmV0"),
    ])
    .unwrap_err();
    assert_eq!(mistakes.0.len(), 4, "{mistakes}");
    assert!(!mistakes.to_string().contains("secret-word"));
}

#[test]
fn relative_paths_start_at_the_configuration_file_and_in_the_environment_at_the_working_directory() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("domesday.toml");
    let text = "[server]\ntls_certificate = \"tls/a.pem\"\ntls_key = \"/etc/a.key\"\n\
                [database]\npath = \"data/store.db\"\n\
                [webhook]\nurl = \"https://hooks.example\"\nsecret_file = \"hook.secret\"\n";
    std::fs::write(&path, text).unwrap();
    std::fs::write(dir.path().join("hook.secret"), "hush\n").unwrap();
    let config = Config::read(Some(&path), nothing).unwrap();
    assert_eq!(config.database.file(), Some(&*dir.path().join("data/store.db")));
    let SecretKey::File { path: key, make: true } = &config.secret_key else { panic!("it is made beside") };
    assert_eq!(*key, dir.path().join("data/store.key"));
    let tls = config.tls.unwrap();
    assert_eq!((tls.certificate, tls.key), (dir.path().join("tls/a.pem"), "/etc/a.key".into()));
    assert!(config.webhook.is_some());

    let config = Config::read(Some(&path), |name| match name {
        "DOMESDAY_STORE" => Some("here/store.db".into()),
        "DOMESDAY_SECRET_KEY_FILE" => Some("here.key".into()),
        "DOMESDAY_TLS_CERTIFICATE" => Some("here.pem".into()),
        _ => None,
    })
    .unwrap();
    assert_eq!(config.database.file(), Some(Path::new("here/store.db")));
    assert!(matches!(&config.secret_key, SecretKey::File { path, .. } if path == Path::new("here.key")));
    assert_eq!(config.tls.unwrap().certificate, Path::new("here.pem"));

    // Without a path in the file the store stays in the working directory.
    std::fs::write(&path, "[secrets]\nkey_file = \"the.key\"\n").unwrap();
    let config = Config::read(Some(&path), nothing).unwrap();
    assert_eq!(config.database.file(), Some(Path::new("domesday.db")));
    assert!(
        matches!(&config.secret_key, SecretKey::File { path, make: false } if *path == dir.path().join("the.key"))
    );
}

#[test]
fn a_file_that_only_the_working_directory_has_is_a_mistake() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("domesday.toml");
    // Tests run in the directory of the crate.
    std::fs::write(&path, "[database]\npath = \"Cargo.toml\"\n").unwrap();
    let error = Config::read(Some(&path), nothing).unwrap_err().to_string();
    assert!(error.contains("database.path") && error.contains("absolute path"), "{error}");
    std::fs::write(dir.path().join("Cargo.toml"), "").unwrap();
    assert!(Config::read(Some(&path), nothing).is_ok());
}

#[test]
fn a_broken_file_hides_no_mistake_and_makes_none() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("domesday.toml");
    let mistakes = |text: &str| {
        std::fs::write(&path, text).unwrap();
        let variable = |name: &str| match name {
            "DOMESDAY_TIME_ZONE" => Some("Mars/Olympus".to_owned()),
            "DATABASE_URL" => Some("postgres://u@h/d".to_owned()),
            "DOMESDAY_WEBHOOK_URL" => Some("https://hooks.example".to_owned()),
            "DOMESDAY_TLS_KEY" => Some("key.pem".to_owned()),
            _ => None,
        };
        Config::read(Some(&path), variable).unwrap_err().0
    };
    // Key, secret and certificate may stand in what cannot be read.
    let found = mistakes(
        "[secrets\nkey_file = \"k\"\n[server]\nlisten = 80\nlissten = \"x\"\n[log]\nlevel = \"loud\"\n",
    );
    let has = |part: &str| found.iter().any(|mistake| mistake.contains(part));
    assert!(has(":1:") && has("listen") && has("lissten") && has("loud") && has("Mars/Olympus"), "{found:?}");
    assert!(!has("needs"), "{found:?}");
    // In a file without mistakes they are missing.
    let found = mistakes("[log]\nlevel = \"info\"\n");
    assert_eq!(found.iter().filter(|mistake| mistake.contains("needs")).count(), 3, "{found:?}");
    let missing = Config::read(Some(&dir.path().join("none.toml")), |name| {
        (name == "DOMESDAY_LOG").then(|| "loud".to_owned())
    });
    let missing = missing.unwrap_err().0;
    assert_eq!(missing.len(), 2, "{missing:?}");
    assert_eq!(missing[0].matches("os error").count(), 1, "{missing:?}");
}

#[test]
fn every_mistake_of_a_file_is_told_with_its_place() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("domesday.toml");
    std::fs::write(
        &path,
        "[server]\nlissten = \"0.0.0.0:80\"\nmax_body_bytes = \"big\"\n[serve]\nx = 1\n[delivery]\nattempts = -1\n\
         [tenant]\nname = 7\nname = \"Acme\"\n",
    )
    .unwrap();
    let mistakes = Config::read(Some(&path), nothing).unwrap_err().0;
    let expected = [":2:1: server.lissten", ":3:", ":5:", ":7:", ":9:", ":10:"];
    for place in expected {
        assert!(mistakes.iter().any(|mistake| mistake.contains(place)), "{place} in {mistakes:#?}");
    }
}

#[test]
fn an_unknown_setting_is_a_mistake() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("domesday.toml");
    std::fs::write(&path, "[server]\nlissten = \"0.0.0.0:80\"\n").unwrap();
    let error = Config::read(Some(&path), nothing).unwrap_err().to_string();
    assert!(error.contains("lissten"), "{error}");
}
