//! The one consistent read: everything the store holds, as a snapshot.

use std::collections::HashMap;

use domesday_model::{
    AgreementId, ColumnId, DataProductId, DataSource, DataSourceId, DomainId, Group, GroupId, Instant, Kind,
    PolicyId, Provenance, RequestFormId, Since, Snapshot, SnapshotBuilder, TagId, Tenant, User, UserId,
};
use rusqlite::{Connection, OptionalExtension, TransactionBehavior, params};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::documents::parse;
use crate::{Store, StoreError};

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
        let transaction = self.connection.transaction_with_behavior(TransactionBehavior::Deferred)?;
        let (tenant, _) = read_tenant(&transaction)?.ok_or(StoreError::Empty)?;
        let mut digest = Sha256::new();
        digest.update(serde_json::to_string(&tenant).expect("a tenant is plain data"));
        let mut build = SnapshotBuilder::new(at, tenant);
        let columns = read_columns(&transaction)?;
        for kind in BUILD_ORDER {
            let mut statement = transaction.prepare(
                "SELECT id, name, document, origin, created_at, updated_at, since FROM object
                 WHERE kind = ?1 ORDER BY id",
            )?;
            let mut rows = statement.query([kind.key()])?;
            while let Some(row) = rows.next()? {
                let text = |column: usize| row.get_ref(column).and_then(|value| Ok(value.as_str()?));
                let (id, name, document) = (row.get::<_, i64>(0)?, text(1)?, text(2)?);
                let (created_at, updated_at, since) =
                    (row.get::<_, i64>(4)?, row.get::<_, i64>(5)?, text(6)?);
                for part in [kind.key(), document, text(3)?, since] {
                    digest.update((part.len() as u64).to_le_bytes());
                    digest.update(part);
                }
                [id, created_at, updated_at]
                    .into_iter()
                    .for_each(|number| digest.update(number.to_le_bytes()));
                let provenance = Provenance {
                    created_at: Instant::from_micros(created_at),
                    updated_at: Instant::from_micros(updated_at),
                    origin: text(3)?.into(),
                    since: if since == "{}" { Since::default() } else { parse(kind, name, since)? },
                };
                add(&mut build, kind, id, name, document, provenance, &columns)?;
            }
        }
        let mut statement = transaction.prepare("SELECT name, version, text FROM agreement_text")?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            build.agreement_text(&row.get::<_, String>(0)?, row.get(1)?, &row.get::<_, String>(2)?);
        }
        Ok(build.finish(digest.finalize().into())?)
    }
}

fn add(
    build: &mut SnapshotBuilder,
    kind: Kind,
    id: i64,
    name: &str,
    document: &str,
    provenance: Provenance,
    columns: &HashMap<i64, HashMap<String, ColumnId>>,
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
            let ids = columns.get(&id);
            let ids: Vec<ColumnId> = source
                .columns
                .iter()
                .map(|column| {
                    let known = ids.and_then(|ids| ids.get(&column.name)).copied();
                    known.expect("a data source and the ids of its columns are written in one transaction")
                })
                .collect();
            build.data_source(DataSourceId(id), &source, &ids, provenance)?;
        }
        Kind::Agreement => build.agreement(AgreementId(id), parse(kind, name, document)?, provenance),
        Kind::RequestForm => build.request_form(RequestFormId(id), parse(kind, name, document)?, provenance),
        Kind::DataProduct => build.data_product(DataProductId(id), parse(kind, name, document)?, provenance),
        Kind::Request => build.request(parse(kind, name, document)?),
    }
    Ok(())
}

/// The tenant and when the store first knew it.
pub(crate) fn read_tenant(connection: &Connection) -> Result<Option<(Tenant, Instant)>, StoreError> {
    let sql = "SELECT id, name, time_zone, created_at FROM tenant";
    let row = connection.query_row(sql, params![], |row| {
        Ok((row.get::<_, String>(0)?, row.get(1)?, row.get(2)?, row.get::<_, i64>(3)?))
    });
    let Some((id, name, time_zone, created_at)) = row.optional()? else { return Ok(None) };
    let id = Uuid::parse_str(&id).expect("tenant ids are written from UUIDs only");
    Ok(Some((Tenant { id: Some(id), name, time_zone }, Instant::from_micros(created_at))))
}

fn read_columns(connection: &Connection) -> Result<HashMap<i64, HashMap<String, ColumnId>>, StoreError> {
    let mut columns: HashMap<i64, HashMap<String, ColumnId>> = HashMap::new();
    let mut statement = connection.prepare("SELECT data_source_id, name, id FROM data_column")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        columns.entry(row.get(0)?).or_default().insert(row.get(1)?, ColumnId(row.get(2)?));
    }
    Ok(columns)
}
