//! The resources of a connection.

use domesday_model::Instant;
use uuid::Uuid;

use crate::database::{Row, Value, values};
use crate::id_space::allocate_ids;
use crate::{Store, StoreError};

/// The id space of the numbers of resources.
const ID_SPACE: &str = "scim";

/// A resource.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScimResource {
    /// Its number: resources of a connection in order of creation.
    pub number: i64,
    /// Its kind: `User` or `Group`.
    pub kind: String,
    /// Its SCIM id.
    pub id: Uuid,
    /// Its name in lower case, unique in its kind.
    pub name: String,
    /// Its name as it was sent.
    pub label: String,
    /// What names the manager, where it is given.
    pub manager: Option<String>,
    /// By what the connection's layer knows the object.
    pub layer_key: String,
    /// The resource as JSON text.
    pub document: String,
    /// Counts the changes of what clients write of it.
    pub version: i64,
    /// When it was created.
    pub created_at: Instant,
    /// When it last changed.
    pub updated_at: Instant,
}

/// What changes of a resource with its document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ScimResourceChange<'c> {
    /// Its name in lower case.
    pub name: &'c str,
    /// Its name as it was sent.
    pub label: &'c str,
    /// Its external id.
    pub external_id: Option<&'c str>,
    /// What names the manager.
    pub manager: Option<&'c str>,
    /// The resource as JSON text.
    pub document: &'c str,
}

/// A resource to be created.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NewScimResource<'c> {
    /// The id of the connection's object.
    pub connection: i64,
    /// Its kind: `User` or `Group`.
    pub kind: &'c str,
    /// Its SCIM id.
    pub id: Uuid,
    /// By what the connection's layer knows the object.
    pub layer_key: &'c str,
    /// The rest.
    pub content: ScimResourceChange<'c>,
}

/// By what resources are found with an index.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ScimFind<'f> {
    /// The resource with this id.
    Id(Uuid),
    /// The resource with this name in lower case.
    Name(&'f str),
    /// Resources with this external id.
    ExternalId(&'f str),
    /// The groups of the member with this number.
    Member(i64),
    /// The users with one of these two as their manager.
    Manager(&'f str, &'f str),
}

impl ScimFind<'_> {
    fn sql(self) -> String {
        let condition = match self {
            Self::Id(_) => "r.id = ?3",
            Self::Name(_) => "r.name = ?3",
            Self::ExternalId(_) => "r.external_id = ?3",
            Self::Member(_) => "r.number IN (SELECT group_number FROM scim_member WHERE member_number = ?3)",
            // By number, since SQLite would rather go through all resources in order than sort a few.
            Self::Manager(..) => {
                "r.number IN (SELECT number FROM scim_resource WHERE connection = ?1 AND manager IN (?3, ?4))"
            }
        };
        format!(
            "SELECT {COLUMNS} FROM scim_resource r WHERE r.connection = ?1 AND r.kind = ?2 AND {condition}
             ORDER BY r.number"
        )
    }
}

const COLUMNS: &str =
    "r.number, r.kind, r.id, r.name, r.label, r.manager, r.layer_key, r.document, r.version, r.created_at,
     r.updated_at";

