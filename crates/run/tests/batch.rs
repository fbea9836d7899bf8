//! A batch delivers what a run on one machine delivers, byte for byte, whatever its tasks do.

#![allow(clippy::unwrap_used, reason = "a test that cannot prepare its world has failed")]

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use domesday_delivery::{CallContext, Layout, LocalConfig};
use domesday_model::{Catalog, Declared, Instant};
use domesday_run::batch::{
    BatchError, BatchPlan, BatchSnapshot, BatchTarget, Finish, PlanOptions, TaskReport, finish, plan,
    run_task,
};
use domesday_run::{Export, RunReport, run};
use domesday_store::{ApplyOptions, Store};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

const DAYS: [&str; 2] = ["2026-06-01T00:00:00Z", "2026-06-02T00:00:00Z"];

/// Enough rows for several row groups, each of which is a part here.
static CATALOG: LazyLock<Catalog> = LazyLock::new(|| {
    let user = |number: usize| {
        let groups = if number.is_multiple_of(3) { vec!["A"] } else { vec![] };
        declared(json!({ "username": format!("user{number}"), "groups": groups }))
    };
    let source = |number: usize| {
        let columns = [json!({ "name": "id", "type": "INT" })];
        declared(json!({ "name": format!("source{number}"), "platform": "p", "columns": columns }))
    };
    let policy = |name: &str, scope: &str, rest: Value| {
        let mut policy = json!({ "name": name, "type": "grant", "scope": scope, "appliesTo": "all" });
        policy.as_object_mut().unwrap().extend(rest.as_object().unwrap().clone());
        declared(policy)
    };
    Catalog {
        groups: vec![declared(json!({ "name": "A" }))],
        users: (0..2_000).map(user).collect(),
        data_sources: (0..1_600).map(source).collect(),
        policies: vec![
            policy("All", "read", json!({ "level": "anyone" })),
            policy("A", "write", json!({ "level": "entitlements", "condition": "@isInGroups('A')" })),
        ],
        ..Catalog::default()
    }
});

fn declared<T: DeserializeOwned>(spec: Value) -> Declared<T> {
    Declared::new(serde_json::from_value(spec).unwrap(), "test")
}

fn instant(day: &str) -> Instant {
    day.parse().unwrap()
}

/// A new store with the catalog: it has no record of deliveries.
fn store(day: &str) -> Store {
    let mut store = Store::in_memory().unwrap();
    store.apply(&CATALOG, ApplyOptions { at: instant(day), prune: false, dry_run: false }).unwrap();
    store
}

/// The snapshot of a day as a task reads it.
fn snapshot(day: &str) -> BatchSnapshot {
    let file = BatchSnapshot::take(&mut store(day), instant(day)).unwrap().to_file();
    BatchSnapshot::from_file(&file).unwrap()
}

fn export(directory: &Path, layout: Layout, day: &str) -> RunReport {
    let export = Export {
        destination: Arc::new(LocalConfig::new(directory)),
        layout,
        settle: Duration::ZERO,
        console_url: "http://localhost".to_owned(),
        part_bytes: Some(1),
        trigger: "test".to_owned(),
        actor: "test".to_owned(),
        fence: None,
        call_context: CallContext::new(),
    };
    run(&export, &mut store(day), instant(day), &mut |_| ()).unwrap()
}

fn target(directory: &Path) -> BatchTarget {
    BatchTarget { destination: Arc::new(LocalConfig::new(directory)), call_context: CallContext::new() }
}

fn planned(directory: &Path, layout: Layout, day: &str, tasks: usize) -> (BatchSnapshot, BatchPlan) {
    let snapshot = snapshot(day);
    let options = PlanOptions { layout, tasks, part_bytes: Some(1) };
    let plan = plan(&snapshot, options, Some(&target(directory))).unwrap();
    (snapshot, BatchPlan::parse(&plan.to_json()).unwrap())
}

fn task(
    directory: &Path,
    snapshot: &BatchSnapshot,
    plan: &BatchPlan,
    index: usize,
) -> Result<TaskReport, BatchError> {
    run_task(&target(directory), snapshot, plan, index, &mut |_| ())
}

fn tasks(directory: &Path, snapshot: &BatchSnapshot, plan: &BatchPlan) -> Vec<TaskReport> {
    (0..plan.tasks.len()).map(|index| task(directory, snapshot, plan, index).unwrap()).collect()
}

fn finished(
    directory: &Path,
    snapshot: &BatchSnapshot,
    plan: &BatchPlan,
    reports: &[TaskReport],
) -> Result<RunReport, BatchError> {
    let options = Finish {
        settle: Duration::ZERO,
        console_url: "http://localhost".to_owned(),
        trigger: "test".to_owned(),
        actor: "test".to_owned(),
    };
    finish(&target(directory), snapshot, plan, reports, &options, &mut |_| ())
}

