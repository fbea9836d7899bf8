//! Whether a delivered summary is what its manifest says: every digest, count and link of the chain.
//!
//! For those who read: it takes the right to get objects, which whoever delivers does not have. Nothing is taken on
//! trust but the manifest that is looked at; a chain is as strong as the newest manifest that somebody kept.

use std::collections::{HashMap, HashSet};
use std::fs::File;
use std::io::{self, Write};
use std::time::Duration;

use domesday_model::Instant;
use domesday_tables::{Manifest, ManifestFile, TABLES, hex, sha256};
use parquet::file::reader::FileReader;
use parquet::file::serialized_reader::SerializedFileReader;
use parquet::file::statistics::Statistics;
use serde::Serialize;
use sha2::{Digest as _, Sha256};

use crate::layout::{kept_manifests_prefix, manifest_key};
use crate::{
    DeliveryError, Destination, Layout, LocalDirectory, Places, S3, Slot, Supervision, Target, TenantName,
};

/// The longest an audit may take.
const AUDIT_LIMIT: Duration = Duration::from_secs(24 * 3600);

/// What an audit found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Audit {
    /// The destination.
    pub destination: String,
    /// Whether nothing is wrong.
    pub ok: bool,
    /// SHA-256 of the manifest that was looked at.
    pub manifest_sha256: String,
    /// Its snapshot's instant.
    pub snapshot_at: String,
    /// Files compared, of the newest manifest and of days that were kept.
    pub files: usize,
    /// Their bytes.
    pub bytes: u64,
    /// Manifests whose link to the one before was found and is right.
    pub links: usize,
    /// Where the chain begins, as far as it is there.
    pub chain_begins: ChainBegin,
    /// Files of older days that are no longer there, as a lifecycle leaves it.
    pub forgotten: usize,
    /// Kept manifests that no newer one names: those of runs that were cut off.
    pub unlinked: Vec<String>,
    /// What is wrong.
    pub problems: Vec<String>,
}

/// How the chain of manifests ends towards the past.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase", tag = "kind")]
pub enum ChainBegin {
    /// At a manifest that names none before it.
    Start {
        /// The instant of its snapshot.
        at: String,
    },
    /// At a manifest whose predecessor is not here: what is older cannot be checked with what there is.
    NotKept {
        /// The instant of its snapshot.
        at: String,
        /// The digest of the manifest it names.
        sha256: String,
    },
}

/// A place that can be read.
trait Readable: Destination {
    /// Copies an object into a writer; `false` when there is none.
    fn read(&self, key: &str, into: &mut dyn Write) -> Result<bool, DeliveryError>;
}

impl Readable for S3 {
    fn read(&self, key: &str, into: &mut dyn Write) -> Result<bool, DeliveryError> {
        self.get(key, into)
    }
}

impl Readable for LocalDirectory {
    fn read(&self, key: &str, into: &mut dyn Write) -> Result<bool, DeliveryError> {
        self.get(key, into)
    }
}