impl Store {
    /// Returns resources of a kind that an index finds, in order of creation.
    ///
    /// # Errors
    /// When the store fails.
    pub fn find_scim_resources(
        &mut self,
        connection: i64,
        kind: &str,
        find: ScimFind<'_>,
    ) -> Result<Vec<ScimResource>, StoreError> {
        let id;
        let values: Vec<Value<'_>> = match find {
            ScimFind::Id(uuid) => {
                id = uuid.to_string();
                vec![(&id).into()]
            }
            ScimFind::Name(text) | ScimFind::ExternalId(text) => vec![text.into()],
            ScimFind::Member(number) => vec![number.into()],
            ScimFind::Manager(id, name) => vec![id.into(), name.into()],
        };
        let values: Vec<_> = [connection.into(), kind.into()].into_iter().chain(values).collect();
        self.database.all(&find.sql(), &values, resource)
    }

    /// Returns the resource with a number.
    ///
    /// # Errors
    /// When the store fails.
    pub fn scim_resource(&mut self, number: i64) -> Result<Option<ScimResource>, StoreError> {
        let sql = format!("SELECT {COLUMNS} FROM scim_resource r WHERE r.number = ?1");
        self.database.first(&sql, values![number], resource)
    }

    /// Returns up to `limit` resources of a kind, in order of creation, after the first `skipped` of those with a number
    /// above `after`.
    ///
    /// # Errors
    /// When the store fails.
    pub fn scim_resources(
        &mut self,
        connection: i64,
        kind: &str,
        after: i64,
        skipped: u64,
        limit: usize,
    ) -> Result<Vec<ScimResource>, StoreError> {
        let sql = format!(
            "SELECT {COLUMNS} FROM scim_resource r WHERE r.connection = ?1 AND r.kind = ?2 AND r.number > ?3
             ORDER BY r.number LIMIT ?4 OFFSET ?5"
        );
        let (limit, skipped) =
            (i64::try_from(limit).unwrap_or(i64::MAX), i64::try_from(skipped).unwrap_or(i64::MAX));
        self.database.all(&sql, values![connection, kind, after, limit, skipped], resource)
    }

    /// Returns how many resources of a kind there are.
    ///
    /// # Errors
    /// When the store fails.
    pub fn count_scim_resources(&mut self, connection: i64, kind: &str) -> Result<u64, StoreError> {
        let sql = "SELECT count(*) FROM scim_resource WHERE connection = ?1 AND kind = ?2";
        let count = self.database.first(sql, values![connection, kind], |row| row.integer(0))?;
        Ok(count.and_then(|count| u64::try_from(count).ok()).unwrap_or_default())
    }

    /// Creates a resource and returns its number. The caller has checked that id and name are free.
    ///
    /// # Errors
    /// When the store fails.
    pub fn create_scim_resource(
        &mut self,
        new: &NewScimResource<'_>,
        at: Instant,
    ) -> Result<i64, StoreError> {
        let mut transaction = self.database.write()?;
        let number = allocate_ids(&mut transaction, ID_SPACE, 1)?;
        let content = &new.content;
        transaction.execute(
            "INSERT INTO scim_resource (number, connection, kind, id, name, label, external_id, manager, layer_key,
                 document, version, created_at, updated_at)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, 1, ?11, ?11)",
            values![
                number,
                new.connection,
                new.kind,
                &new.id.to_string(),
                content.name,
                content.label,
                content.external_id,
                content.manager,
                new.layer_key,
                content.document,
                at.as_micros(),
            ],
        )?;
        transaction.commit()?;
        Ok(number)
    }

    /// Changes a resource.
    ///
    /// # Errors
    /// When the store fails.
    pub fn update_scim_resource(
        &mut self,
        number: i64,
        content: &ScimResourceChange<'_>,
        at: Instant,
    ) -> Result<(), StoreError> {
        let sql =
            "UPDATE scim_resource SET name = ?2, label = ?3, external_id = ?4, manager = ?5, document = ?6,
             version = version + 1, updated_at = ?7 WHERE number = ?1";
        let values = values![
            number,
            content.name,
            content.label,
            content.external_id,
            content.manager,
            content.document,
            at.as_micros(),
        ];
        self.database.execute(sql, values).map(drop)
    }

    /// Gives a resource another version, since its members changed.
    ///
    /// # Errors
    /// When the store fails.
    pub fn touch_scim_resource(&mut self, number: i64, at: Instant) -> Result<(), StoreError> {
        let sql = "UPDATE scim_resource SET version = version + 1, updated_at = ?2 WHERE number = ?1";
        self.database.execute(sql, values![number, at.as_micros()]).map(drop)
    }

    /// Deletes a resource, its members and its memberships. Of a group, its id is kept for a group of the same name.
    ///
    /// # Errors
    /// When the store fails.
    pub fn delete_scim_resource(
        &mut self,
        connection: i64,
        resource: &ScimResource,
    ) -> Result<(), StoreError> {
        let mut transaction = self.database.write()?;
        let number = resource.number;
        if resource.kind == "Group" {
            transaction.execute(
                "INSERT INTO scim_former_group (connection, name, id) VALUES (?1, ?2, ?3)
                 ON CONFLICT (connection, name) DO UPDATE SET id = excluded.id",
                values![connection, &resource.name, &resource.id.to_string()],
            )?;
        }
        transaction.execute("DELETE FROM scim_member WHERE group_number = ?1", values![number])?;
        transaction.execute("DELETE FROM scim_member WHERE member_number = ?1", values![number])?;
        transaction.execute("DELETE FROM scim_resource WHERE number = ?1", values![number])?;
        transaction.commit()
    }

    /// Returns the id of a deleted group with a name in lower case, once.
    ///
    /// # Errors
    /// When the store fails.
    pub fn take_former_scim_group(
        &mut self,
        connection: i64,
        name: &str,
    ) -> Result<Option<Uuid>, StoreError> {
        let mut transaction = self.database.write()?;
        let sql = "SELECT id FROM scim_former_group WHERE connection = ?1 AND name = ?2";
        let found = transaction.first(sql, values![connection, name], |row| Ok(uuid(row.text(0)?)))?;
        let sql = "DELETE FROM scim_former_group WHERE connection = ?1 AND name = ?2";
        transaction.execute(sql, values![connection, name])?;
        transaction.commit()?;
        Ok(found)
    }

    /// Deletes everything that belongs to a connection: its resources, and its tokens.
    ///
    /// # Errors
    /// When the store fails.
    pub fn delete_scim_connection(&mut self, connection: i64) -> Result<(), StoreError> {
        let mut transaction = self.database.write()?;
        let of_connection = "SELECT number FROM scim_resource WHERE connection = ?1";
        for sql in [
            &format!("DELETE FROM scim_member WHERE group_number IN ({of_connection})"),
            "DELETE FROM scim_resource WHERE connection = ?1",
            "DELETE FROM scim_former_group WHERE connection = ?1",
            "DELETE FROM scim_token WHERE connection = ?1",
        ] {
            transaction.execute(sql, values![connection])?;
        }
        transaction.commit()
    }
}

