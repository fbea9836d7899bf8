//! API keys: who may call the service. Only the SHA-256 of a key is stored, not the key itself.

use domesday_model::{Instant, Permission, UserId};
use serde_json::json;
use uuid::Uuid;

use crate::audit::{self, Entry};
use crate::database::{Row, values};
use crate::{ChangeBy, Store, StoreError};

use super::last_used;

/// An API key, without its secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiKey {
    /// Its id.
    pub id: Uuid,
    /// Its name.
    pub name: String,
    /// The name of its owner when it was created: a username, or `administrator`.
    pub owner: String,
    /// The user it belongs to, who may no longer exist; `None` for a key of the operator.
    pub user: Option<UserId>,
    /// Its permissions, at most.
    pub permissions: Vec<Permission>,
    /// Whether it also has what follows from its owner's roles: domains that they manage, data sources that they own,
    /// requests that they review. A key that was restricted to some permissions does not.
    pub roles: bool,
    /// The other user who created it, or created the key that created it: they may know its secret.
    pub made_by: Option<UserId>,
    /// When it was created.
    pub created_at: Instant,
    /// When it expires. `None`: never.
    pub expires_at: Option<Instant>,
    /// When it was last used, to the minute.
    pub last_used_at: Option<Instant>,
    /// When it was revoked.
    pub revoked_at: Option<Instant>,
}

impl ApiKey {
    /// Whether the key is neither revoked nor expired at an instant.
    #[must_use]
    pub fn is_valid(&self, at: Instant) -> bool {
        self.revoked_at.is_none() && self.expires_at.is_none_or(|end| end > at)
    }
}

/// An API key to be created.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewApiKey {
    /// Its id.
    pub id: Uuid,
    /// Its name.
    pub name: String,
    /// The name of its owner: a username, or `administrator`.
    pub owner: String,
    /// The user it belongs to; `None` for a key of the operator.
    pub user: Option<UserId>,
    /// Its permissions, at most.
    pub permissions: Vec<Permission>,
    /// Whether it has what follows from its owner's roles.
    pub roles: bool,
    /// The other user who creates it, or created the key that creates it.
    pub made_by: Option<UserId>,
    /// When it expires. `None`: never.
    pub expires_at: Option<Instant>,
}

const SELECT: &str =
    "SELECT id, name, owner, permissions, created_at, expires_at, last_used_at, revoked_at, user_id,
     roles, made_by FROM api_key";