/// Audits the summary at a destination. `kept` are texts of earlier manifests that somebody kept elsewhere.
///
/// # Errors
/// When there is no manifest or the destination cannot be read; what is wrong with what is there is no error but
/// told in the audit.
pub fn audit(target: &Target, tenant: &TenantName, kept: &[String]) -> Result<Audit, DeliveryError> {
    let place: Box<dyn Readable> = match target {
        Target::Directory(path) => Box::new(LocalDirectory::existing(path)?),
        Target::S3(settings, access) => {
            let supervision = Supervision::new().with_deadline(AUDIT_LIMIT);
            Box::new(settings.open((**access).clone(), tenant, supervision)?)
        }
    };
    let text = read_text(&*place, &manifest_key())?.ok_or_else(|| DeliveryError::Configuration {
        message: format!("there is no {} at {}; nothing was delivered there", manifest_key(), target.name()),
    })?;
    let newest: Manifest = serde_json::from_str(&text).map_err(|error| DeliveryError::Configuration {
        message: format!("the manifest at {} cannot be read: {error}", target.name()),
    })?;
    let mut audit = Audit {
        destination: target.name(),
        ok: true,
        manifest_sha256: hex(&sha256(text.as_bytes())),
        snapshot_at: newest.snapshot.instant.to_string(),
        files: 0,
        bytes: 0,
        links: 0,
        chain_begins: ChainBegin::Start { at: newest.snapshot.instant.to_string() },
        forgotten: 0,
        unlinked: Vec::new(),
        problems: Vec::new(),
    };
    if newest.to_json() != text {
        audit.problems.push("the manifest holds more than this version knows".to_owned());
    }
    let mut claimed = HashSet::new();
    for file in &newest.files {
        claimed.insert(file.key.clone());
        if !check_file(&*place, &newest, file, &mut audit)? {
            audit.problems.push(format!("{} is not there", file.key));
        }
    }
    check_totals(&newest, &mut audit);
    check_nothing_else(&*place, &newest, &claimed, &mut audit)?;

    let mut older = Vec::new();
    for object in place.list(&kept_manifests_prefix())?.objects {
        older.extend(read_text(&*place, &object.key)?.map(|text| (object.key, text)));
    }
    older
        .extend(kept.iter().enumerate().map(|(n, text)| (format!("manifest {} given", n + 1), text.clone())));
    check_chain(&*place, newest, &older, &mut claimed, &mut audit)?;
    audit.ok = audit.problems.is_empty();
    Ok(audit)
}

/// Follows the links from the newest manifest into the past, and checks the files of days that were kept.
fn check_chain(
    place: &dyn Readable,
    newest: Manifest,
    older: &[(String, String)],
    claimed: &mut HashSet<String>,
    audit: &mut Audit,
) -> Result<(), DeliveryError> {
    let mut by_digest: HashMap<String, (&String, &String)> =
        older.iter().map(|(name, text)| (hex(&sha256(text.as_bytes())), (name, text))).collect();
    by_digest.remove(&audit.manifest_sha256);
    let mut current = newest;
    loop {
        let at = current.snapshot.instant.to_string();
        let Some(digest) = current.previous_manifest_sha256.clone() else {
            audit.chain_begins = ChainBegin::Start { at };
            break;
        };
        let Some((name, text)) = by_digest.remove(&digest) else {
            audit.chain_begins = ChainBegin::NotKept { at, sha256: digest };
            break;
        };
        let Ok(before) = serde_json::from_str::<Manifest>(text) else {
            audit.problems.push(format!("{name} is in the chain and cannot be read"));
            audit.chain_begins = ChainBegin::NotKept { at, sha256: digest };
            break;
        };
        if before.tenant.id != current.tenant.id {
            audit.problems.push(format!("{name} is in the chain and of another tenant"));
        }
        audit.links += 1;
        // In the other layouts the files of older days have been overwritten, and so are some here by a second
        // run of their day.
        if before.layout == Layout::History.as_str() {
            for file in &before.files {
                if claimed.insert(file.key.clone()) && !check_file(place, &before, file, audit)? {
                    audit.forgotten += 1;
                }
            }
        }
        current = before;
    }
    audit.unlinked = by_digest.into_values().map(|(name, _)| name.clone()).collect();
    audit.unlinked.sort_unstable();
    Ok(())
}

