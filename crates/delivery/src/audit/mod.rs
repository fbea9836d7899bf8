//! Whether a delivered summary is what its manifests state: every object, digest, count and link of the chain.
//!
//! For those who read: it takes the right to get objects, which an identity that delivers does not have. A chain is
//! as strong as the newest digest that somebody stored elsewhere ([`AuditOptions::expected`]): who may put objects
//! can put a manifest that fits them.
//!
//! - `place`: what is at the destination, read within bounds. Only listed objects are read, and only those whose
//!   key has a form that a run writes.
//! - `files`: an object against its entry in a manifest.
//! - `chain`: from the newest manifest into the past.

mod chain;
mod files;
mod place;

use std::collections::{BTreeMap, HashSet};
use std::time::Duration;

use domesday_tables::{Manifest, TABLES, hex, sha256};
use serde::Serialize;

use crate::layout::{manifest_key, version_prefix};
use crate::{
    DeliveryError, Folder, KeyKind, Layout, LocalDirectory, Places, Slot, Supervision, Target, TenantName,
};
use chain::{KeptManifest, kept_manifests};
pub(crate) use place::Found;
use place::{Content, Readable, is_spool};

/// No manifest is larger: an entry takes some 300 bytes, and a summary has at most some tens of thousands of files.
const MAX_MANIFEST_BYTES: u64 = 32 << 20;

/// The longest an audit may take.
const AUDIT_LIMIT: Duration = Duration::from_secs(24 * 3600);

/// At most so many findings are listed; the rest is counted.
const MAX_LISTED: usize = 1000;

/// A manifest that was stored elsewhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GivenManifest {
    /// How messages name it.
    pub name: String,
    /// Its bytes.
    pub bytes: Vec<u8>,
}

/// What is known besides the destination.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct AuditOptions {
    /// Earlier manifests that were stored elsewhere.
    pub given: Vec<GivenManifest>,
    /// SHA-256 of the newest manifest in hexadecimal, as it was stored elsewhere.
    pub expected: Option<String>,
    /// How many days a lifecycle rule keeps: younger days must be there.
    pub kept_days: Option<u32>,
}

/// What an audit found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Audit {
    /// The destination.
    pub destination: String,
    /// Whether there is no finding.
    pub ok: bool,
    /// SHA-256 of the newest manifest.
    pub manifest_sha256: String,
    /// The digest that was expected.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expected_sha256: Option<String>,
    /// The instant of its snapshot.
    pub snapshot_at: String,
    /// Its layout.
    pub layout: String,
    /// Objects found under the path.
    pub objects: usize,
    /// Files compared, of the newest manifest and of earlier ones.
    pub files: usize,
    /// Their bytes.
    pub bytes: u64,
    /// Manifests before the newest that were found by the digest that the next one names, and checked.
    pub links: usize,
    /// The oldest manifest that the chain reaches.
    pub chain_begins: ChainBegin,
    /// Files of earlier days that are no longer there, as a lifecycle rule leaves it.
    pub forgotten: usize,
    /// Manifests that are not in the chain of the newest.
    pub unlinked: Vec<String>,
    /// What to know about what was found, without being wrong.
    pub notes: Vec<String>,
    /// What was not checked, and why.
    pub not_checked: Vec<String>,
    /// What is wrong.
    pub problems: Vec<String>,
}

/// A message whose control characters are written out: keys and manifests may be anybody's, and a line break or an
/// escape sequence would change what a terminal shows.
fn printable(message: &str) -> String {
    let mut text = String::with_capacity(message.len());
    for character in message.chars() {
        match character {
            _ if character.is_control() => text.extend(character.escape_default()),
            _ => text.push(character),
        }
    }
    text
}

#[expect(clippy::needless_pass_by_value, reason = "callers pass what they have just formatted")]
impl Audit {
    fn problem(&mut self, problem: String) {
        if self.problems.len() < MAX_LISTED {
            self.problems.push(printable(&problem));
        } else if self.problems.len() == MAX_LISTED {
            self.problems.push("there are more findings, which are not listed".to_owned());
        }
    }

    fn note(&mut self, note: String) {
        if self.notes.len() < MAX_LISTED {
            self.notes.push(printable(&note));
        }
    }

    fn not_checked(&mut self, what: String) {
        if self.not_checked.len() < MAX_LISTED {
            self.not_checked.push(printable(&what));
        }
    }
}

/// The oldest manifest that a chain reaches.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase", tag = "kind")]
pub enum ChainBegin {
    /// A manifest that names none before it.
    Start {
        /// The instant of its snapshot.
        at: String,
    },
    /// A manifest whose predecessor is not here.
    NotKept {
        /// The instant of its snapshot.
        at: String,
        /// The digest of the manifest it names.
        sha256: String,
    },
}

/// Audits the summary at a destination.
///
/// # Errors
/// When there is no manifest that can be read, or the destination cannot be read. What is wrong with the summary is
/// no error but a finding of the audit.
pub fn audit(target: &Target, tenant: &TenantName, options: &AuditOptions) -> Result<Audit, DeliveryError> {
    let place: Box<dyn Readable> = match target {
        Target::Directory(path) => Box::new(LocalDirectory::existing(path)?),
        Target::S3(settings, access) => {
            let supervision = Supervision::new().with_deadline(AUDIT_LIMIT);
            Box::new(settings.open((**access).clone(), tenant, supervision)?)
        }
    };
    Auditor::open(&*place, target.name(), options)?.run(options)
}

/// An audit under way.
struct Auditor<'a> {
    place: &'a dyn Readable,
    objects: BTreeMap<String, Found>,
    newest: Manifest,
    /// Keys that a manifest names, and that were compared with the newest that does.
    claimed: HashSet<String>,
    audit: Audit,
}

