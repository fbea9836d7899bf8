//! The chain of manifests, from the newest into the past.
//!
//! A chain may begin again: an export of a catalog directory has no record of deliveries, and a store may be new. The
//! manifest then says so. A link that is missing without such a statement is a finding.

use std::collections::{BTreeMap, HashMap, HashSet};

use domesday_tables::{ChainLink, Manifest, hex, sha256};
use jiff::civil::Date;

use super::reader::Content;
use super::report::{ChainStart, IntegrityOptions, StoredManifest, printable};
use super::state::{IntegrityCheck, MAX_MANIFEST_BYTES};
use crate::layout::kept_manifests_prefix;
use crate::{DeliveryError, KeyKind, Layout, RunKeys, Slot};

/// All kept manifests together are read into memory.
const MAX_KEPT_BYTES: u64 = 512 << 20;

/// A manifest besides the newest.
#[derive(Debug, Clone)]
pub(super) struct KeptManifest {
    /// Its keys at the destination; empty for one that was stored elsewhere.
    pub(super) keys: Vec<String>,
    /// How messages name it.
    pub(super) name: String,
    pub(super) sha256: String,
    pub(super) manifest: Manifest,
}

/// Reads the manifests that are kept at the destination, and those that were stored elsewhere.
pub(super) fn kept_manifests(
    check: &mut IntegrityCheck,
    given: &[StoredManifest],
) -> Result<Vec<KeptManifest>, DeliveryError> {
    let mut kept: BTreeMap<String, KeptManifest> = BTreeMap::new();
    let mut left = MAX_KEPT_BYTES;
    let prefix = kept_manifests_prefix();
    let listed: Vec<_> = check.objects.range(prefix.clone()..).map(|(_, found)| found.clone()).collect();
    for found in listed.into_iter().take_while(|found| found.key.starts_with(&prefix)) {
        if KeyKind::parse(&found.key) != Some(KeyKind::KeptManifest) || found.why_unreadable.is_some() {
            continue;
        }
        check.claimed.insert(found.key.clone());
        let bytes = match check.reader.content(&found, MAX_MANIFEST_BYTES.min(left))? {
            Content::Whole(bytes) => bytes,
            Content::Unreadable(why) => {
                check.report.problem(format!("{} cannot be read: {why}", found.key));
                continue;
            }
        };
        left = left.saturating_sub(bytes.len() as u64);
        let manifest: Manifest = match serde_json::from_slice(&bytes) {
            Ok(manifest) => manifest,
            Err(error) => {
                check.report.problem(format!("{} is no manifest that can be read: {error}", found.key));
                continue;
            }
        };
        let digest = sha256(&bytes);
        check_kept(check, &found.key, &manifest, &bytes, &digest);
        let entry = kept.entry(hex(&digest)).or_insert_with(|| KeptManifest {
            keys: Vec::new(),
            name: found.key.clone(),
            sha256: hex(&digest),
            manifest,
        });
        entry.keys.push(found.key);
    }
    for given in given {
        let manifest =
            serde_json::from_slice(&given.bytes).map_err(|error| DeliveryError::Configuration {
                message: format!("{} is no manifest that can be read: {error}", given.name),
            })?;
        let sha256 = hex(&sha256(&given.bytes));
        let name = given.name.clone();
        kept.entry(sha256.clone()).or_insert(KeptManifest { keys: Vec::new(), name, sha256, manifest });
    }
    Ok(kept.into_values().collect())
}

/// Checks a kept manifest against its key.
fn check_kept(check: &mut IntegrityCheck, key: &str, manifest: &Manifest, bytes: &[u8], digest: &[u8; 32]) {
    if manifest.layout != Layout::History.as_str() {
        check.report.problem(format!("{key} is of the layout `{}`, which keeps none", manifest.layout));
    }
    let places = RunKeys::new(Layout::History, Slot::A, manifest.snapshot.instant);
    let own = [places.kept_manifest_key(), places.kept_manifest_key_with(digest)];
    if !own.iter().flatten().any(|own| own == key) {
        check.report.problem(format!(
            "{key} is the manifest of {}, which has another key",
            manifest.snapshot.instant
        ));
    }
    if manifest.to_json().as_bytes() != bytes {
        check
            .report
            .problem(format!("{key} contains more than this version writes, or is written in another way"));
    }
}

/// The result of following a chain.
struct Followed {
    begin: ChainStart,
    /// Whether its first manifest states that it begins a chain again.
    restarts: bool,
    links: usize,
}

