//! The one consistent read: everything the store holds, as a snapshot.

use domesday_model::{
    AgreementId, ColumnId, DataProductId, DataSource, DataSourceId, DomainId, Group, GroupId, Instant, Kind,
    PolicyId, Provenance, RequestFormId, Since, Snapshot, SnapshotBuilder, TagId, User, UserId,
};
use sha2::{Digest, Sha256};

use crate::database::values;
use crate::documents::parse;
use crate::{Store, StoreError, revision, tenant};

/// The kinds in the order in which a snapshot is built: policies before the sources that refer to them.
const BUILD_ORDER: [Kind; 11] = [
    Kind::Tag,
    Kind::Group,
    Kind::User,
    Kind::Domain,
    Kind::Policy,
    Kind::DataPolicy,
    Kind::DataSource,
    Kind::Agreement,
    Kind::RequestForm,
    Kind::DataProduct,
    Kind::Request,
];

impl Store {
    /// Everything as it stands, as seen at an instant, in one consistent read.
    ///
    /// # Errors
    /// [`StoreError::Empty`] when no catalog was ever applied; otherwise when the store cannot be read.
    pub fn snapshot(&mut self, at: Instant) -> Result<Snapshot, StoreError> {
        self.snapshot_and_revision(at).map(|(snapshot, _)| snapshot)
    }

    /// [`Store::snapshot`] and the catalog's revision in the same read.
    ///
    /// # Errors
    /// As [`Store::snapshot`].
    pub fn snapshot_and_revision(&mut self, at: Instant) -> Result<(Snapshot, u64), StoreError> {
        let mut transaction = self.database.read()?;
        let revision = revision::read(&mut transaction)?;
        let (tenant, _) = tenant::read(&mut transaction)?.ok_or(StoreError::Empty)?;
        let mut digest = Sha256::new();
        digest.update(serde_json::to_string(&tenant).expect("a tenant is plain data"));
        let mut build = SnapshotBuilder::new(at, tenant);
        for kind in BUILD_ORDER {
            let sql = "SELECT id, name, document, origin, created_at, updated_at, since, column_ids
                 FROM object WHERE kind = ?1 ORDER BY id";
            transaction.each(sql, values![kind.key()], &mut |row| {
                let (id, name, document) = (row.integer(0)?, row.text(1)?, row.text(2)?);
                let (origin, since) = (row.text(3)?, row.text(6)?);
                let (created_at, updated_at) = (row.integer(4)?, row.integer(5)?);
                for part in [kind.key(), document, origin, since] {
                    digest.update((part.len() as u64).to_le_bytes());
                    digest.update(part);
                }
                [id, created_at, updated_at]
                    .into_iter()
                    .for_each(|number| digest.update(number.to_le_bytes()));
                let provenance = Provenance {
                    created_at: Instant::from_micros(created_at),
                    updated_at: Instant::from_micros(updated_at),
                    origin: origin.into(),
                    since: if since == "{}" { Since::default() } else { parse(kind, name, since)? },
                };
                add(&mut build, kind, id, name, document, provenance, row.text(7)?)
            })?;
        }
        transaction.each("SELECT name, version, text FROM agreement_text", &[], &mut |row| {
            build.agreement_text(row.text(0)?, row.integer(1)?, row.text(2)?);
            Ok(())
        })?;
        Ok((build.finish(digest.finalize().into())?, revision))
    }
}

fn add(
    build: &mut SnapshotBuilder,
    kind: Kind,
    id: i64,
    name: &str,
    document: &str,
    provenance: Provenance,
    column_ids: &str,
) -> Result<(), StoreError> {
    match kind {
        Kind::Tenant => {}
        Kind::Tag => build.tag(TagId(id), parse(kind, name, document)?, provenance),
        Kind::Group => build.group(GroupId(id), &parse::<Group>(kind, name, document)?, provenance),
        Kind::User => build.user(UserId(id), &parse::<User>(kind, name, document)?, provenance)?,
        Kind::Domain => build.domain(DomainId(id), parse(kind, name, document)?, provenance),
        Kind::Policy => build.policy(PolicyId(id), parse(kind, name, document)?, provenance),
        Kind::DataPolicy => build.data_policy(PolicyId(id), parse(kind, name, document)?, provenance),
        Kind::DataSource => {
            let source: DataSource = parse(kind, name, document)?;
            let ids: Vec<i64> = parse(kind, name, column_ids)?;
            if ids.len() != source.columns.len() {
                let message =
                    format!("it has {} columns and {} ids of columns", source.columns.len(), ids.len());
                let source = serde::de::Error::custom(message);
                return Err(StoreError::Document { kind, name: name.to_owned(), source });
            }
            let ids: Vec<_> = ids.into_iter().map(ColumnId).collect();
            build.data_source(DataSourceId(id), &source, &ids, provenance)?;
        }
        Kind::Agreement => build.agreement(AgreementId(id), parse(kind, name, document)?, provenance),
        Kind::RequestForm => build.request_form(RequestFormId(id), parse(kind, name, document)?, provenance),
        Kind::DataProduct => build.data_product(DataProductId(id), parse(kind, name, document)?, provenance),
        Kind::Request => build.request(parse(kind, name, document)?),
    }
    Ok(())
}
