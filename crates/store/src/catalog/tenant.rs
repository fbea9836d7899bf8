//! The tenant that a store belongs to: created once, never replaced.

use domesday_model::{Catalog, Instant, Kind, Tenant};
use uuid::Uuid;

use crate::database::{Database, values};
use crate::field_change::changed_fields;
use crate::{Store, StoreError};

use super::documents::fields;
use super::plan::{Action, Change};
use super::revision;

impl Store {
    /// Returns the tenant and when it was created; `None` before the first apply or [`Store::ensure_tenant`].
    ///
    /// # Errors
    /// When the store fails.
    pub fn tenant(&mut self) -> Result<Option<(Tenant, Instant)>, StoreError> {
        read(&mut self.database)
    }

    /// Returns the tenant. Creates one with this name and time zone when there is none.
    ///
    /// # Errors
    /// When the store fails.
    pub fn ensure_tenant(&mut self, name: &str, time_zone: &str, at: Instant) -> Result<Tenant, StoreError> {
        let has_random_id = self.is_persistent();
        let mut transaction = self.database.write()?;
        if let Some((tenant, _)) = read(&mut transaction)? {
            return Ok(tenant);
        }
        let tenant = Tenant { name: name.to_owned(), time_zone: time_zone.to_owned(), id: None };
        let tenant = create(&mut transaction, tenant, at, has_random_id)?;
        revision::advance(&mut transaction, [Kind::Tenant])?;
        transaction.commit()?;
        Ok(tenant)
    }
}

/// Returns the tenant and when it was created.
pub(crate) fn read(database: &mut Database) -> Result<Option<(Tenant, Instant)>, StoreError> {
    database.first("SELECT id, name, time_zone, created_at FROM tenant", &[], |row| {
        let id = Uuid::parse_str(row.text(0)?).expect("tenant ids are written from UUIDs only");
        let tenant =
            Tenant { id: Some(id), name: row.text(1)?.to_owned(), time_zone: row.text(2)?.to_owned() };
        Ok((tenant, Instant::from_micros(row.integer(3)?)))
    })
}

/// Creates the tenant. In memory its id is derived from its name, so that the same catalog gives the same bytes.
fn create(
    database: &mut Database,
    tenant: Tenant,
    at: Instant,
    has_random_id: bool,
) -> Result<Tenant, StoreError> {
    let new_id = || if has_random_id { Uuid::new_v4() } else { tenant.derived_id() };
    let id = tenant.id.unwrap_or_else(new_id);
    database.execute(
        "INSERT INTO tenant (only_one, id, name, time_zone, created_at) VALUES (1, ?1, ?2, ?3, ?4)",
        values![&id.to_string(), &tenant.name, &tenant.time_zone, at.as_micros()],
    )?;
    Ok(Tenant { id: Some(id), ..tenant })
}

/// Creates or updates the tenant as the catalog declares it.
pub(crate) fn apply(
    database: &mut Database,
    catalog: &Catalog,
    at: Instant,
    has_random_id: bool,
) -> Result<Option<Change>, StoreError> {
    let declared = catalog.tenant.as_ref().map(|tenant| &tenant.spec);
    let Some((stored, _)) = read(database)? else {
        let tenant = declared.cloned().unwrap_or_else(|| Tenant {
            name: "default".to_owned(),
            time_zone: "UTC".to_owned(),
            id: None,
        });
        let tenant = create(database, tenant, at, has_random_id)?;
        return Ok(Some(Change { kind: Kind::Tenant, name: tenant.name, action: Action::Create }));
    };
    let Some(declared) = declared else { return Ok(None) };
    if let (Some(declared), Some(stored)) = (declared.id, stored.id)
        && declared != stored
    {
        return Err(StoreError::OtherTenant { stored, declared });
    }
    let wanted = Tenant { id: stored.id, ..declared.clone() };
    if wanted == stored {
        return Ok(None);
    }
    database
        .execute("UPDATE tenant SET name = ?1, time_zone = ?2", values![&wanted.name, &wanted.time_zone])?;
    let document = |tenant: &Tenant| serde_json::to_string(tenant).expect("a tenant is plain data");
    let fields = changed_fields(
        fields(Kind::Tenant, &stored.name, &document(&stored))?,
        fields(Kind::Tenant, &wanted.name, &document(&wanted))?,
    );
    Ok(Some(Change { kind: Kind::Tenant, name: wanted.name, action: Action::Update { fields } }))
}