impl IntegrityCheck {
    /// Follows the chain of the newest manifest, then those of manifests that are not in it.
    pub(super) fn check_chains(
        &mut self,
        kept: Vec<KeptManifest>,
        options: &IntegrityOptions,
    ) -> Result<(), DeliveryError> {
        let newest = self.newest.clone();
        let newest_sha256 = self.report.manifest_sha256.clone();
        let mut left: HashMap<String, KeptManifest> =
            kept.into_iter().map(|kept| (kept.sha256.clone(), kept)).collect();
        let own = left.remove(&newest_sha256);
        let own_key = RunKeys::new(Layout::History, Slot::A, newest.snapshot.instant).kept_manifest_key();
        if newest.layout == Layout::History.as_str() && own.is_none_or(|own| own.keys.is_empty()) {
            let key = own_key.unwrap_or_default();
            self.report
                .problem(format!("the newest manifest does not stay as {key}, as in this layout every one"));
        }
        let mut days = Days::default();
        let mut done = HashSet::from([newest_sha256.clone()]);
        self.check_day(&newest, &mut days);
        let followed = self.follow(&newest, "_manifest.json", &mut left, &mut done, &mut days)?;
        self.report.links = followed.links;
        let mut has_restart = followed.restarts;
        if followed.restarts && !left.is_empty() {
            self.note_restart(&followed.begin);
        }
        let main_begin = followed.begin.clone();
        self.report.chain_begins = followed.begin;
        self.say_what_chain_was_checked(&newest);

        // Younger ones first: the files of a day that was exported again are those of the younger chain.
        while let Some(head) = self.next_head(&left) {
            let Some(head) = left.remove(&head) else { break };
            self.report.unlinked.push(printable(&head.name));
            self.check_head(&head, &newest, &done, has_restart, &main_begin);
            done.insert(head.sha256.clone());
            self.check_earlier(&head, &mut days)?;
            let followed = self.follow(&head.manifest, &head.name, &mut left, &mut done, &mut days)?;
            has_restart |= followed.restarts;
        }
        self.report.unlinked.sort_unstable();
        self.check_days(days, options);
        Ok(())
    }

    /// Returns the youngest manifest that no other remaining one names.
    fn next_head(&self, left: &HashMap<String, KeptManifest>) -> Option<String> {
        let named: HashSet<&str> =
            left.values().filter_map(|kept| kept.manifest.previous_manifest_sha256.as_deref()).collect();
        let heads = left.values().filter(|kept| !named.contains(kept.sha256.as_str()));
        let head = heads.max_by_key(|kept| (kept.manifest.snapshot.instant, kept.sha256.clone()));
        head.map(|head| head.sha256.clone())
    }

    /// Follows the links from a manifest, whose own files are checked, into the past.
    fn follow(
        &mut self,
        from: &Manifest,
        name: &str,
        left: &mut HashMap<String, KeptManifest>,
        done: &mut HashSet<String>,
        days: &mut Days,
    ) -> Result<Followed, DeliveryError> {
        let (mut current, mut name) = (from.clone(), name.to_owned());
        let mut links = 0;
        loop {
            let at = current.snapshot.instant.to_string();
            let Some(digest) = current.previous_manifest_sha256.clone() else {
                if current.chain == Some(ChainLink::Continues) || current.previous_manifest_key.is_some() {
                    self.report.problem(format!(
                        "the chain is broken: {name} states that it continues a chain and names no manifest before it"
                    ));
                }
                let restarts = matches!(current.chain, Some(ChainLink::Restarts | ChainLink::Standalone));
                return Ok(Followed { begin: ChainStart::Start { at }, restarts, links });
            };
            if !matches!(current.chain, None | Some(ChainLink::Continues)) {
                self.report
                    .problem(format!("{name} states that it begins a chain, and names a manifest before it"));
            }
            let Some(before) = left.remove(&digest) else {
                // An earlier chain may lead into one that was followed already.
                if !done.contains(&digest) {
                    self.check_missing_link(&current, &name, &digest);
                }
                return Ok(Followed {
                    begin: ChainStart::NotKept { at, sha256: printable(&digest) },
                    restarts: false,
                    links,
                });
            };
            if let Some(key) = &current.previous_manifest_key
                && !before.keys.contains(key)
            {
                self.report.problem(format!(
                    "the chain is broken: {name} names {key} before it, where another manifest or none is"
                ));
            }
            links += 1;
            done.insert(digest);
            self.check_earlier(&before, days)?;
            (current, name) = (before.manifest, before.name);
        }
    }

    /// Reports a missing predecessor, which is in order where the layout keeps none.
    fn check_missing_link(&mut self, manifest: &Manifest, name: &str, digest: &str) {
        let is_history = manifest.layout == Layout::History.as_str();
        if let Some(key) = &manifest.previous_manifest_key {
            self.report.problem(format!(
                "the chain is broken: {name} names {key} with the digest {digest} before it, which is missing or another \
                 file"
            ));
        } else if is_history && manifest.chain.is_none() {
            self.report.problem(format!(
                "the chain is broken: {name} names a manifest with the digest {digest} before it, which is missing"
            ));
        } else {
            self.report.not_checked(format!(
                "what was delivered before {}: the manifest with the digest {digest} is not stored at the destination, \
                 since its layout keeps the newest only (--previous)",
                manifest.snapshot.instant
            ));
        }
    }

    fn say_what_chain_was_checked(&mut self, newest: &Manifest) {
        if newest.previous_manifest_sha256.is_none() && newest.chain.is_none() {
            self.report.note("the manifest names none before it; its version did not state why".to_owned());
        }
    }