/// Compares a file with its entry; `false` when there is none.
fn check_file(
    place: &dyn Readable,
    manifest: &Manifest,
    file: &ManifestFile,
    audit: &mut Audit,
) -> Result<bool, DeliveryError> {
    let spool = std::env::temp_dir();
    let copy = tempfile::tempfile_in(&spool).map_err(|source| DeliveryError::from_io(&spool, source))?;
    let mut hashing = Hashing { into: copy, digest: Sha256::new(), bytes: 0 };
    if !place.read(&file.key, &mut hashing)? {
        return Ok(false);
    }
    let Hashing { into, digest, bytes } = hashing;
    audit.files += 1;
    audit.bytes += bytes;
    let digest: [u8; 32] = digest.finalize().into();
    if (bytes, hex(&digest)) != (file.bytes, file.sha256.clone()) {
        let digest = hex(&digest);
        audit.problems.push(format!(
            "{} is not the file delivered: {bytes} bytes with the digest {digest}, the manifest says {} bytes with {}",
            file.key, file.bytes, file.sha256
        ));
    } else if file.key.ends_with(".parquet") {
        match content(into, manifest.snapshot.instant) {
            Ok(rows) if rows == file.rows => {}
            Ok(rows) => {
                let wrong = format!("{} has {rows} rows, the manifest says {}", file.key, file.rows);
                audit.problems.push(wrong);
            }
            Err(problem) => audit.problems.push(format!("{}: {problem}", file.key)),
        }
    }
    Ok(true)
}

/// A file's rows, every one of which must carry the snapshot's instant.
fn content(file: File, at: Instant) -> Result<u64, String> {
    let reader = SerializedFileReader::new(file).map_err(|error| error.to_string())?;
    let about = reader.metadata();
    for group in about.row_groups() {
        let date = group.columns().iter().find(|column| column.column_path().string() == "export_date");
        match date.and_then(|column| column.statistics()) {
            Some(Statistics::Int64(range))
                if (range.min_opt(), range.max_opt()) == (Some(&at.as_micros()), Some(&at.as_micros())) => {}
            _ => return Err("its rows do not carry the snapshot's export_date".to_owned()),
        }
    }
    u64::try_from(about.file_metadata().num_rows()).map_err(|error| error.to_string())
}

fn check_totals(manifest: &Manifest, audit: &mut Audit) {
    let rows = |table: &str| -> u64 {
        manifest.files.iter().filter(|file| file.table == table).map(|file| file.rows).sum()
    };
    let outcomes = manifest.totals.outcomes;
    let outcomes = outcomes.granted + outcomes.blocked + outcomes.masked + outcomes.unmasked;
    let counted = [
        ("policy-outcomes", outcomes),
        ("user-metadata", manifest.totals.users as u64),
        ("datasource-metadata", manifest.totals.data_sources as u64),
    ];
    for (table, total) in counted {
        if rows(table) != total {
            audit.problems.push(format!("{table} has {} rows, the totals say {total}", rows(table)));
        }
    }
}

/// Finds files that a reader would take for today's and the manifest does not name.
fn check_nothing_else(
    place: &dyn Readable,
    manifest: &Manifest,
    claimed: &HashSet<String>,
    audit: &mut Audit,
) -> Result<(), DeliveryError> {
    let wrong = |message: String| DeliveryError::Configuration { message };
    let layout: Layout = manifest.layout.parse().map_err(wrong)?;
    let slot = manifest.slot.as_deref().map_or(Ok(Slot::A), str::parse).map_err(wrong)?;
    let places = Places::new(layout, slot, manifest.snapshot.instant);
    for table in &TABLES {
        for object in place.list(&places.table_prefix(table.name))?.objects {
            let is_below = object.key[places.table_prefix(table.name).len()..].contains('/');
            if !is_below && object.key.ends_with(".parquet") && !claimed.contains(&object.key) {
                audit.problems.push(format!("{} is there and not in the manifest", object.key));
            }
        }
    }
    Ok(())
}

fn read_text(place: &dyn Readable, key: &str) -> Result<Option<String>, DeliveryError> {
    let mut bytes = Vec::new();
    let is_there = place.read(key, &mut bytes)?;
    Ok(is_there.then(|| String::from_utf8_lossy(&bytes).into_owned()))
}

/// Hashes what passes through.
struct Hashing {
    into: File,
    digest: Sha256,
    bytes: u64,
}

impl Write for Hashing {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        let written = self.into.write(buffer)?;
        self.digest.update(&buffer[..written]);
        self.bytes += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.into.flush()
    }
}
