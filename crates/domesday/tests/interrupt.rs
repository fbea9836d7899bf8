//! Real signals: what a command says, what it leaves behind, and its exit code.

#![allow(clippy::unwrap_used, reason = "a test that cannot prepare its world has failed")]
// Which signals a process handles is read from /proc.
#![cfg(target_os = "linux")]

mod cli;

use std::io::{BufRead, BufReader, Read};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Stdio};

use cli::{Domesday, tree, write};
use domesday_store::{Store, StoreError};
use rustix::process::{Pid, Signal, kill_process};

const CATALOG: &str = "users: [{ username: ada }]\ndataSources: [{ name: Ledger, platform: x }]\n";

/// Starts the program in a directory, with more variables than it needs to deliver to a bucket.
fn start(args: &[&str], dir: &Path, variables: &[(&str, &str)]) -> Child {
    let of_bucket = [
        ("AWS_ACCESS_KEY_ID", "AKIA"),
        ("AWS_SECRET_ACCESS_KEY", "s"),
        ("AWS_EC2_METADATA_DISABLED", "true"),
    ];
    let mut command = Domesday::new(args).with(&of_bucket).with(variables).within(dir).into_command();
    command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

/// Waits until a process handles SIGINT, and sends it.
fn interrupt(child: &Child) {
    let status = format!("/proc/{}/status", child.id());
    let handles = |line: &str| {
        let mask = line.strip_prefix("SigCgt:").map(|mask| u64::from_str_radix(mask.trim(), 16).unwrap());
        mask.is_some_and(|mask| mask & (1 << (Signal::INT.as_raw() - 1)) != 0)
    };
    while !std::fs::read_to_string(&status).unwrap().lines().any(handles) {
        std::thread::yield_now();
    }
    kill_process(Pid::from_child(child), Signal::INT).unwrap();
}

/// Waits for the end, and returns the exit code and standard error.
fn end(mut child: Child) -> (Option<i32>, String) {
    let mut message = String::new();
    child.stderr.take().unwrap().read_to_string(&mut message).unwrap();
    (child.wait().unwrap().code(), message)
}

#[test]
fn an_apply_that_waits_for_the_store_is_interrupted_and_changes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    write(&dir.path().join("catalog/a.yaml"), CATALOG);
    let mut store = Store::open(&dir.path().join("store.db")).unwrap();
    store
        .exclusive_transaction(|_| {
            let child = start(&["apply", "catalog", "--store", "store.db"], dir.path(), &[]);
            interrupt(&child);
            let (code, message) = end(child);
            assert_eq!(code, Some(130), "{message}");
            assert!(message.contains("stopped"), "{message}");
            Ok::<_, StoreError>(())
        })
        .unwrap();
    assert!(store.tenant().unwrap().is_none());
}

/// The directory answers nothing until the signal was sent; then the connection ends, and with it the sync.
#[test]
fn a_sync_says_that_it_stops_ends_its_record_and_gives_back_its_lease() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let dir = tempfile::tempdir().unwrap();
    let connection = |name: &str| {
        format!(
            "  - {{ name: {name}, kind: ldap, url: 'ldap://127.0.0.1:{port}', users: {{ base: 'dc=x' }}, groups: {{ base: 'dc=x' }} }}\n"
        )
    };
    let catalog = format!("connections:\n{}{}", connection("first"), connection("second"));
    write(&dir.path().join("catalog/a.yaml"), &catalog);
    Domesday::new(&["apply", "catalog", "--store", "s.db"]).within(dir.path()).run().succeeds();

    let mut child = start(&["sync", "--store", "s.db"], dir.path(), &[]);
    let (stream, _) = listener.accept().unwrap();
    interrupt(&child);
    let mut errors = BufReader::new(child.stderr.take().unwrap());
    let mut line = String::new();
    errors.read_line(&mut line).unwrap();
    assert!(line.starts_with("stopping when the connection"), "{line}");
    drop((stream, listener));
    let mut rest = String::new();
    errors.read_to_string(&mut rest).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(130), "{rest}");
    assert!(rest.contains("stopped: not read: second"), "{rest}");

    // A sync that is still under way would be refused.
    let run = Domesday::new(&["sync", "first", "--store", "s.db"]).within(dir.path()).run();
    run.fails_with(1);
    assert!(!run.stderr.contains("under way"), "{}", run.stderr);
    let run = Domesday::new(&["sync", "--store", "s.db", "--json"]).within(dir.path()).run();
    run.fails_with(1);
    let views: serde_json::Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!(views.as_array().unwrap().len(), 2);
}

#[test]
fn exports_and_tasks_of_batches_to_a_server_that_hangs_are_interrupted() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    let dir = tempfile::tempdir().unwrap();
    write(&dir.path().join("catalog/a.yaml"), CATALOG);
    for args in [
        "snapshot --catalog catalog --out a.snapshot",
        "batch plan --snapshot a.snapshot --tasks 1 --out a.plan",
    ] {
        let args: Vec<_> = args.split(' ').collect();
        Domesday::new(&args).within(dir.path()).run().succeeds();
    }
    let before = tree(dir.path());
    let spool = tempfile::tempdir().unwrap();
    for args in ["export --catalog catalog", "batch task --snapshot a.snapshot --plan a.plan --index 0"] {
        let bucket = format!("{args} --to s3://acme/access --region eu-central-1 --endpoint {endpoint}");
        let args: Vec<_> = bucket.split(' ').collect();
        let child = start(&args, dir.path(), &[("TMPDIR", spool.path().to_str().unwrap())]);
        let (stream, _) = listener.accept().unwrap();
        interrupt(&child);
        let (code, message) = end(child);
        drop(stream);
        assert_eq!(code, Some(130), "{message}");
        assert!(message.contains("cancelled") || message.contains("stopped"), "{message}");
        assert!(tree(spool.path()).is_empty(), "{:?}", tree(spool.path()).keys());
    }
    assert_eq!(tree(dir.path()), before);
}