    fn note_restart(&mut self, begin: &ChainStart) {
        let (ChainStart::Start { at } | ChainStart::NotKept { at, .. }) = begin;
        self.report.note(format!(
            "the chain begins anew with the manifest of {at}, which states that it has no record of the deliveries \
             before it; earlier chains were checked each by itself"
        ));
    }

    /// Reports a manifest that is in no chain followed so far.
    fn check_head(
        &mut self,
        head: &KeptManifest,
        newest: &Manifest,
        done: &HashSet<String>,
        has_restart: bool,
        main_begin: &ChainStart,
    ) {
        let (name, at) = (&head.name, head.manifest.snapshot.instant);
        let previous = head.manifest.previous_manifest_sha256.as_deref();
        let is_given = head.keys.is_empty();
        if previous == Some(self.report.manifest_sha256.as_str()) {
            self.report.problem(format!(
                "{name} of {at} comes after the newest manifest: a run was cut off before it was complete, or an \
                 earlier manifest was put back"
            ));
        } else if has_restart && at <= newest.snapshot.instant {
            self.report.note(format!("{name} of {at} ends an earlier chain"));
        } else if head.manifest.chain == Some(ChainLink::Standalone) && !is_given {
            self.report.note(format!("{name} of {at} is of an export that keeps no record of deliveries"));
        } else if at <= newest.snapshot.instant && previous.is_some_and(|previous| done.contains(previous)) {
            self.report.note(format!(
                "{name} of {at} is in no chain: its run was cut off, or delivered again with another result"
            ));
        } else if at <= newest.snapshot.instant && matches!(main_begin, ChainStart::NotKept { .. }) {
            self.report.not_checked(format!(
                "the link to {name} of {at}: no manifest here leads from the newest one to it"
            ));
        } else {
            self.report.problem(format!(
                "{name} of {at} is in no chain: no later manifest names it, and none states that a chain begins anew"
            ));
        }
    }

    /// Checks a manifest before the newest: its tenant and the files that no newer one names.
    fn check_earlier(&mut self, kept: &KeptManifest, days: &mut Days) -> Result<(), DeliveryError> {
        let manifest = &kept.manifest;
        if manifest.tenant.id != self.newest.tenant.id {
            self.report.problem(format!("{} is of another tenant", kept.name));
        }
        let own = |key: &String| manifest.files.iter().any(|file| file.key == *key);
        let unclaimed = manifest.files.iter().filter(|file| !self.claimed.contains(&file.key)).count();
        let missing = self.check_files(manifest, &kept.name)?;
        debug_assert!(missing.iter().all(own));
        let day = day_of(manifest);
        match day {
            Some(day) if manifest.layout == Layout::History.as_str() => {
                if unclaimed == 0 {
                    return Ok(());
                }
                if missing.len() == unclaimed {
                    days.gone.insert(day, missing.len());
                    return Ok(());
                }
                days.present.push(day);
            }
            _ => {}
        }
        for key in missing {
            self.report.problem(format!("{key} is missing, which {} names", kept.name));
        }
        Ok(())
    }

    fn check_day(&mut self, newest: &Manifest, days: &mut Days) {
        if newest.layout == Layout::History.as_str() {
            days.present.extend(day_of(newest));
        }
    }

    /// Distinguishes days that a lifecycle rule has deleted, the oldest ones, from others that are missing.
    fn check_days(&mut self, days: Days, options: &IntegrityOptions) {
        let oldest = days.present.iter().min().copied();
        let today = day_of(&self.newest);
        let mut forgotten = Vec::new();
        for (day, files) in days.gone {
            let is_between = oldest.is_some_and(|oldest| oldest < day);
            let age = today.and_then(|today| today.since(day).ok()).map(|span| span.get_days());
            let must_be_kept = match (options.kept_days, age) {
                (Some(kept), Some(age)) => i64::from(age) < i64::from(kept),
                _ => false,
            };
            if is_between || must_be_kept {
                let why = if is_between { "an older day is there" } else { "it is younger than --kept-days" };
                self.report.problem(format!("the day {day} is missing with its {files} files, and {why}"));
            } else {
                self.report.forgotten += files;
                forgotten.push(day);
            }
        }
        if let (Some(first), Some(last)) = (forgotten.iter().min(), forgotten.iter().max()) {
            let range = if first == last { first.to_string() } else { format!("{first} to {last}") };
            self.report.not_checked(format!(
                "the files of {range}: they are no longer there, as a lifecycle rule leaves it (--kept-days makes a \
                 younger day than that a finding)"
            ));
        }
    }
}

/// The days of the history that manifests name.
#[derive(Default)]
struct Days {
    /// With at least one file.
    present: Vec<Date>,
    /// With none, and how many there were.
    gone: BTreeMap<Date, usize>,
}

fn day_of(manifest: &Manifest) -> Option<Date> {
    manifest.snapshot.instant.to_string().get(..10)?.parse().ok()
}
