//! The order of a check, and what concerns the destination as a whole.

use domesday_tables::TABLES;

use super::chain::{KeptManifest, kept_manifests};
use super::reader::is_spool;
use super::report::{IntegrityOptions, IntegrityReport};
use super::state::IntegrityCheck;
use crate::layout::{manifest_key, version_prefix};
use crate::{DeliveryError, KeyKind, Layout, PartFolder, Slot, StoredObject};

impl IntegrityCheck {
    /// Compares everything with the manifests.
    ///
    /// # Errors
    /// When the destination cannot be read.
    pub(super) fn run(mut self, options: &IntegrityOptions) -> Result<IntegrityReport, DeliveryError> {
        self.check_expected(options);
        let newest = self.newest.clone();
        for missing in self.check_files(&newest, &manifest_key())? {
            self.report.problem(format!("{missing} is missing"));
        }
        self.check_totals();
        let kept = kept_manifests(&mut self, &options.given)?;
        self.check_expected_in_chain(options, &kept);
        self.check_chains(kept, options)?;
        self.check_what_is_left()?;
        self.report.ok = self.report.problems.is_empty();
        Ok(self.report)
    }

    fn check_expected(&mut self, options: &IntegrityOptions) {
        match &options.expected {
            None => self.report.not_checked(
                "whether this is the manifest that was delivered: no digest was given to compare it with (--expect)"
                    .to_owned(),
            ),
            Some(expected) if expected.eq_ignore_ascii_case(&self.report.manifest_sha256) => {}
            Some(expected) => self.report.problem(format!(
                "the newest manifest has the digest {}, expected was {expected}",
                self.report.manifest_sha256
            )),
        }
    }

    /// Distinguishes a later delivery from a manifest that was replaced.
    fn check_expected_in_chain(&mut self, options: &IntegrityOptions, kept: &[KeptManifest]) {
        let Some(expected) = &options.expected else { return };
        if let Some(found) = kept.iter().find(|kept| kept.sha256.eq_ignore_ascii_case(expected))
            && found.sha256 != self.report.manifest_sha256
        {
            let at = found.manifest.snapshot.instant;
            self.report.note(format!("the manifest expected is an earlier one, of {at}"));
        }
    }

    fn check_totals(&mut self) {
        let manifest = &self.newest;
        let rows = |table: &str| -> u128 {
            manifest.files.iter().filter(|file| file.table == table).map(|file| u128::from(file.rows)).sum()
        };
        let outcomes = manifest.totals.outcomes;
        let outcomes = [outcomes.granted, outcomes.blocked, outcomes.masked, outcomes.unmasked];
        let counted: [(&str, u128); 4] = [
            ("policy-outcomes", outcomes.into_iter().map(u128::from).sum()),
            ("user-metadata", manifest.totals.users as u128),
            ("datasource-metadata", manifest.totals.data_sources as u128),
            ("snapshot", 1),
        ];
        let mut wrong: Vec<_> = counted
            .into_iter()
            .filter(|(table, total)| rows(table) != *total)
            .map(|(table, total)| format!("{table} has {} rows, the totals say {total}", rows(table)))
            .collect();
        // Another version may have had other tables.
        if manifest.product_version == env!("CARGO_PKG_VERSION") {
            let is_named = |name: &str| manifest.files.iter().any(|file| file.table == name);
            let missing = TABLES.iter().filter(|table| !is_named(table.name));
            wrong.extend(missing.map(|table| format!("the manifest names no file of {}", table.name)));
        }
        wrong.into_iter().for_each(|problem| self.report.problem(problem));
    }

    /// Reports every object that no manifest has named.
    fn check_what_is_left(&mut self) -> Result<(), DeliveryError> {
        let left: Vec<StoredObject> =
            self.objects.values().filter(|found| !self.claimed.contains(&found.key)).cloned().collect();
        let mut other_slot = 0_usize;
        let mut spools = 0_usize;
        for found in left {
            if is_spool(&found.key) {
                spools += 1;
                continue;
            }
            if let Some(why) = found.why_unreadable {
                self.report
                    .problem(format!("{} is {why}, which no run writes; it was not followed", found.key));
                continue;
            }
            match KeyKind::parse(&found.key) {
                Some(KeyKind::Probe) if found.bytes < 1024 => {}
                Some(KeyKind::Part { folder: PartFolder::Slot(slot), .. }) if self.is_other_slot(slot) => {
                    let is_empty = self.reader.is_empty_part(&found)?;
                    other_slot += usize::from(!is_empty);
                }
                kind => {
                    let why = self.why_stray(&found.key, kind.as_ref());
                    self.report.problem(format!("{} is named by no manifest: {why}", found.key));
                }
            }
        }
        if other_slot > 0 {
            self.report.not_checked(format!(
                "{other_slot} files of the slot that is not in use: they are of the delivery before, whose manifest \
                 is not here (--previous)"
            ));
        }
        if spools > 0 {
            self.report.note(format!(
                "{spools} files of a run that is under way, or was killed: the next run removes them"
            ));
        }
        Ok(())
    }

    fn is_other_slot(&self, slot: Slot) -> bool {
        let in_use = self.newest.slot.as_deref().and_then(|slot| slot.parse::<Slot>().ok());
        self.newest.layout == Layout::Swap.as_str() && in_use == Some(slot.other())
    }

    fn why_stray(&self, key: &str, kind: Option<&KeyKind>) -> String {
        let layout = &self.newest.layout;
        match kind {
            Some(KeyKind::Part { folder: PartFolder::Day(day), .. }) => {
                format!(
                    "no manifest of {day} names it; a run of that day was cut off, or somebody else put it there"
                )
            }
            Some(KeyKind::Part { folder, .. }) if folder.layout().as_str() != layout => {
                format!("it is of the layout `{}`, the newest manifest is of `{layout}`", folder.layout())
            }
            Some(KeyKind::Part { .. }) => "readers take it for part of the summary".to_owned(),
            Some(KeyKind::Setup(_)) => "it is a script that was not delivered".to_owned(),
            Some(KeyKind::KeptManifest) => "it is no manifest".to_owned(),
            _ if !key.starts_with(&version_prefix()) => "it is outside of the summary".to_owned(),
            _ => "no run writes such a key".to_owned(),
        }
    }
}