impl Store {
    /// Creates a key, by the SHA-256 of its secret.
    ///
    /// # Errors
    /// When the store fails, or a key with this id or secret exists.
    pub fn create_api_key(
        &mut self,
        new: NewApiKey,
        hash: &[u8; 32],
        change: &ChangeBy<'_>,
    ) -> Result<ApiKey, StoreError> {
        let permissions = json!(new.permissions).to_string();
        let after = json!({
            "name": new.name, "owner": new.owner, "permissions": new.permissions, "roles": new.roles,
            "expiresAt": new.expires_at
        });
        let mut transaction = self.database.write()?;
        transaction.execute(
            "INSERT INTO api_key (id, name, owner, hash, permissions, created_at, expires_at, user_id, roles,
                 made_by)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
            values![
                &new.id.to_string(),
                &new.name,
                &new.owner,
                &hash[..],
                &permissions,
                change.at.as_micros(),
                new.expires_at.map(Instant::as_micros),
                new.user.map(|user| user.0),
                i64::from(new.roles),
                new.made_by.map(|user| user.0),
            ],
        )?;
        let entry = Entry::create(target(new.id), &after.to_string());
        audit::append(&mut transaction, change, &[entry])?;
        transaction.commit()?;
        Ok(ApiKey {
            id: new.id,
            name: new.name,
            owner: new.owner,
            user: new.user,
            permissions: new.permissions,
            roles: new.roles,
            made_by: new.made_by,
            created_at: change.at,
            expires_at: new.expires_at,
            last_used_at: None,
            revoked_at: None,
        })
    }

    /// Returns the key with the secret of this hash, also a revoked or expired one: check [`ApiKey::is_valid`].
    ///
    /// # Errors
    /// When the store fails.
    pub fn api_key_by_hash(&mut self, hash: &[u8; 32]) -> Result<Option<ApiKey>, StoreError> {
        self.database.first(&format!("{SELECT} WHERE hash = ?1"), values![&hash[..]], key)
    }

    /// Returns the key with this id, also a revoked or expired one.
    ///
    /// # Errors
    /// When the store fails.
    pub fn api_key(&mut self, id: Uuid) -> Result<Option<ApiKey>, StoreError> {
        self.database.first(&format!("{SELECT} WHERE id = ?1"), values![&id.to_string()], key)
    }

    /// Returns every key of a user, or of the operator, oldest first. Keys of an earlier user with the same name are not
    /// included.
    ///
    /// # Errors
    /// When the store fails.
    pub fn api_keys_of(&mut self, user: Option<UserId>) -> Result<Vec<ApiKey>, StoreError> {
        match user {
            Some(user) => {
                let sql = format!("{SELECT} WHERE user_id = ?1 ORDER BY created_at, id");
                self.database.all(&sql, values![user.0], key)
            }
            None => {
                let sql = format!("{SELECT} WHERE user_id IS NULL ORDER BY created_at, id");
                self.database.all(&sql, &[], key)
            }
        }
    }

    /// Returns every key, or every key whose owner has or had this name, oldest first.
    ///
    /// # Errors
    /// When the store fails.
    pub fn api_keys(&mut self, owner: Option<&str>) -> Result<Vec<ApiKey>, StoreError> {
        match owner {
            Some(owner) => {
                let sql = format!("{SELECT} WHERE owner = ?1 ORDER BY created_at, id");
                self.database.all(&sql, values![owner], key)
            }
            None => self.database.all(&format!("{SELECT} ORDER BY created_at, id"), &[], key),
        }
    }

    /// Revokes a key. A revoked key stays unchanged.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] when there is no such key.
    pub fn revoke_api_key(&mut self, id: Uuid, change: &ChangeBy<'_>) -> Result<(), StoreError> {
        let mut transaction = self.database.write()?;
        let found = transaction.first(&format!("{SELECT} WHERE id = ?1"), values![&id.to_string()], key)?;
        let found = found.ok_or_else(|| StoreError::NotFound { target: target(id) })?;
        if found.revoked_at.is_some() {
            return Ok(());
        }
        transaction.execute(
            "UPDATE api_key SET revoked_at = ?2 WHERE id = ?1",
            values![&id.to_string(), change.at.as_micros()],
        )?;
        let before = json!({ "name": found.name, "owner": found.owner }).to_string();
        let entry = Entry { action: "revoke", target: target(id), before: Some(before), after: None };
        audit::append(&mut transaction, change, &[entry])?;
        transaction.commit()
    }

    /// Records the use of a key, to the minute. The audit log has no entry of it.
    ///
    /// # Errors
    /// When the store fails.
    pub fn touch_api_key(&mut self, id: Uuid, at: Instant) -> Result<(), StoreError> {
        last_used::touch(&mut self.database, "api_key", &id.to_string(), at)
    }
}

fn target(id: Uuid) -> String {
    format!("apiKeys/{id}")
}

fn key(row: &Row<'_>) -> Result<ApiKey, StoreError> {
    let instant = |column| Ok::<_, StoreError>(row.maybe_integer(column)?.map(Instant::from_micros));
    Ok(ApiKey {
        id: Uuid::parse_str(row.text(0)?).expect("ids of keys are written from UUIDs only"),
        name: row.text(1)?.to_owned(),
        owner: row.text(2)?.to_owned(),
        permissions: serde_json::from_str(row.text(3)?)
            .expect("permissions are written from permissions only"),
        created_at: Instant::from_micros(row.integer(4)?),
        expires_at: instant(5)?,
        last_used_at: instant(6)?,
        revoked_at: instant(7)?,
        user: row.maybe_integer(8)?.map(UserId),
        roles: row.integer(9)? != 0,
        made_by: row.maybe_integer(10)?.map(UserId),
    })
}
