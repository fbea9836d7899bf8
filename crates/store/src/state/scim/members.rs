//! Who belongs to which group. Both directions have an index: a change of one member reads and writes one row, however
//! many the group has.

use uuid::Uuid;

use crate::database::{Row, values};
use crate::{Store, StoreError};

/// A member of a group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScimMember {
    /// The number of the member.
    pub number: i64,
    /// Its kind: `User` or `Group`.
    pub kind: String,
    /// Its SCIM id.
    pub id: Uuid,
    /// Its name as the provider sent it.
    pub display: Option<String>,
}

/// A group that something belongs to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScimGroup {
    /// The number of the group.
    pub number: i64,
    /// Its SCIM id.
    pub id: Uuid,
    /// Its name.
    pub label: String,
}

impl Store {
    /// Returns up to `limit` members of a group with a number above `after`, in order of their creation.
    ///
    /// # Errors
    /// When the store fails.
    pub fn scim_members(
        &mut self,
        group: i64,
        after: i64,
        limit: usize,
    ) -> Result<Vec<ScimMember>, StoreError> {
        self.database.all(
            "SELECT r.number, r.kind, r.id, m.display FROM scim_member m
             JOIN scim_resource r ON r.number = m.member_number
             WHERE m.group_number = ?1 AND m.member_number > ?2 ORDER BY m.member_number LIMIT ?3",
            values![group, after, i64::try_from(limit).unwrap_or(i64::MAX)],
            member,
        )
    }

    /// Returns the groups that a member belongs to itself.
    ///
    /// # Errors
    /// When the store fails.
    pub fn scim_groups_of(&mut self, member: i64) -> Result<Vec<ScimGroup>, StoreError> {
        self.database.all(
            "SELECT r.number, r.id, r.label FROM scim_member m JOIN scim_resource r ON r.number = m.group_number
             WHERE m.member_number = ?1 ORDER BY m.group_number",
            values![member],
            |row| Ok(ScimGroup { number: row.integer(0)?, id: id(row.text(1)?), label: row.text(2)?.to_owned() }),
        )
    }

    /// Adds a member to a group, or changes the name that it is shown with. Returns whether it was none before, and
    /// whether anything changed.
    ///
    /// # Errors
    /// When the store fails.
    pub fn put_scim_member(
        &mut self,
        group: i64,
        member: i64,
        display: Option<&str>,
    ) -> Result<(bool, bool), StoreError> {
        let sql = "INSERT INTO scim_member (group_number, member_number, display) VALUES (?1, ?2, ?3)
             ON CONFLICT (group_number, member_number) DO NOTHING";
        if self.database.execute(sql, values![group, member, display])? > 0 {
            return Ok((true, true));
        }
        // A client that sends no name does not take one away.
        let Some(display) = display else { return Ok((false, false)) };
        let sql = "UPDATE scim_member SET display = ?3
             WHERE group_number = ?1 AND member_number = ?2 AND (display IS NULL OR display <> ?3)";
        Ok((false, self.database.execute(sql, values![group, member, display])? > 0))
    }

    /// Removes the name that a member is shown with.
    ///
    /// # Errors
    /// When the store fails.
    pub fn clear_scim_display(&mut self, group: i64, member: i64) -> Result<bool, StoreError> {
        let sql = "UPDATE scim_member SET display = NULL
             WHERE group_number = ?1 AND member_number = ?2 AND display IS NOT NULL";
        Ok(self.database.execute(sql, values![group, member])? > 0)
    }

    /// Removes a member from a group; returns whether it was one.
    ///
    /// # Errors
    /// When the store fails.
    pub fn remove_scim_member(&mut self, group: i64, member: i64) -> Result<bool, StoreError> {
        let sql = "DELETE FROM scim_member WHERE group_number = ?1 AND member_number = ?2";
        Ok(self.database.execute(sql, values![group, member])? > 0)
    }
}

fn id(text: &str) -> Uuid {
    Uuid::parse_str(text).expect("ids of resources are written from UUIDs only")
}

fn member(row: &Row<'_>) -> Result<ScimMember, StoreError> {
    Ok(ScimMember {
        number: row.integer(0)?,
        kind: row.text(1)?.to_owned(),
        id: id(row.text(2)?),
        display: row.maybe_text(3)?.map(str::to_owned),
    })
}