fn batch(directory: &Path, layout: Layout, day: &str, count: usize) -> RunReport {
    let (snapshot, plan) = planned(directory, layout, day, count);
    let reports = tasks(directory, &snapshot, &plan);
    finished(directory, &snapshot, &plan, &reports).unwrap()
}

/// Every file below a directory.
fn tree(directory: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut files = BTreeMap::new();
    let mut folders = vec![directory.to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let key = path.strip_prefix(directory).unwrap().display().to_string();
                files.insert(key, fs::read(&path).unwrap());
            }
        }
    }
    files
}

fn assert_same(one: &Path, other: &Path) {
    let (one, other) = (tree(one), tree(other));
    assert_eq!(one.keys().collect::<Vec<_>>(), other.keys().collect::<Vec<_>>());
    let differ: Vec<_> =
        one.iter().filter(|(key, bytes)| other[*key] != **bytes).map(|(key, _)| key).collect();
    assert!(differ.is_empty(), "{differ:?}");
}

/// Two days in each layout, each day by another number of tasks.
#[test]
fn a_batch_delivers_what_a_run_does() {
    for layout in Layout::ALL {
        let dir = tempfile::tempdir().unwrap();
        let (of_run, of_batch) = (dir.path().join("run"), dir.path().join("batch"));
        for (day, count) in DAYS.into_iter().zip([3, 50]) {
            let one = export(&of_run, layout, day);
            let many = batch(&of_batch, layout, day, count);
            assert_same(&of_run, &of_batch);
            assert!(one.tables.iter().any(|table| table.parts > 3), "several parts");
            let without_time = |report: RunReport| RunReport { seconds: 0.0, root: String::new(), ..report };
            assert_eq!(without_time(one), without_time(many));
        }
    }
}

/// A reader that follows the manifest finds the day before until the batch is finished, and a task may run again, or in
/// several places at once, at any time.
#[test]
fn tasks_are_repeatable() {
    for layout in Layout::ALL {
        let dir = tempfile::tempdir().unwrap();
        let (of_run, of_batch) = (dir.path().join("run"), dir.path().join("batch"));
        for directory in [&of_run, &of_batch] {
            export(directory, layout, DAYS[0]);
        }
        let manifest = |directory: &Path| fs::read(directory.join("v1/_manifest.json")).unwrap();
        let before = manifest(&of_batch);
        let (snapshot, plan) = planned(&of_batch, layout, DAYS[1], 3);
        let reports = tasks(&of_batch, &snapshot, &plan);
        let again: Vec<TaskReport> = std::thread::scope(|scope| {
            let task = |index: usize| {
                let (directory, snapshot, plan) = (&of_batch, &snapshot, &plan);
                scope.spawn(move || task(directory, snapshot, plan, index % 3).unwrap())
            };
            let running: Vec<_> = (0..6).map(task).collect();
            running.into_iter().map(|task| task.join().unwrap()).collect()
        });
        assert_eq!(again, [reports.clone(), reports.clone()].concat());
        assert_eq!(manifest(&of_batch), before);
        finished(&of_batch, &snapshot, &plan, &reports).unwrap();
        export(&of_run, layout, DAYS[1]);
        assert_same(&of_run, &of_batch);

        // What comes late delivers nothing, and reports the same.
        assert_eq!(tasks(&of_batch, &snapshot, &plan), reports);
        let error = finished(&of_batch, &snapshot, &plan, &reports).unwrap_err();
        assert!(matches!(error, BatchError::Superseded), "{error}");
        assert_same(&of_run, &of_batch);
    }
}

/// Nothing of an older batch is delivered over a newer summary.
#[test]
fn a_batch_that_was_overtaken_delivers_nothing() {
    for layout in [Layout::Latest, Layout::Swap] {
        let dir = tempfile::tempdir().unwrap();
        let out = dir.path().join("out");
        let (snapshot, plan) = planned(&out, layout, DAYS[0], 2);
        let reports = tasks(&out, &snapshot, &plan);
        for day in ["2026-06-03T00:00:00Z", "2026-06-04T00:00:00Z"] {
            export(&out, layout, day);
        }
        let before = tree(&out);
        // Files of the same size are not touched either; those of another size are an error.
        let _ = task(&out, &snapshot, &plan, 0);
        let error = finished(&out, &snapshot, &plan, &reports).unwrap_err();
        assert!(matches!(error, BatchError::Superseded), "{error}");
        assert!(tree(&out) == before);
    }
}

