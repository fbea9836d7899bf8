//! Queries for requests, by participant and by status, without reading every document.

use std::collections::BTreeSet;

use domesday_model::{Kind, Request, RequestStatus, Target};

use crate::database::{Value, values};
use crate::page_size::MAX_PAGE_CHARACTERS;
use crate::{Store, StoreError};

use super::documents::parse;
use super::objects::{ObjectPage, object, page};
use super::records;
use super::request_index::{asset, status_text, subject};

impl Store {
    /// Returns up to `limit` requests after the id `after`, ordered by id; only those with a status, when one is given. A
    /// page ends early as in [`Store::object_page`].
    ///
    /// # Errors
    /// When the store fails.
    pub fn request_page(
        &mut self,
        status: Option<RequestStatus>,
        after: Option<&str>,
        limit: usize,
    ) -> Result<ObjectPage, StoreError> {
        match status {
            None => self.object_page(Kind::Request, after, limit),
            Some(status) => {
                let status = status_text(status);
                let of_status = "AND name IN (SELECT name FROM request_state WHERE status = ?4)";
                page(&mut self.database, Kind::Request, after, limit, of_status, &[Value::from(&status)])
            }
        }
    }

    /// Returns the ids of the requests in which a user takes part: made by or for them or, unless `only_party`, decided by
    /// them.
    ///
    /// # Errors
    /// When the store fails.
    pub fn request_names(
        &mut self,
        username: &str,
        only_party: bool,
        status: Option<RequestStatus>,
    ) -> Result<BTreeSet<String>, StoreError> {
        if username.contains('\0') {
            return Ok(BTreeSet::new());
        }
        let status = status.map(status_text).unwrap_or_default();
        let names = self.database.all(
            "SELECT DISTINCT name FROM request_part WHERE username = ?1 AND is_party >= ?2
                 AND (?3 = '' OR name IN (SELECT name FROM request_state WHERE status = ?3))",
            values![username, i64::from(only_party), &status],
            |row| Ok(row.text(0)?.to_owned()),
        )?;
        Ok(names.into_iter().collect())
    }

    /// Whether a user takes part in a request: made it, is its user or, unless `only_party`, decided it.
    ///
    /// # Errors
    /// When the store fails.
    pub fn has_part_in_request(
        &mut self,
        name: &str,
        username: &str,
        only_party: bool,
    ) -> Result<bool, StoreError> {
        if name.contains('\0') || username.contains('\0') {
            return Ok(false);
        }
        let sql = "SELECT count(*) FROM request_part WHERE name = ?1 AND username = ?2 AND is_party >= ?3";
        let only_party = i64::from(only_party);
        let count = self.database.first(sql, values![name, username, only_party], |row| row.integer(0))?;
        Ok(count.unwrap_or_default() > 0)
    }

    /// Returns the targets of pending requests.
    ///
    /// # Errors
    /// When the store fails.
    pub fn pending_targets(&mut self) -> Result<Vec<Target>, StoreError> {
        let sql = "SELECT DISTINCT asset FROM request_state WHERE status = 'pending' ORDER BY asset";
        self.database.all(sql, &[], |row| parse(Kind::Request, "", row.text(0)?))
    }

    /// Calls `with` for each pending request for a target.
    ///
    /// # Errors
    /// Those of `with` and of the store.
    pub fn each_pending_request(
        &mut self,
        target: &Target,
        with: &mut dyn FnMut(Request) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        let asset = asset(target);
        self.database.each(
            "SELECT name, document FROM object WHERE kind = ?1 AND name IN
                 (SELECT name FROM request_state WHERE status = 'pending' AND asset = ?2) ORDER BY name",
            values![Kind::Request.key(), &asset],
            &mut |row| with(parse(Kind::Request, row.text(0)?, row.text(1)?)?),
        )
    }

    /// Returns how many pending requests a user made.
    ///
    /// # Errors
    /// When the store fails.
    pub fn count_pending_requests(&mut self, made_by: &str) -> Result<u64, StoreError> {
        let sql = "SELECT count(*) FROM request_state WHERE made_by = ?1 AND status = 'pending'";
        let count = self.database.first(sql, values![made_by], |row| row.integer(0))?;
        Ok(count.and_then(|count| u64::try_from(count).ok()).unwrap_or_default())
    }

    /// Returns the first pending request, by id, for the same thing and the same user.
    ///
    /// # Errors
    /// When the store fails.
    pub fn pending_request_like(&mut self, request: &Request) -> Result<Option<String>, StoreError> {
        self.database.first(
            "SELECT min(name) FROM request_state
             WHERE username = ?1 AND status = 'pending' AND subject = ?2 AND name <> ?3 HAVING count(*) > 0",
            values![&request.user, &subject(request), &request.id],
            |row| Ok(row.text(0)?.to_owned()),
        )
    }

    /// Returns up to `limit` of the named requests after the id `after`, ordered by id. A page ends early as in
    /// [`Store::object_page`].
    ///
    /// # Errors
    /// When the store fails.
    pub fn requests_named(
        &mut self,
        names: &BTreeSet<String>,
        after: Option<&str>,
        limit: usize,
    ) -> Result<ObjectPage, StoreError> {
        let after = after.unwrap_or_default();
        let mut transaction = self.database.read()?;
        let mut found = ObjectPage { total: names.len() as u64, is_last: true, objects: Vec::new() };
        let mut characters = 0;
        for name in names.iter().filter(|name| name.as_str() > after) {
            if found.objects.len() == limit {
                found.is_last = false;
                break;
            }
            let Some(stored) = records::find(&mut transaction, Kind::Request, name)? else { continue };
            characters += stored.text.len();
            if characters > MAX_PAGE_CHARACTERS && !found.objects.is_empty() {
                found.is_last = false;
                break;
            }
            found.objects.push(object(Kind::Request, name.clone(), &stored)?);
        }
        Ok(found)
    }
}
