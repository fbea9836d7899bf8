//! The snapshot: one consistent read of the whole catalog.

use std::panic::resume_unwind;
use std::sync::Arc;

use domesday_model::document::{DataSourceDocument, UserDocument};
use domesday_model::layers::Givers;
use domesday_model::{
    AgreementId, ColumnId, DataProductId, DataSourceBuilder, DataSourceId, DomainId, Group, GroupId, Instant,
    Kind, PolicyId, Provenance, RequestFormId, Since, Snapshot, SnapshotBuilder, TagId, UserId,
};
use sha2::{Digest, Sha256};

use crate::database::{Database, values};
use crate::{Store, StoreError};

use super::documents::parse;
use super::privileges::{self, StoredDatabase};
use super::{revision, tenant};

/// The small kinds, in the order in which a snapshot is built: what is named before who names it.
const SMALL_INVENTORY: [Kind; 3] = [Kind::Tag, Kind::Group, Kind::Domain];
const POLICIES: [Kind; 2] = [Kind::Policy, Kind::DataPolicy];
const LAST: [Kind; 4] = [Kind::Agreement, Kind::RequestForm, Kind::DataProduct, Kind::Request];

/// From this many users on, a second connection pays off.
const MANY_USERS: i64 = 2_000;

/// How often to try to get two connections to the same revision, before reading with one: writes are rare.
const ATTEMPTS: usize = 5;

/// A snapshot as it was loaded, with what a later load can take from it.
#[derive(Debug, Clone)]
pub struct LoadedSnapshot {
    /// The snapshot.
    pub snapshot: Arc<Snapshot>,
    /// The catalog's revision in the same read.
    pub revision: u64,
    /// The revision at which the inventory last changed, when that is known.
    inventory: Option<u64>,
    digests: InventoryDigests,
    databases: Vec<StoredDatabase>,
}

/// Digests of the kinds of the inventory.
#[derive(Debug, Clone)]
struct InventoryDigests {
    /// Of tags, groups and domains.
    small: [[u8; 32]; 3],
    /// Of users and data sources.
    large: [[u8; 32]; 2],
}

impl Store {
    /// Returns a snapshot of the catalog as of an instant, in one consistent read.
    ///
    /// Of a large store, users and data sources are read in parallel over two connections at the same revision.
    ///
    /// # Errors
    /// [`StoreError::Empty`] when no catalog was ever applied; otherwise when the store cannot be read.
    pub fn snapshot(&mut self, at: Instant) -> Result<Snapshot, StoreError> {
        self.read_everything(at, &[]).map(|loaded| Arc::unwrap_or_clone(loaded.snapshot))
    }

    /// Returns a snapshot as [`Store::snapshot`] does, with the revision of the catalog in the same read.
    ///
    /// # Errors
    /// As [`Store::snapshot`].
    pub fn snapshot_and_revision(&mut self, at: Instant) -> Result<(Snapshot, u64), StoreError> {
        let LoadedSnapshot { snapshot, revision, .. } = self.read_everything(at, &[])?;
        Ok((Arc::unwrap_or_clone(snapshot), revision))
    }

    /// Loads a snapshot. Where the inventory (tenant, tags, groups, users, domains, data sources) is the same as in an
    /// earlier one, it is shared with that one and only the other kinds are read. The result is the same either way.
    ///
    /// # Errors
    /// As [`Store::snapshot`].
    pub fn load_snapshot(
        &mut self,
        at: Instant,
        earlier: Option<&LoadedSnapshot>,
    ) -> Result<LoadedSnapshot, StoreError> {
        if let Some(earlier) = earlier
            && let Some(loaded) = self.load_rules(at, earlier)?
        {
            return Ok(loaded);
        }
        self.read_everything(at, earlier.map_or(&[], |earlier| &earlier.databases))
    }

    /// Reads the kinds outside the inventory; none when the inventory is not that of the earlier snapshot.
    fn load_rules(
        &mut self,
        at: Instant,
        earlier: &LoadedSnapshot,
    ) -> Result<Option<LoadedSnapshot>, StoreError> {
        let mut transaction = self.database.read()?;
        let inventory = revision::read_inventory(&mut transaction)?;
        if inventory.is_none() || inventory != earlier.inventory {
            return Ok(None);
        }
        let revision = revision::read(&mut transaction)?;
        let base = &earlier.snapshot;
        let mut build = SnapshotBuilder::with_inventory(at, base);
        let [tags, groups, domains] = earlier.digests.small;
        let mut digest = Sha256::new();
        digest.update(serde_json::to_string(&base.tenant).expect("a tenant is plain data"));
        [tags, groups, domains].iter().for_each(|of_kind| digest.update(of_kind));
        for kind in POLICIES {
            digest.update(each(&mut transaction, kind, |object| add(&mut build, kind, object))?);
        }
        if !build.keeps_policies_of(base) {
            return Ok(None);
        }
        earlier.digests.large.iter().for_each(|of_kind| digest.update(of_kind));
        let (snapshot, databases) = finish(&mut transaction, build, digest, &earlier.databases)?;
        let digests = earlier.digests.clone();
        Ok(Some(LoadedSnapshot { snapshot: Arc::new(snapshot), revision, inventory, digests, databases }))
    }