#[test]
fn reports_must_be_complete_and_of_this_batch() {
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("out");
    let (snapshot, plan) = planned(&out, Layout::Latest, DAYS[0], 3);
    let reports = tasks(&out, &snapshot, &plan);
    let before = tree(&out);
    let refused = |reports: &[TaskReport]| {
        let error = finished(&out, &snapshot, &plan, reports).unwrap_err();
        assert!(tree(&out) == before, "nothing is delivered");
        error
    };
    let of = |indices: &[usize]| indices.iter().map(|index| reports[*index].clone()).collect::<Vec<_>>();
    assert!(matches!(refused(&[]), BatchError::MissingReports(tasks) if tasks == [0, 1, 2]));
    assert!(matches!(refused(&of(&[2, 0])), BatchError::MissingReports(tasks) if tasks == [1]));
    assert!(matches!(refused(&of(&[0, 1, 2, 1])), BatchError::DuplicateReport(1)));
    let changed = |change: fn(&mut TaskReport)| {
        let mut reports = of(&[0, 1, 2]);
        change(&mut reports[1]);
        refused(&reports)
    };
    let foreign: [fn(&mut TaskReport); 6] = [
        |report| report.plan_sha256 = "0".repeat(64),
        |report| report.destination = "elsewhere".to_owned(),
        |report| report.files[0].rows += 1,
        |report| report.files[0].key = "v1/_manifest.json".to_owned(),
        |report| report.files[0].sha256 = "none".to_owned(),
        |report| report.files.clear(),
    ];
    for change in foreign {
        assert!(matches!(changed(change), BatchError::ForeignReport(1)));
    }
    assert!(matches!(changed(|report| report.task = 9), BatchError::ForeignReport(9)));
    let error = changed(|report| report.files[0].bytes += 1);
    assert!(matches!(error, BatchError::NotDelivered { task: 1, .. }), "{error}");
    finished(&out, &snapshot, &plan, &reports).unwrap();
}

#[test]
fn a_plan_must_fit() {
    let dir = tempfile::tempdir().unwrap();
    let (out, other) = (dir.path().join("out"), dir.path().join("other"));
    let options = PlanOptions { layout: Layout::Swap, tasks: 2, part_bytes: None };
    let error = plan(&snapshot(DAYS[0]), options, None).unwrap_err();
    assert!(matches!(error, BatchError::NeedsDestination), "{error}");
    let (snapshot_of_day, planned) = planned(&out, Layout::Latest, DAYS[0], 2);
    let error = |directory: &Path, snapshot: &BatchSnapshot, plan: &BatchPlan, index: usize| {
        let error = task(directory, snapshot, plan, index).unwrap_err();
        assert!(!directory.join("v1").exists(), "nothing is delivered");
        error
    };
    let of = |change: fn(&mut BatchPlan)| {
        let mut plan = planned.clone();
        change(&mut plan);
        plan
    };
    let found = error(&out, &snapshot_of_day, &planned, 2);
    assert!(matches!(found, BatchError::NoSuchTask { index: 2, tasks: 2 }), "{found}");
    let found = error(&other, &snapshot_of_day, &planned, 0);
    assert!(matches!(found, BatchError::OtherDestination { .. }), "{found}");
    let found = error(&out, &snapshot(DAYS[1]), &planned, 0);
    assert!(matches!(found, BatchError::OtherSnapshot), "{found}");
    let found = error(&out, &snapshot_of_day, &of(|plan| plan.product_version = "0.0.1".to_owned()), 0);
    assert!(matches!(found, BatchError::OtherVersion { .. }), "{found}");
    let invalid: [fn(&mut BatchPlan); 5] = [
        |plan| plan.layout = "weekly".to_owned(),
        |plan| plan.slot = Some("a".to_owned()),
        |plan| plan.parts[0].key = "v1/snapshot/part-00000.parquet".to_owned(),
        |plan| plan.parts[0].part.end.source = usize::MAX,
        |plan| plan.parts[0].part.start.source = usize::MAX,
    ];
    for change in invalid {
        let found = error(&out, &snapshot_of_day, &of(change), 0);
        assert!(matches!(found, BatchError::InvalidPlan(_)), "{found}");
    }
    let found = error(&out, &snapshot_of_day, &of(|plan| plan.parts[0].part.rows += 1), 0);
    assert!(found.to_string().contains("make a new plan"), "{found}");
    let unparsable: [fn(&mut BatchPlan); 4] = [
        |plan| plan.version = 2,
        |plan| plan.tasks[1].first_part = 0,
        |plan| plan.tasks[1].parts += 1,
        |plan| plan.tasks.clear(),
    ];
    for change in unparsable {
        assert!(BatchPlan::parse(&of(change).to_json()).is_err());
    }
}