fn uuid(text: &str) -> Uuid {
    Uuid::parse_str(text).expect("ids of resources are written from UUIDs only")
}

fn resource(row: &Row<'_>) -> Result<ScimResource, StoreError> {
    Ok(ScimResource {
        number: row.integer(0)?,
        kind: row.text(1)?.to_owned(),
        id: uuid(row.text(2)?),
        name: row.text(3)?.to_owned(),
        label: row.text(4)?.to_owned(),
        manager: row.maybe_text(5)?.map(str::to_owned),
        layer_key: row.text(6)?.to_owned(),
        document: row.text(7)?.to_owned(),
        version: row.integer(8)?,
        created_at: Instant::from_micros(row.integer(9)?),
        updated_at: Instant::from_micros(row.integer(10)?),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::query_plan;

    #[test]
    fn resources_are_found_without_reading_all() {
        let id = Uuid::nil();
        let expected = [
            (ScimFind::Id(id), "id=?"),
            (ScimFind::Name("n"), "name=?"),
            (ScimFind::ExternalId("e"), "external_id=?"),
            (ScimFind::Member(1), "member_number=?"),
            (ScimFind::Manager("a", "b"), "manager=?"),
        ];
        for (find, column) in expected {
            let plan = query_plan(&find.sql());
            assert!(plan.contains(column) && !plan.contains("(connection=? AND kind=?)"), "{find:?}: {plan}");
        }
    }
}