    fn read_everything(
        &mut self,
        at: Instant,
        earlier: &[StoredDatabase],
    ) -> Result<LoadedSnapshot, StoreError> {
        let mut second = self.second_reader()?;
        let mut transaction = self.database.read()?;
        let mut revision = revision::read(&mut transaction)?;
        let mut parallel = second.as_mut().map(Database::read).transpose()?;
        let mut attempts = 0;
        while let Some(other) = &mut parallel {
            let (of_other, attempt) = (revision::read(other)?, attempts);
            attempts += 1;
            if of_other == revision {
                break;
            } else if attempt == ATTEMPTS {
                parallel = None;
            } else if of_other > revision {
                // Somebody changed the catalog between the two.
                transaction.renew()?;
                revision = revision::read(&mut transaction)?;
            } else {
                other.renew()?;
            }
        }
        let inventory = revision::read_inventory(&mut transaction)?;
        let (build, digest, digests) = read(&mut transaction, parallel.as_deref_mut(), at)?;
        let (snapshot, databases) = finish(&mut transaction, build, digest, earlier)?;
        Ok(LoadedSnapshot { snapshot: Arc::new(snapshot), revision, inventory, digests, databases })
    }

    /// A second connection, where reading on two is worth it and can be had.
    fn second_reader(&mut self) -> Result<Option<Database>, StoreError> {
        let last = "SELECT max(id) FROM object WHERE kind = ?1";
        let last = self.database.first(last, values![Kind::User.key()], |row| row.maybe_integer(0))?;
        let many = last.flatten().is_some_and(|last| last >= MANY_USERS);
        // The server may have no connection left: one is enough.
        Ok(if many { self.database.another().ok().flatten() } else { None })
    }
}

/// Reads the inventory and the policies of a snapshot; data sources over the second connection, if there is one.
fn read(
    database: &mut Database,
    parallel: Option<&mut Database>,
    at: Instant,
) -> Result<(SnapshotBuilder, Sha256, InventoryDigests), StoreError> {
    let (tenant, _) = tenant::read(database)?.ok_or(StoreError::Empty)?;
    let mut digest = Sha256::new();
    digest.update(serde_json::to_string(&tenant).expect("a tenant is plain data"));
    let mut build = SnapshotBuilder::new(at, tenant);
    let mut small = [[0; 32]; 3];
    for (kind, of_kind) in SMALL_INVENTORY.into_iter().zip(&mut small) {
        *of_kind = each(database, kind, |object| add(&mut build, kind, object))?;
        digest.update(*of_kind);
    }
    for kind in POLICIES {
        digest.update(each(database, kind, |object| add(&mut build, kind, object))?);
    }
    let (mut users, mut data_sources) = build.parts();
    let mut of_users = |database: &mut Database| {
        each(database, Kind::User, |object| {
            let user: UserDocument<'_> = parse(Kind::User, object.name, object.document)?;
            Ok(users.add(UserId(object.id), &user, object.provenance)?)
        })
    };
    let mut of_data_sources = |database: &mut Database| {
        each(database, Kind::DataSource, |object| add_data_source(&mut data_sources, object))
    };
    let large = match parallel {
        None => [of_users(database)?, of_data_sources(database)?],
        Some(parallel) => std::thread::scope(|scope| {
            let data_sources = scope.spawn(|| of_data_sources(parallel));
            let users = of_users(database);
            let data_sources = data_sources.join().unwrap_or_else(|panic| resume_unwind(panic));
            Ok::<_, StoreError>([users?, data_sources?])
        })?,
    };
    large.iter().for_each(|of_kind| digest.update(of_kind));
    Ok((build, digest, InventoryDigests { small, large }))
}

/// Reads the kinds that are built last and the privileges of databases, and finishes a snapshot.
fn finish(
    database: &mut Database,
    mut build: SnapshotBuilder,
    mut digest: Sha256,
    earlier: &[StoredDatabase],
) -> Result<(Snapshot, Vec<StoredDatabase>), StoreError> {
    for kind in LAST {
        digest.update(each(database, kind, |object| add(&mut build, kind, object))?);
    }
    database.each("SELECT name, version, text FROM agreement_text", &[], &mut |row| {
        build.agreement_text(row.text(0)?, row.integer(1)?, row.text(2)?);
        Ok(())
    })?;
    let sql = "SELECT user_id, last_used_at FROM api_key WHERE user_id > 0 AND last_used_at IS NOT NULL
         UNION ALL SELECT user_id, last_used_at FROM session WHERE user_id IS NOT NULL
         UNION ALL SELECT user_id, at FROM last_seen";
    database.each(sql, &[], &mut |row| {
        build.last_seen(UserId(row.integer(0)?), Instant::from_micros(row.integer(1)?));
        Ok(())
    })?;
    // Without one, the digest is what it was before there were any.
    let databases = privileges::read(database, earlier)?;
    for stored in &databases {
        stored.digest(&mut digest);
        build.database(stored.database());
    }
    Ok((build.finish(digest.finalize().into())?, databases))
}

