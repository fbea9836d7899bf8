//! The invariants of what is in the bucket: a reader never sees a mixed or partial day, one attempt at a time puts
//! files, and the manifests form a chain.

use domesday_tables::{ChainLink, Manifest, TABLES};

use crate::bucket::{Caller, Object};
use crate::constants::SECOND;
use crate::content::{Content, Named};
use crate::world::State;

/// How long a cancelled run may go on: until its replica asks the database, and for the put that is under way.
const CANCEL_GRACE: i64 = 90 * SECOND;

impl State {
    /// Notes that an attempt calls.
    pub(crate) fn attempt_calls(&mut self, caller: Caller) {
        if !caller.is_attempt() {
            return;
        }
        let now = self.now;
        if self.bucket.summary.first_calls.insert(caller.attempt, now).is_none() {
            self.statistics.attempts += 1;
            self.check_begin();
        }
    }

    /// Checks that the run that begins is one that may.
    fn check_begin(&mut self) {
        let sql =
            "SELECT EXISTS (SELECT 1 FROM message WHERE run_id = run.id) FROM run WHERE state = 'running'";
        let has_ended = self.peek.query_row(sql, [], |row| row.get::<_, bool>(0)).unwrap_or_default();
        if has_ended {
            self.violate("a run that has ended is begun again".to_owned());
        }
        let sql = "SELECT 1 FROM run WHERE state = 'running' AND cancel_requested_at IS NOT NULL";
        let is_cancelled = self.peek.query_row(sql, [], |_| Ok(())).is_ok();
        match self.bucket.summary.cancelled_at {
            Some(at) if is_cancelled && self.now > at + CANCEL_GRACE => {
                self.violate("a run that was cancelled is begun again".to_owned());
            }
            _ => self.bucket.summary.cancelled_at = None,
        }
    }

    /// Checks what a put would do, before it does it.
    pub(crate) fn check_put(&mut self, caller: Caller, key: &str, object: &Object) {
        if !caller.is_attempt() {
            return;
        }
        let later = self.bucket.summary.first_calls.keys().next_back().copied();
        if let Some(later) = later.filter(|later| *later > caller.attempt) {
            if self.now < self.faults.clocks_disagree_until {
                self.statistics.excused_overlaps += 1;
                self.bucket.summary.tainted_by = Some(later);
            } else {
                self.violate(format!(
                    "attempt {} puts {key} although attempt {later} has begun",
                    caller.attempt
                ));
            }
        }
        if let Some(at) = self.bucket.summary.cancelled_at
            && self.now > at + CANCEL_GRACE
            && self.now > self.faults.database_doubtful_until
            && self.now > self.faults.clocks_disagree_until
        {
            self.violate(format!("{key} is put {} s after its run was cancelled", (self.now - at) / SECOND));
        }
        if let Content::Manifest(manifest) = &object.content
            && key == "v1/_manifest.json"
        {
            self.check_chain(manifest);
        }
    }

    /// Checks what readers find after a put.
    pub(crate) fn check_after_put(&mut self, caller: Caller, key: &str) {
        let Some(object) = self.bucket.objects.get(key) else { return };
        match object.content.clone() {
            Content::Snapshot(named) => {
                let rows = self.visible_rows(&named);
                if self.bucket.summary.tainted_by.is_some_and(|tainted| caller.attempt > tainted) {
                    self.bucket.summary.tainted_by = None;
                }
                let expected = TABLES.iter().zip(&rows).filter(|(table, _)| has_rows(table.name));
                let empty = expected.filter(|(_, rows)| **rows == 0).map(|(table, _)| table.name).next();
                if let Some(table) = empty
                    && !self.bucket.summary.is_tainted()
                {
                    self.violate(format!("{named:?} is named although {table} has no rows of it"));
                }
                self.bucket.summary.named = Some((named, rows));
            }
            Content::Manifest(manifest) if key == "v1/_manifest.json" => {
                self.statistics.deliveries += 1;
                let digest = object.sha256.clone();
                self.check_manifest(&manifest);
                self.bucket.summary.manifest = Some((manifest, digest));
            }
            Content::Part { .. } => self.check_reader(),
            Content::Manifest(_) | Content::Other => {}
        }
    }