impl<'a> Auditor<'a> {
    fn open(
        place: &'a dyn Readable,
        destination: String,
        options: &AuditOptions,
    ) -> Result<Self, DeliveryError> {
        let unusable = |message: String| DeliveryError::Configuration { message };
        let objects: BTreeMap<_, _> =
            place.objects()?.into_iter().map(|found| (found.key.clone(), found)).collect();
        let key = manifest_key();
        let Some(found) = objects.get(&key) else {
            return Err(unusable(format!("there is no {key} at {destination}; nothing was delivered there")));
        };
        let bytes = match place.content(found, MAX_MANIFEST_BYTES)? {
            Content::Whole(bytes) => bytes,
            Content::Unreadable(why) => {
                return Err(unusable(format!("the manifest at {destination} cannot be read: {why}")));
            }
        };
        let newest: Manifest = serde_json::from_slice(&bytes)
            .map_err(|error| unusable(format!("the manifest at {destination} cannot be read: {error}")))?;
        let at = newest.snapshot.instant.to_string();
        let mut audit = Audit {
            destination,
            ok: true,
            manifest_sha256: hex(&sha256(&bytes)),
            expected_sha256: options.expected.clone(),
            snapshot_at: at.clone(),
            layout: printable(&newest.layout),
            objects: objects.len(),
            files: 0,
            bytes: 0,
            links: 0,
            chain_begins: ChainBegin::Start { at },
            forgotten: 0,
            unlinked: Vec::new(),
            notes: Vec::new(),
            not_checked: Vec::new(),
            problems: Vec::new(),
        };
        if newest.to_json().as_bytes() != bytes {
            audit.problem(
                "the manifest contains more than this version writes, or is written in another way"
                    .to_owned(),
            );
        }
        Ok(Self { place, objects, newest, claimed: HashSet::from([key]), audit })
    }

    fn run(mut self, options: &AuditOptions) -> Result<Audit, DeliveryError> {
        self.check_expected(options);
        let newest = self.newest.clone();
        for missing in self.check_files(&newest, &manifest_key())? {
            self.audit.problem(format!("{missing} is missing"));
        }
        self.check_totals();
        let kept = kept_manifests(&mut self, &options.given)?;
        self.check_expected_in_chain(options, &kept);
        self.check_chains(kept, options)?;
        self.check_what_is_left()?;
        self.audit.ok = self.audit.problems.is_empty();
        Ok(self.audit)
    }

    fn check_expected(&mut self, options: &AuditOptions) {
        match &options.expected {
            None => self.audit.not_checked(
                "whether this is the manifest that was delivered: no digest was given to compare it with (--expect)"
                    .to_owned(),
            ),
            Some(expected) if expected.eq_ignore_ascii_case(&self.audit.manifest_sha256) => {}
            Some(expected) => self.audit.problem(format!(
                "the newest manifest has the digest {}, expected was {expected}",
                self.audit.manifest_sha256
            )),
        }
    }

    /// Tells a later delivery from one that was replaced.
    fn check_expected_in_chain(&mut self, options: &AuditOptions, kept: &[KeptManifest]) {
        let Some(expected) = &options.expected else { return };
        if let Some(found) = kept.iter().find(|kept| kept.sha256.eq_ignore_ascii_case(expected))
            && found.sha256 != self.audit.manifest_sha256
        {
            let at = found.manifest.snapshot.instant;
            self.audit.note(format!("the manifest expected is an earlier one, of {at}"));
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
        wrong.into_iter().for_each(|problem| self.audit.problem(problem));
    }

    /// Reports every object that no manifest has named.
    fn check_what_is_left(&mut self) -> Result<(), DeliveryError> {
        let left: Vec<Found> =
            self.objects.values().filter(|found| !self.claimed.contains(&found.key)).cloned().collect();
        let mut other_slot = 0_usize;
        let mut spools = 0_usize;
        for found in left {
            if is_spool(&found.key) {
                spools += 1;
                continue;
            }
            if let Some(why) = found.why_unreadable {
                self.audit
                    .problem(format!("{} is {why}, which no run writes; it was not followed", found.key));
                continue;
            }
            match KeyKind::parse(&found.key) {
                Some(KeyKind::Probe) if found.bytes < 1024 => {}
                Some(KeyKind::Part { folder: Folder::Slot(slot), .. }) if self.is_other_slot(slot) => {
                    let is_empty = self.place.is_empty_part(&found)?;
                    other_slot += usize::from(!is_empty);
                }
                kind => {
                    let why = self.why_stray(&found.key, kind.as_ref());
                    self.audit.problem(format!("{} is named by no manifest: {why}", found.key));
                }
            }
        }
        if other_slot > 0 {
            self.audit.not_checked(format!(
                "{other_slot} files of the slot that is not in use: they are of the delivery before, whose manifest \
                 is not here (--previous)"
            ));
        }
        if spools > 0 {
            self.audit.note(format!(
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
            Some(KeyKind::Part { folder: Folder::Day(day), .. }) => {
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

/// Where the files of a manifest are, as far as what it states can be.
fn places(manifest: &Manifest) -> Result<Places, String> {
    let layout: Layout = manifest.layout.parse()?;
    let slot = match (layout, manifest.slot.as_deref()) {
        (Layout::Swap, Some(slot)) => slot.parse()?,
        (Layout::Swap, None) => return Err("it names no slot".to_owned()),
        (_, None) => Slot::A,
        (_, Some(_)) => return Err(format!("it names a slot in the layout `{layout}`")),
    };
    Ok(Places::new(layout, slot, manifest.snapshot.instant))
}