/// A stored object.
struct Object<'r> {
    id: i64,
    name: &'r str,
    document: &'r str,
    provenance: Provenance,
    column_ids: &'r str,
}

/// Calls `with` for every object of a kind in id order, and returns the digest of all.
fn each(
    database: &mut Database,
    kind: Kind,
    mut with: impl FnMut(Object<'_>) -> Result<(), StoreError>,
) -> Result<[u8; 32], StoreError> {
    let mut digest = Sha256::new();
    let sql =
        "SELECT id, name, document, origin, created_at, updated_at, since, column_ids, givers, absent_since
         FROM object WHERE kind = ?1 ORDER BY id";
    database.each(sql, values![kind.key()], &mut |row| {
        let (id, name, document) = (row.integer(0)?, row.text(1)?, row.text(2)?);
        let (origin, since) = (row.text(3)?, row.text(6)?);
        let (created_at, updated_at) = (row.integer(4)?, row.integer(5)?);
        for part in [kind.key(), document, origin, since] {
            digest.update((part.len() as u64).to_le_bytes());
            digest.update(part);
        }
        [id, created_at, updated_at].into_iter().for_each(|number| digest.update(number.to_le_bytes()));
        let (givers, absent_since) = (row.text(8)?, row.maybe_integer(9)?);
        // What files alone describe keeps the digest that it had before there were layers.
        if givers != "{}" || absent_since.is_some() {
            digest.update((givers.len() as u64).to_le_bytes());
            digest.update(givers);
            digest.update(absent_since.unwrap_or(i64::MIN).to_le_bytes());
        }
        let provenance = Provenance {
            created_at: Instant::from_micros(created_at),
            updated_at: Instant::from_micros(updated_at),
            origin: origin.into(),
            since: if since == "{}" { Since::default() } else { parse(kind, name, since)? },
            givers: if givers == "{}" { Givers::default() } else { parse(kind, name, givers)? },
            absent_since: absent_since.map(Instant::from_micros),
        };
        with(Object { id, name, document, provenance, column_ids: row.text(7)? })
    })?;
    Ok(digest.finalize().into())
}

/// Adds an object of one of the small kinds.
fn add(build: &mut SnapshotBuilder, kind: Kind, object: Object<'_>) -> Result<(), StoreError> {
    let Object { id, name, document, provenance, .. } = object;
    match kind {
        Kind::Tag => build.tag(TagId(id), parse(kind, name, document)?, provenance),
        Kind::Group => build.group(GroupId(id), &parse::<Group>(kind, name, document)?, provenance),
        Kind::Domain => build.domain(DomainId(id), parse(kind, name, document)?, provenance),
        Kind::Policy => build.policy(PolicyId(id), parse(kind, name, document)?, provenance),
        Kind::DataPolicy => build.data_policy(PolicyId(id), parse(kind, name, document)?, provenance),
        Kind::Agreement => build.agreement(AgreementId(id), parse(kind, name, document)?, provenance),
        Kind::RequestForm => build.request_form(RequestFormId(id), parse(kind, name, document)?, provenance),
        Kind::DataProduct => build.data_product(DataProductId(id), parse(kind, name, document)?, provenance),
        Kind::Request => build.request(parse(kind, name, document)?),
        // Read elsewhere.
        Kind::Tenant | Kind::User | Kind::DataSource | Kind::Connection => {}
    }
    Ok(())
}

fn add_data_source(build: &mut DataSourceBuilder<'_>, object: Object<'_>) -> Result<(), StoreError> {
    let (kind, name) = (Kind::DataSource, object.name);
    let source: DataSourceDocument<'_> = parse(kind, name, object.document)?;
    let ids: Vec<i64> = parse(kind, name, object.column_ids)?;
    if ids.len() != source.columns.len() {
        let message = format!("{} columns have {} ids", source.columns.len(), ids.len());
        let source = serde::de::Error::custom(message);
        return Err(StoreError::Document { kind, name: name.to_owned(), source });
    }
    let ids: Vec<_> = ids.into_iter().map(ColumnId).collect();
    Ok(build.add(DataSourceId(object.id), &source, &ids, object.provenance)?)
}
