//! The tokens that let identity providers in. Only the SHA-256 of a token is stored, not the token itself.

use domesday_model::Instant;
use serde_json::json;
use uuid::Uuid;

use crate::audit::{self, Entry};
use crate::database::{Row, values};
use crate::state::last_used;
use crate::{ChangeBy, Store, StoreError};

/// A token, without its secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScimToken {
    /// Its id.
    pub id: Uuid,
    /// The id of the connection's object.
    pub connection: i64,
    /// What it is for.
    pub name: String,
    /// When it was created.
    pub created_at: Instant,
    /// Who created it.
    pub created_by: String,
    /// When it was last used, to the minute.
    pub last_used_at: Option<Instant>,
    /// When it was revoked.
    pub revoked_at: Option<Instant>,
}

/// A token to be created.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewScimToken {
    /// Its id.
    pub id: Uuid,
    /// The id of the connection's object.
    pub connection: i64,
    /// The name of the connection, for the audit log.
    pub connection_name: String,
    /// What it is for.
    pub name: String,
}

const SELECT: &str =
    "SELECT id, connection, name, created_at, created_by, last_used_at, revoked_at FROM scim_token";

impl Store {
    /// Creates a token, by the SHA-256 of its secret.
    ///
    /// # Errors
    /// When the store fails, or a token with this id or secret exists.
    pub fn create_scim_token(
        &mut self,
        new: NewScimToken,
        hash: &[u8; 32],
        change: &ChangeBy<'_>,
    ) -> Result<ScimToken, StoreError> {
        let mut transaction = self.database.write()?;
        transaction.execute(
            "INSERT INTO scim_token (id, connection, name, hash, created_at, created_by)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            values![
                &new.id.to_string(),
                new.connection,
                &new.name,
                &hash[..],
                change.at.as_micros(),
                change.actor,
            ],
        )?;
        let after = json!({ "name": new.name }).to_string();
        let entry = Entry::create(target(&new.connection_name, new.id), &after);
        audit::append(&mut transaction, change, &[entry])?;
        transaction.commit()?;
        Ok(ScimToken {
            id: new.id,
            connection: new.connection,
            name: new.name,
            created_at: change.at,
            created_by: change.actor.to_owned(),
            last_used_at: None,
            revoked_at: None,
        })
    }

    /// Returns the token with the secret of this hash, also a revoked one.
    ///
    /// # Errors
    /// When the store fails.
    pub fn scim_token_by_hash(&mut self, hash: &[u8; 32]) -> Result<Option<ScimToken>, StoreError> {
        self.database.first(&format!("{SELECT} WHERE hash = ?1"), values![&hash[..]], token)
    }

    /// Returns the token with this id, also a revoked one.
    ///
    /// # Errors
    /// When the store fails.
    pub fn scim_token(&mut self, id: Uuid) -> Result<Option<ScimToken>, StoreError> {
        self.database.first(&format!("{SELECT} WHERE id = ?1"), values![&id.to_string()], token)
    }

    /// Returns every token of a connection, oldest first.
    ///
    /// # Errors
    /// When the store fails.
    pub fn scim_tokens(&mut self, connection: i64) -> Result<Vec<ScimToken>, StoreError> {
        let sql = format!("{SELECT} WHERE connection = ?1 ORDER BY created_at, id");
        self.database.all(&sql, values![connection], token)
    }

    /// Revokes a token. A revoked token stays unchanged.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] when the connection has no such token.
    pub fn revoke_scim_token(
        &mut self,
        connection: (i64, &str),
        id: Uuid,
        change: &ChangeBy<'_>,
    ) -> Result<(), StoreError> {
        let target = target(connection.1, id);
        let mut transaction = self.database.write()?;
        let sql = format!("{SELECT} WHERE id = ?1 AND connection = ?2");
        let found = transaction.first(&sql, values![&id.to_string(), connection.0], token)?;
        let found = found.ok_or_else(|| StoreError::NotFound { target: target.clone() })?;
        if found.revoked_at.is_some() {
            return Ok(());
        }
        transaction.execute(
            "UPDATE scim_token SET revoked_at = ?2 WHERE id = ?1",
            values![&id.to_string(), change.at.as_micros()],
        )?;
        let before = json!({ "name": found.name }).to_string();
        let entry = Entry { action: "revoke", target, before: Some(before), after: None };
        audit::append(&mut transaction, change, &[entry])?;
        transaction.commit()
    }

    /// Records the use of a token, to the minute. The audit log has no entry of it.
    ///
    /// # Errors
    /// When the store fails.
    pub fn touch_scim_token(&mut self, id: Uuid, at: Instant) -> Result<(), StoreError> {
        last_used::touch(&mut self.database, "scim_token", &id.to_string(), at)
    }
}

fn target(connection: &str, id: Uuid) -> String {
    format!("connections/{connection}/tokens/{id}")
}

fn token(row: &Row<'_>) -> Result<ScimToken, StoreError> {
    let instant = |column| Ok::<_, StoreError>(row.maybe_integer(column)?.map(Instant::from_micros));
    Ok(ScimToken {
        id: Uuid::parse_str(row.text(0)?).expect("ids of tokens are written from UUIDs only"),
        connection: row.integer(1)?,
        name: row.text(2)?.to_owned(),
        created_at: Instant::from_micros(row.integer(3)?),
        created_by: row.text(4)?.to_owned(),
        last_used_at: instant(5)?,
        revoked_at: instant(6)?,
    })
}
