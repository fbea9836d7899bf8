//! `domesday snapshot` and `domesday batch` as their users see them.

#![allow(clippy::unwrap_used, reason = "a test that cannot prepare its world has failed")]

mod cli;

use std::fs;
use std::path::{Path, PathBuf};

use cli::{Domesday, Finished, tree};

const AT: &str = "2026-11-24T02:00:00Z";

fn example() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/acme")
}

/// A batch in a directory: its files, and the place of its summary.
struct Batch<'d> {
    dir: &'d Path,
}

impl Batch<'_> {
    fn file(&self, name: &str) -> String {
        self.dir.join(name).display().to_string()
    }

    fn snapshot(&self) -> Finished {
        let run = Domesday::new(&["snapshot", "--at", AT, "--out", &self.file("snapshot"), "--catalog"]);
        run.arg(example()).run()
    }

    fn plan(&self, args: &[&str]) -> Finished {
        let files = ["--snapshot", &self.file("snapshot"), "--out", &self.file("plan")];
        Domesday::new(&["batch", "plan"]).args(&files).args(args).run()
    }

    fn task(&self, index: usize) -> Finished {
        let files = ["--snapshot", &self.file("snapshot"), "--plan", &self.file("plan")];
        let run = Domesday::new(&["batch", "task", "--index", &index.to_string(), "--to", &self.file("out")]);
        let run = run.args(&files).run();
        fs::write(self.file(&format!("report-{index}")), &run.stdout).unwrap();
        run
    }

    fn finish(&self, reports: &[usize]) -> Finished {
        let files = ["--snapshot", &self.file("snapshot"), "--plan", &self.file("plan"), "--reports"];
        let run =
            Domesday::new(&["batch", "finish", "--settle", "0", "--to", &self.file("out")]).args(&files);
        let run = reports.iter().fold(run, |run, index| run.arg(self.file(&format!("report-{index}"))));
        run.run()
    }
}

#[test]
fn a_batch_gives_the_bytes_of_an_export() {
    for layout in ["latest", "swap", "history"] {
        let dir = tempfile::tempdir().unwrap();
        let batch = Batch { dir: dir.path() };
        batch.snapshot().succeeds();
        let planned = batch.plan(&["--tasks", "3", "--layout", layout, "--to", &batch.file("out")]);
        planned.succeeds();
        assert!(planned.stdout.contains("Planned 3 tasks in"), "{}", planned.stdout);
        for index in [2, 0, 1, 0] {
            let task = batch.task(index);
            task.succeeds();
            let report: serde_json::Value = serde_json::from_str(&task.stdout).unwrap();
            assert_eq!(report["task"], index, "the report is the result");
        }
        batch.finish(&[1, 0, 2]).succeeds();
        let export = Domesday::new(&["export", "--at", AT, "--layout", layout, "--settle", "0", "--catalog"]);
        export.arg(example()).args(&["--to", &batch.file("export")]).run().succeeds();
        let (ours, theirs) = (tree(&dir.path().join("out")), tree(&dir.path().join("export")));
        assert_eq!(ours.keys().collect::<Vec<_>>(), theirs.keys().collect::<Vec<_>>());
        // The manifest states a digest of the configuration, of which the path is a part.
        let differ = ours.iter().filter(|(key, bytes)| theirs[*key] != **bytes).map(|(key, _)| key.as_str());
        let differ: Vec<&str> = differ.filter(|key| !key.contains("_manifest")).collect();
        assert!(differ.is_empty(), "{differ:?}");
        let files = |files: &std::collections::BTreeMap<String, Vec<u8>>| {
            let manifest: serde_json::Value = serde_json::from_slice(&files["v1/_manifest.json"]).unwrap();
            (manifest["files"].clone(), manifest["totals"].clone(), manifest["chain"].clone())
        };
        assert_eq!(files(&ours), files(&theirs));
    }
}

#[test]
fn the_snapshot_of_a_catalog_is_the_same_each_time() {
    let dir = tempfile::tempdir().unwrap();
    let batch = Batch { dir: dir.path() };
    let first = batch.snapshot();
    first.succeeds();
    assert!(first.stdout.contains("64 users"), "{}", first.stdout);
    let before = fs::read(batch.file("snapshot")).unwrap();
    batch.snapshot().succeeds();
    assert!(fs::read(batch.file("snapshot")).unwrap() == before);
    batch.plan(&["--tasks", "2"]).succeeds();
    let before = fs::read(batch.file("plan")).unwrap();
    batch.plan(&["--tasks", "2"]).succeeds();
    assert!(fs::read(batch.file("plan")).unwrap() == before);
}

#[test]
fn what_does_not_fit_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let batch = Batch { dir: dir.path() };
    batch.snapshot().succeeds();
    let fails = |run: &Finished, message: &str| {
        run.fails_with(1);
        assert!(run.stderr.contains(message), "{}", run.stderr);
        assert!(!dir.path().join("out/v1/_manifest.json").exists());
    };
    fails(&batch.plan(&["--tasks", "2", "--layout", "swap"]), "name it with `--to`");
    fails(&batch.plan(&["--tasks", "2", "--region", "eu-central-1"]), "without a bucket");
    batch.plan(&["--tasks", "0"]).fails_with(2);
    batch.plan(&["--tasks", "2"]).succeeds();
    fails(&batch.task(2), "there is no task 2: the plan has 2 tasks, numbered from 0");
    batch.task(0).succeeds();
    fails(&batch.finish(&[0]), "there is no report of task 1");
    batch.task(1).succeeds();
    fails(&batch.finish(&[0, 1, 1]), "there are two reports of task 1");
    fs::write(batch.file("report-2"), "{}").unwrap();
    fails(&batch.finish(&[0, 2]), "it is not a report of a task");

    let whole = fs::read(batch.file("snapshot")).unwrap();
    let mut damaged = whole.clone();
    damaged[whole.len() / 2] ^= 1;
    fs::write(batch.file("snapshot"), damaged).unwrap();
    fails(&batch.task(0), "the snapshot is damaged: its SHA-256 is not that in its header");
    fs::write(batch.file("snapshot"), "id,name\n").unwrap();
    fails(&batch.plan(&["--tasks", "2"]), "it is not a snapshot; write one with `domesday snapshot`");
    fs::write(batch.file("snapshot"), whole).unwrap();
    fs::write(batch.file("plan"), "{}").unwrap();
    fails(&batch.task(0), "it is not a plan of a batch");
}
