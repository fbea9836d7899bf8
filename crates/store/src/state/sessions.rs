//! Sessions of the console, and the links that sign in the operator at the first start. Only the SHA-256 of a token is
//! stored. Whether a session is still valid is decided by the service, which knows how long sessions last.

use domesday_model::{Instant, UserId};
use serde_json::json;
use uuid::Uuid;

use crate::audit::{self, Entry};
use crate::database::{Database, Row, Value, values};
use crate::{ChangeBy, Store, StoreError};

use super::last_used;

/// How a session began.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SignInMethod {
    /// With an API key.
    Key,
    /// With the link of the first start.
    Link,
    /// By single sign-on with a provider of OpenID Connect.
    Oidc,
}

impl SignInMethod {
    fn as_str(self) -> &'static str {
        match self {
            Self::Key => "KEY",
            Self::Link => "LINK",
            Self::Oidc => "OIDC",
        }
    }

    fn parse(text: &str) -> Self {
        match text {
            "LINK" => Self::Link,
            "OIDC" => Self::Oidc,
            _ => Self::Key,
        }
    }
}

/// A session, without its token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// Its id.
    pub id: Uuid,
    /// The API key that it has its rights from; none when it has them from its user.
    pub api_key: Option<Uuid>,
    /// The user; none for the operator.
    pub user: Option<UserId>,
    /// How it began.
    pub method: SignInMethod,
    /// The client's address when it began.
    pub address: String,
    /// The `User-Agent` header when it began.
    pub browser: String,
    /// When it began.
    pub created_at: Instant,
    /// When it was last used, to the minute.
    pub last_used_at: Instant,
}

/// A session to be created.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewSession {
    /// Its id.
    pub id: Uuid,
    /// The API key that it has its rights from; none when it has them from its user.
    pub api_key: Option<Uuid>,
    /// The user; none for the operator.
    pub user: Option<UserId>,
    /// How it begins.
    pub method: SignInMethod,
    /// The client's address.
    pub address: String,
    /// The `User-Agent` header.
    pub browser: String,
}

const SELECT: &str =
    "SELECT id, api_key, user_id, method, address, browser, created_at, last_used_at FROM session";

impl Store {
    /// Creates a session, which is found by the SHA-256 of its token. From then on no link signs anybody in.
    ///
    /// # Errors
    /// When the store fails, or a session of this id or token exists.
    pub fn create_session(
        &mut self,
        new: NewSession,
        hash: &[u8; 32],
        change: &ChangeBy<'_>,
    ) -> Result<Session, StoreError> {
        let at = change.at.as_micros();
        let api_key = new.api_key.map(|key| key.to_string());
        let mut transaction = self.database.write()?;
        transaction.execute(
            "INSERT INTO session (id, hash, api_key, user_id, method, address, browser, created_at, last_used_at)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?8)",
            values![
                &new.id.to_string(),
                &hash[..],
                api_key.as_deref(),
                new.user.map(|user| user.0),
                new.method.as_str(),
                &new.address,
                &new.browser,
                at,
            ],
        )?;
        transaction.execute(
            "INSERT INTO first_sign_in (only_one, at) VALUES (1, ?1) ON CONFLICT (only_one) DO NOTHING",
            values![at],
        )?;
        transaction.execute("DELETE FROM sign_in_link", &[])?;
        let after = json!({ "apiKey": new.api_key, "method": new.method.as_str(), "browser": new.browser });
        audit::append(&mut transaction, change, &[Entry::create(target(new.id), &after.to_string())])?;
        transaction.commit()?;
        Ok(Session {
            id: new.id,
            api_key: new.api_key,
            user: new.user,
            method: new.method,
            address: new.address,
            browser: new.browser,
            created_at: change.at,
            last_used_at: change.at,
        })
    }

    /// Returns the session with this token.
    ///
    /// # Errors
    /// When the store fails.
    pub fn session_by_hash(&mut self, hash: &[u8; 32]) -> Result<Option<Session>, StoreError> {
        self.database.first(&format!("{SELECT} WHERE hash = ?1"), values![&hash[..]], session)
    }

    /// Returns the session with this id.
    ///
    /// # Errors
    /// When the store fails.
    pub fn session(&mut self, id: Uuid) -> Result<Option<Session>, StoreError> {
        self.database.first(&format!("{SELECT} WHERE id = ?1"), values![&id.to_string()], session)
    }

    /// Returns every session of a user, or every session of the operator, newest first.
    ///
    /// # Errors
    /// When the store fails.
    pub fn sessions_of(&mut self, user: Option<UserId>) -> Result<Vec<Session>, StoreError> {
        let order = "ORDER BY created_at DESC, id";
        match user {
            Some(user) => {
                let sql = format!("{SELECT} WHERE user_id = ?1 {order}");
                self.database.all(&sql, values![user.0], session)
            }
            None => self.database.all(&format!("{SELECT} WHERE user_id IS NULL {order}"), &[], session),
        }
    }

