//! One suite that every kind of destination passes. A new kind adds its fixture to [`FIXTURES`].

use std::fs::File;
use std::io::Write;
use std::sync::Arc;

use uuid::Uuid;

use super::KINDS;
use super::local::LocalConfig;
use super::s3::fake_server::FakeServer;
use super::s3::{S3Access, S3Config, S3Settings, SigningIdentity};
use crate::layout::{manifest_key, probe_key, snapshot_key, version_prefix};
use crate::{
    CallContext, CheckStatus, DestinationConfig, Engine, Environment, KeyKind, Layout, OpenDestination,
    RetryPolicy, RunKeys, Slot, Spool, SpooledFile, TenantName, setup_script, verify,
};

/// A destination of one kind, with nothing at it, and one that does not work.
struct Fixture {
    /// An address of the kind.
    address: &'static str,
    config: Arc<dyn DestinationConfig>,
    unusable: Arc<dyn DestinationConfig>,
    /// What must live as long as the destination.
    _keep: Box<dyn std::any::Any>,
}

/// In the order of [`KINDS`].
const FIXTURES: [fn() -> Fixture; KINDS.len()] = [s3, local];

fn s3() -> Fixture {
    let server = FakeServer::start();
    let config = |url: &str| {
        let settings = S3Settings::new("acme-audit", "access/summary", "eu-central-1").unwrap();
        let settings = settings.with(Some(url), None, None).unwrap();
        let identity = SigningIdentity::access_key("AKIAEXAMPLE", "secret".into()).unwrap();
        let mut access = S3Access::new(identity, None, Environment::default());
        access.retry_policy = RetryPolicy::NONE;
        Arc::new(S3Config::new(settings, access))
    };
    // Nothing listens on the port of a listener that is closed.
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    Fixture {
        address: "s3://acme-audit/access/summary",
        config: config(&server.url),
        unusable: config(&format!("http://{closed}")),
        _keep: Box::new(server),
    }
}

fn local() -> Fixture {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("file");
    File::create(&file).unwrap();
    Fixture {
        address: "./out",
        config: Arc::new(LocalConfig::new(dir.path().join("deep/out"))),
        unusable: Arc::new(LocalConfig::new(file)),
        _keep: Box::new(dir),
    }
}

fn tenant() -> TenantName {
    TenantName { id: Uuid::nil(), name: "Acme".into() }
}

fn spooled(spool: &Spool, key: &str, content: &str) -> SpooledFile {
    spool.create(key).unwrap().write_all(content.as_bytes()).unwrap();
    spool.complete(key, content.len() as u64, domesday_tables::sha256(content.as_bytes()))
}

/// Delivers files, each in a wave of its own, and returns the marks of the last one: reported and listed.
fn deliver(config: &dyn DestinationConfig, files: &[(&str, &str)]) -> (Option<String>, Option<String>) {
    let OpenDestination { mut destination, spool } = config.open(&tenant(), &CallContext::new()).unwrap();
    let waves: Vec<_> = files.iter().map(|(key, content)| vec![spooled(&spool, key, content)]).collect();
    let mut counts = Vec::new();
    let receipt = destination.deliver(&waves, &mut |count| counts.push(count)).unwrap();
    assert_eq!((receipt.files, receipt.retries), (files.len(), 0));
    assert_eq!(receipt.bytes, files.iter().map(|(_, content)| content.len() as u64).sum::<u64>());
    assert_eq!(counts.last(), Some(&files.len()));
    let last = files.last().map(|(key, _)| *key).unwrap_or_default();
    let listed = destination.list(last).unwrap().object(last).and_then(|object| object.etag.clone());
    (receipt.last_etag, listed)
}

/// Reads every object back.
fn contents(config: &dyn DestinationConfig) -> Vec<(String, String)> {
    let reader = config.open_reader(&tenant(), &CallContext::new()).unwrap();
    let mut found: Vec<_> = reader
        .objects()
        .unwrap()
        .into_iter()
        .map(|object| {
            let mut bytes = Vec::new();
            assert!(reader.read(&object.key, &mut bytes).unwrap(), "{}", object.key);
            assert_eq!(object.bytes, bytes.len() as u64);
            assert_eq!(object.why_unreadable, None);
            (object.key, String::from_utf8(bytes).unwrap())
        })
        .collect();
    found.sort_unstable();
    found
}

fn owned(files: &[(&str, &str)]) -> Vec<(String, String)> {
    let mut files: Vec<_> =
        files.iter().map(|(key, content)| ((*key).to_owned(), (*content).to_owned())).collect();
    files.sort_unstable();
    files
}

#[test]
fn every_kind_has_a_fixture_and_recognises_its_address() {
    for (kind, fixture) in KINDS.iter().zip(FIXTURES) {
        let address = fixture().address;
        assert!(kind.has_address(address), "{address}");
        let others = KINDS.iter().filter(|other| other.has_address(address));
        assert_eq!(others.count(), 1, "{address}");
    }
}

#[test]
fn a_destination_keeps_its_name_and_says_where_its_tables_are() {
    for fixture in FIXTURES {
        let Fixture { config, _keep, .. } = fixture();
        drop(config.open(&tenant(), &CallContext::new()).unwrap());
        assert_eq!(config.root(), format!("{}/v1", config.address()));
        deliver(&*config, &[(&manifest_key(), "m")]);
        let name = config.name();
        deliver(&*config, &[(&manifest_key(), "n")]);
        assert_eq!(config.name(), name);
        for engine in Engine::ALL {
            let script = setup_script(engine, &*config, Layout::Latest).unwrap();
            let location = config.table_location().unwrap();
            assert!(script.contains("policy_outcomes") || script.contains("POLICY_OUTCOMES"), "{engine}");
            assert_eq!(location.root, config.root());
        }
    }
}