    /// Reads the summary as the views of the layout `swap` do: what the `snapshot` row names stays as it is until another
    /// row is put.
    fn check_reader(&mut self) {
        let Some((named, rows)) = self.bucket.summary.named.clone() else { return };
        if named.layout != "swap" || self.bucket.summary.is_tainted() {
            return;
        }
        self.statistics.reads += 1;
        let found = self.visible_rows(&named);
        if found != rows {
            self.violate(format!("a reader of {named:?} finds {found:?} rows in place of {rows:?}"));
        }
    }

    /// How many rows each table has for a reader of what the `snapshot` row names.
    fn visible_rows(&self, named: &Named) -> Vec<i64> {
        let folder = match (named.layout.as_str(), &named.slot) {
            ("swap", Some(slot)) => format!("slot={slot}/"),
            ("history", _) => {
                format!(
                    "export_date={}/",
                    &domesday_model::Instant::from_micros(named.date).to_string()[..10]
                )
            }
            _ => String::new(),
        };
        let visible = TABLES.iter().map(|table| {
            let prefix = format!("v1/{}/{folder}part-", table.name);
            let objects = self.bucket.objects.range(prefix.clone()..);
            let parts = objects.take_while(|(key, _)| key.starts_with(&prefix));
            let rows = parts.filter_map(|(_, object)| match object.content {
                Content::Part { rows, date } if date == Some(named.date) => Some(rows),
                _ => None,
            });
            rows.sum()
        });
        visible.collect()
    }

    /// Checks that a manifest states what is in the bucket, and all that readers find.
    fn check_manifest(&mut self, manifest: &Manifest) {
        if self.bucket.summary.is_tainted() {
            return;
        }
        for file in &manifest.files {
            let found = self.bucket.objects.get(&file.key).map(|object| object.sha256.as_str());
            if found != Some(file.sha256.as_str()) {
                self.violate(format!(
                    "the manifest of {} states another {}",
                    manifest.snapshot.instant, file.key
                ));
                return;
            }
        }
        let Some((named, rows)) = self.bucket.summary.named.clone() else {
            self.violate("a manifest is put before the row that names its snapshot".to_owned());
            return;
        };
        if named.date != manifest.snapshot.instant.as_micros() {
            self.violate(format!("a manifest of {} is put beside {named:?}", manifest.snapshot.instant));
        }
        for (table, rows) in TABLES.iter().zip(rows) {
            let stated = manifest.files.iter().filter(|file| file.table == table.name).map(|file| file.rows);
            let stated = i64::try_from(stated.sum::<u64>()).unwrap_or(i64::MAX);
            if stated != rows {
                self.violate(format!("readers find {rows} rows of {} in place of {stated}", table.name));
            }
        }
    }

    /// Checks that a manifest names the one before it, or states why it does not.
    fn check_chain(&mut self, manifest: &Manifest) {
        let before = self.bucket.summary.manifest.as_ref();
        let is_linked = match (before, &manifest.previous_manifest_sha256) {
            (None, None) => manifest.chain == Some(ChainLink::Starts),
            (None, Some(_)) => false,
            (Some((before, digest)), link) => {
                let is_same = before.snapshot.id == manifest.snapshot.id;
                let is_next = link.as_ref() == Some(digest) && manifest.chain == Some(ChainLink::Continues);
                is_next
                    || (is_same && *link == before.previous_manifest_sha256)
                    || (link.is_none() && manifest.chain == Some(ChainLink::Restarts))
            }
        };
        if manifest.chain == Some(ChainLink::Restarts) {
            self.statistics.chain_restarts += 1;
        }
        if !is_linked && !self.bucket.summary.is_tainted() {
            let (link, chain) = (manifest.previous_manifest_sha256.clone(), manifest.chain);
            let expected = self.bucket.summary.manifest.as_ref().map(|(_, digest)| digest.clone());
            self.violate(format!(
                "the chain is broken: {chain:?} from {link:?}, and the manifest there is {expected:?}"
            ));
        }
    }
}

/// Whether a table of the simulated company has rows: it connects no database.
fn has_rows(table: &str) -> bool {
    !["actual-access", "access-drift"].contains(&table)
}