    /// Ends a session. One that has ended already stays as it is.
    ///
    /// # Errors
    /// When the store fails.
    pub fn end_session(&mut self, id: Uuid, change: &ChangeBy<'_>) -> Result<(), StoreError> {
        let mut transaction = self.database.write()?;
        let sql = format!("{SELECT} WHERE id = ?1");
        let Some(found) = transaction.first(&sql, values![&id.to_string()], session)? else {
            return Ok(());
        };
        keep_last_seen(&mut transaction, "id = ?1", values![&id.to_string()])?;
        transaction.execute("DELETE FROM session WHERE id = ?1", values![&id.to_string()])?;
        let before = json!({ "apiKey": found.api_key, "method": found.method.as_str() }).to_string();
        audit::append(&mut transaction, change, &[Entry::delete(target(id), &before)])?;
        transaction.commit()
    }

    /// Deletes sessions that began before one instant or were last used before another. They have expired, so this is
    /// no change that the audit log contains.
    ///
    /// # Errors
    /// When the store fails.
    pub fn delete_expired_sessions(&mut self, began: Instant, used: Instant) -> Result<u64, StoreError> {
        let values = values![began.as_micros(), used.as_micros()];
        let expired = "created_at < ?1 OR last_used_at < ?2";
        let mut transaction = self.database.write()?;
        keep_last_seen(&mut transaction, expired, values)?;
        let deleted = transaction.execute(&format!("DELETE FROM session WHERE {expired}"), values)?;
        transaction.commit()?;
        Ok(deleted)
    }

    /// Records that a session was used, to the minute. No change that the audit log contains.
    ///
    /// # Errors
    /// When the store fails.
    pub fn touch_session(&mut self, id: Uuid, at: Instant) -> Result<(), StoreError> {
        last_used::touch(&mut self.database, "session", &id.to_string(), at)
    }

    /// Returns whether somebody has ever signed in.
    ///
    /// # Errors
    /// When the store fails.
    pub fn has_signed_in(&mut self) -> Result<bool, StoreError> {
        Ok(self.database.first("SELECT 1 FROM first_sign_in", &[], |_| Ok(()))?.is_some())
    }

    /// Creates a link that signs in the operator, which is found by the SHA-256 of its token. Links that expired are
    /// deleted.
    ///
    /// # Errors
    /// When the store fails, or a link of this token exists.
    pub fn create_sign_in_link(
        &mut self,
        hash: &[u8; 32],
        expires_at: Instant,
        now: Instant,
    ) -> Result<(), StoreError> {
        let mut transaction = self.database.write()?;
        let sql = "DELETE FROM sign_in_link WHERE expires_at <= ?1";
        transaction.execute(sql, values![now.as_micros()])?;
        transaction.execute(
            "INSERT INTO sign_in_link (hash, expires_at) VALUES (?1, ?2)",
            values![&hash[..], expires_at.as_micros()],
        )?;
        transaction.commit()
    }

    /// Uses up a link, and returns whether it was valid.
    ///
    /// # Errors
    /// When the store fails.
    pub fn take_sign_in_link(&mut self, hash: &[u8; 32], now: Instant) -> Result<bool, StoreError> {
        let sql = "DELETE FROM sign_in_link WHERE hash = ?1 AND expires_at > ?2
             AND NOT EXISTS (SELECT 1 FROM first_sign_in)";
        Ok(self.database.execute(sql, values![&hash[..], now.as_micros()])? > 0)
    }

    /// Uses up a state of single sign-on by its SHA-256, and returns whether it was not used before. States that expired
    /// are deleted.
    ///
    /// # Errors
    /// When the store fails.
    pub fn use_sign_in_state(
        &mut self,
        hash: &[u8; 32],
        expires_at: Instant,
        now: Instant,
    ) -> Result<bool, StoreError> {
        let mut transaction = self.database.write()?;
        let sql = "DELETE FROM used_sign_in_state WHERE expires_at <= ?1";
        transaction.execute(sql, values![now.as_micros()])?;
        let sql =
            "INSERT INTO used_sign_in_state (hash, expires_at) VALUES (?1, ?2) ON CONFLICT (hash) DO NOTHING";
        let is_new = transaction.execute(sql, values![&hash[..], expires_at.as_micros()])? > 0;
        transaction.commit()?;
        Ok(is_new)
    }
}

/// Keeps when the users of sessions that end were last seen.
fn keep_last_seen(database: &mut Database, ending: &str, values: &[Value<'_>]) -> Result<(), StoreError> {
    let sql = format!(
        "INSERT INTO last_seen (user_id, at)
             SELECT user_id, max(last_used_at) FROM session WHERE user_id IS NOT NULL AND ({ending}) GROUP BY user_id
         ON CONFLICT (user_id) DO UPDATE SET at = excluded.at WHERE excluded.at > last_seen.at"
    );
    database.execute(&sql, values).map(drop)
}

fn target(id: Uuid) -> String {
    format!("sessions/{id}")
}

fn session(row: &Row<'_>) -> Result<Session, StoreError> {
    let api_key = row.maybe_text(1)?;
    Ok(Session {
        id: Uuid::parse_str(row.text(0)?).expect("ids of sessions are written from UUIDs only"),
        api_key: api_key.map(|text| Uuid::parse_str(text).expect("ids of keys are written from UUIDs only")),
        user: row.maybe_integer(2)?.map(UserId),
        method: SignInMethod::parse(row.text(3)?),
        address: row.text(4)?.to_owned(),
        browser: row.text(5)?.to_owned(),
        created_at: Instant::from_micros(row.integer(6)?),
        last_used_at: Instant::from_micros(row.integer(7)?),
    })
}