#[test]
fn files_arrive_whole_in_the_order_of_waves_and_are_replaced() {
    for fixture in FIXTURES {
        let Fixture { config, _keep, .. } = fixture();
        assert!(
            config
                .open(&tenant(), &CallContext::new())
                .unwrap()
                .destination
                .list("v1/")
                .unwrap()
                .objects
                .is_empty()
        );
        let places = RunKeys::new(Layout::History, Slot::A, "2026-11-24T02:00:00Z".parse().unwrap());
        let part = places.part_key("user-metadata", 0);
        let files = [(part.as_str(), "rows"), (&snapshot_key(), "row"), (&manifest_key(), "{\"a\": 1}")];
        let (reported, listed) = deliver(&*config, &files);
        assert!(reported.is_some() && reported == listed);
        assert_eq!(contents(&*config), owned(&files));

        let again = [(part.as_str(), "other rows"), (&manifest_key(), "{}")];
        let (other, _) = deliver(&*config, &again);
        assert_ne!(other, reported, "the mark changes with the content");
        let expected = [again[0], files[1], again[1]];
        assert_eq!(contents(&*config), owned(&expected));
    }
}

#[test]
fn listings_are_in_the_order_of_keys_and_hold_what_is_wanted() {
    for fixture in FIXTURES {
        let Fixture { config, _keep, .. } = fixture();
        let files: Vec<_> =
            (0..7).map(|n| (format!("v1/user-metadata/part-{n:05}.parquet"), "x".repeat(n))).collect();
        let mut files: Vec<_> = files.iter().map(|(key, content)| (key.as_str(), content.as_str())).collect();
        let notes = "v1/notes/ü b+c%20.txt";
        files.extend([(notes, "note"), ("v10/x", "other version")]);
        deliver(&*config, &files);
        let opened = config.open(&tenant(), &CallContext::new()).unwrap();
        let listing = opened.destination.list(&version_prefix()).unwrap();
        let keys: Vec<_> = listing.objects.iter().map(|object| object.key.as_str()).collect();
        let mut expected: Vec<_> = files.iter().map(|(key, _)| *key).filter(|key| *key != "v10/x").collect();
        expected.sort_unstable();
        assert_eq!(keys, expected);
        for (key, content) in &files[..8] {
            assert_eq!(listing.object(key).map(|object| object.bytes), Some(content.len() as u64), "{key}");
        }
        let parts = opened.destination.list_where("v1/", &|key| KeyKind::parse(key).is_some()).unwrap();
        assert_eq!(parts.objects.len(), 7);
        assert_eq!(opened.destination.list("v1/user-metadata/part-00003").unwrap().objects.len(), 1);
        assert!(opened.destination.list("v2/").unwrap().objects.is_empty());
        assert!(listing.time_resolution_micros > 0);
    }
}

#[test]
fn nothing_of_a_later_wave_is_put_when_a_file_cannot_be_put() {
    for fixture in FIXTURES {
        let Fixture { config, _keep, .. } = fixture();
        let OpenDestination { mut destination, spool } = config.open(&tenant(), &CallContext::new()).unwrap();
        let first = spooled(&spool, "v1/user-metadata/part-00000.parquet", "rows");
        let missing = spool.complete("v1/tag-metadata/part-00000.parquet", 4, [0; 32]);
        let last = spooled(&spool, &manifest_key(), "{}");
        let waves = [vec![first], vec![missing], vec![last]];
        assert!(destination.deliver(&waves, &mut |_| {}).is_err());
        assert!(destination.list(&manifest_key()).unwrap().objects.is_empty());
    }
}

#[test]
fn readers_are_told_what_is_not_there() {
    for fixture in FIXTURES {
        let Fixture { config, _keep, .. } = fixture();
        deliver(&*config, &[(&manifest_key(), "m")]);
        let reader = config.open_reader(&tenant(), &CallContext::new()).unwrap();
        let mut bytes = Vec::new();
        assert!(!reader.read("v1/nothing", &mut bytes).unwrap());
        assert!(bytes.is_empty());
    }
}

#[test]
fn verification_passes_where_summaries_arrive_and_says_what_to_fix_elsewhere() {
    for fixture in FIXTURES {
        let Fixture { config, unusable, _keep, .. } = fixture();
        let verification = verify(&*config, &tenant(), &CallContext::new());
        assert!(verification.ok, "{verification:?}");
        assert_eq!(verification.destination, config.name());
        assert!(verification.checks.iter().any(|check| check.status == CheckStatus::Passed));
        // It leaves nothing but its own object.
        let opened = config.open(&tenant(), &CallContext::new()).unwrap();
        let left = opened.destination.list("").unwrap().objects;
        assert!(
            left.iter().all(|object| object.key == probe_key() || object.key.starts_with(".domesday-")),
            "{left:?}"
        );

        let failed = verify(&*unusable, &tenant(), &CallContext::new());
        let check = failed.checks.iter().find(|check| check.status == CheckStatus::Failed);
        assert!(
            !failed.ok && check.is_some_and(|check| check.fix.is_some() && check.kind.is_some()),
            "{failed:?}"
        );
    }
}
