//! A run that is cancelled ends at whatever stage it is, and leaves nothing behind.

#![allow(clippy::unwrap_used, reason = "a test that cannot prepare its world has failed")]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use domesday_delivery::{CallContext, CancelReason, CancellationToken, Layout, LocalConfig};
use domesday_model::{Catalog, Declared, Instant};
use domesday_run::{Export, RunError, Stage, run};
use domesday_store::{ApplyOptions, Store};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

fn declared<T: DeserializeOwned>(spec: Value) -> Declared<T> {
    Declared::new(serde_json::from_value(spec).unwrap(), "test")
}

fn catalog() -> Catalog {
    let user = |number: usize| declared(json!({ "username": format!("user{number}") }));
    let source = |number: usize| {
        let columns = [json!({ "name": "id", "type": "INT" })];
        declared(json!({ "name": format!("source{number}"), "platform": "p", "columns": columns }))
    };
    Catalog {
        users: (0..20).map(user).collect(),
        data_sources: (0..5).map(source).collect(),
        policies: vec![declared(
            json!({ "name": "All", "type": "grant", "level": "anyone", "appliesTo": "all" }),
        )],
        ..Catalog::default()
    }
}

fn instant(text: &str) -> Instant {
    text.parse().unwrap()
}

fn store() -> Store {
    let mut store = Store::in_memory().unwrap();
    let options = ApplyOptions { at: instant("2026-06-01T00:00:00Z"), prune: false, dry_run: false };
    store.apply(&catalog(), options).unwrap();
    store
}

fn export(directory: &Path, layout: Layout, cancellation: CancellationToken) -> Export {
    Export {
        destination: Arc::new(LocalConfig::new(directory)),
        layout,
        settle: Duration::ZERO,
        console_url: "http://localhost".to_owned(),
        part_bytes: None,
        trigger: "test".to_owned(),
        actor: "test".to_owned(),
        fence: None,
        call_context: CallContext { cancellation, ..CallContext::new() },
    }
}

/// Every file below a directory with its content.
fn files(directory: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut open = vec![directory.to_owned()];
    while let Some(directory) = open.pop() {
        for entry in std::fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                open.push(path);
            } else {
                found.insert(path.clone(), std::fs::read(&path).unwrap());
            }
        }
    }
    found
}

/// The names of every file below a directory.
fn names(directory: &Path) -> Vec<PathBuf> {
    files(directory).keys().map(|path| path.strip_prefix(directory).unwrap().to_owned()).collect()
}

/// The files by which a reader finds the current snapshot.
fn named(files: &BTreeMap<PathBuf, Vec<u8>>) -> BTreeMap<&Path, &[u8]> {
    let is_named =
        |path: &Path| path.ends_with("_manifest.json") || path.iter().any(|part| part == "snapshot");
    let files = files.iter().map(|(path, content)| (&**path, &**content));
    files.filter(|(path, _)| is_named(path)).collect()
}

/// Runs and cancels at the `cancelled_at`th report of progress; returns the stages reported.
fn run_cancelled(
    directory: &Path,
    layout: Layout,
    store: &mut Store,
    at: &str,
    cancelled_at: usize,
) -> (Vec<Stage>, Result<(), RunError>) {
    let cancellation = CancellationToken::new();
    let export = export(directory, layout, cancellation.clone());
    let mut stages = Vec::new();
    let result = run(&export, store, instant(at), &mut |stage| {
        if stages.len() == cancelled_at {
            cancellation.cancel(CancelReason::Requested);
        }
        stages.push(stage);
    });
    (stages, result.map(|_| ()))
}

const FIRST: &str = "2026-06-02T00:00:00Z";
const SECOND: &str = "2026-06-03T00:00:00Z";

#[test]
fn a_run_cancelled_at_any_stage_says_so_and_leaves_nothing_behind() {
    for layout in [Layout::Latest, Layout::Swap, Layout::History] {
        let undisturbed = {
            let (directory, mut store) = (tempfile::tempdir().unwrap(), store());
            for at in [FIRST, SECOND] {
                run_cancelled(directory.path(), layout, &mut store, at, usize::MAX).1.unwrap();
            }
            names(directory.path())
        };
        let mut cancelled_in = BTreeMap::<&str, usize>::new();
        // A sample of the reports of progress, the most in the layout with most waves.
        let step = if layout == Layout::Swap { 2 } else { 8 };
        let sample = move |report: &usize| *report < 4 || report.is_multiple_of(step);
        for cancelled_at in (0..).filter(sample) {
            let directory = tempfile::tempdir().unwrap();
            let mut store = store();
            let (_, result) = run_cancelled(directory.path(), layout, &mut store, FIRST, usize::MAX);
            result.unwrap();
            let before = files(directory.path());

            let (stages, result) = run_cancelled(directory.path(), layout, &mut store, SECOND, cancelled_at);
            if stages.len() <= cancelled_at {
                result.unwrap();
                break;
            }
            let after = files(directory.path());
            match (stages[cancelled_at], result) {
                (Stage::Delivering { .. }, Err(RunError::Cancelled { reason: CancelReason::Requested })) => {
                    assert_eq!(named(&before), named(&after), "the directory still names the day before");
                    *cancelled_in.entry("delivering").or_default() += 1;
                }
                // The last files were being delivered: the summary is complete, and says so.
                (Stage::Delivering { .. }, Ok(())) => assert_ne!(named(&before), named(&after)),
                (stage, Err(RunError::Cancelled { reason: CancelReason::Requested })) => {
                    assert_eq!(before, after, "{stage:?}");
                    assert_eq!(stages.len(), cancelled_at + 1, "nothing is reported after {stage:?}");
                    let name = match stage {
                        Stage::Snapshot => "snapshot",
                        Stage::Evaluating { .. } => "evaluating",
                        Stage::Opening => "opening",
                        Stage::Encoding { .. } | Stage::Delivering { .. } => "encoding",
                    };
                    *cancelled_in.entry(name).or_default() += 1;
                }
                (stage, result) => panic!("{layout:?}, {stage:?}: {result:?}"),
            }
            // Neither the spool nor the records in the store prevent the next run.
            let (_, result) = run_cancelled(directory.path(), layout, &mut store, SECOND, usize::MAX);
            result.unwrap();
            assert_eq!(names(directory.path()), undisturbed);
        }
        let stages: Vec<_> = cancelled_in.keys().copied().collect();
        assert_eq!(stages, ["delivering", "encoding", "evaluating", "opening", "snapshot"], "{layout:?}");
        // Every table reports its beginning, and those with rows their row groups.
        assert!(layout != Layout::Swap || cancelled_in["encoding"] > 6, "{cancelled_in:?}");
    }
}
