//! Searching the log: newest entries first, by who, what, on which object and when.

use domesday_model::Instant;

use super::read::{entry, fitting};
use super::{AuditEntry, head};
use crate::database::{Database, Value, values};
use crate::{Store, StoreError};

/// Which entries are wanted.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct AuditFilter {
    /// Only what this person or task did.
    pub actor: Option<String>,
    /// Only this action.
    pub action: Option<String>,
    /// Only what was done to one of these objects, each as `KIND/NAME`.
    pub targets: Option<Vec<String>>,
    /// Only what was done to objects of this kind.
    pub kind: Option<String>,
    /// Only what was done from this instant on.
    pub from: Option<Instant>,
    /// Only what was done before this instant.
    pub until: Option<Instant>,
}

/// Where a page begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum AuditPageStart {
    /// With the newest entry.
    #[default]
    Newest,
    /// With the newest entry before this number.
    Before(u64),
    /// With the entries next after this number.
    After(u64),
}

/// A page of entries, newest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditPage {
    /// The entries.
    pub entries: Vec<AuditEntry>,
    /// How many entries the filter selects, on all pages.
    pub total: u64,
    /// Whether the filter selects newer ones.
    pub has_newer: bool,
    /// Whether the filter selects older ones.
    pub has_older: bool,
}

/// A condition in SQL; its values are numbered from 1.
struct Condition {
    sql: String,
    texts: Vec<(usize, String)>,
    numbers: Vec<(usize, i64)>,
}

impl Condition {
    fn new(filter: &AuditFilter) -> Self {
        let AuditFilter { actor, action, targets, kind, from, until } = filter;
        let mut condition = Self { sql: "1 = 1".to_owned(), texts: Vec::new(), numbers: Vec::new() };
        for (column, text) in [("actor", actor), ("action", action)] {
            if let Some(text) = text {
                let place = condition.text(text.clone());
                condition.sql.push_str(&format!(" AND {column} = ?{place}"));
            }
        }
        if let Some(targets) = targets {
            let places: Vec<_> =
                targets.iter().map(|target| format!("?{}", condition.text(target.clone()))).collect();
            // No object has an empty name, and an empty list is no SQL.
            let places = if places.is_empty() { "''".to_owned() } else { places.join(", ") };
            condition.sql.push_str(&format!(" AND target IN ({places})"));
        }
        if let Some(kind) = kind {
            // `0` is the character after `/`.
            let (first, end) = (condition.text(format!("{kind}/")), condition.text(format!("{kind}0")));
            let whole = condition.text(kind.clone());
            condition
                .sql
                .push_str(&format!(" AND (target >= ?{first} AND target < ?{end} OR target = ?{whole})"));
        }
        for (operator, at) in [(">=", from), ("<", until)] {
            if let Some(at) = at {
                let place = condition.number(at.as_micros());
                condition.sql.push_str(&format!(" AND at {operator} ?{place}"));
            }
        }
        condition
    }

    fn text(&mut self, text: String) -> usize {
        let place = self.next_place();
        self.texts.push((place, text));
        place
    }

    fn number(&mut self, number: i64) -> usize {
        let place = self.next_place();
        self.numbers.push((place, number));
        place
    }

    fn next_place(&self) -> usize {
        self.texts.len() + self.numbers.len() + 1
    }

    /// The values in the order of their numbers, with more after them.
    fn values<'v>(&'v self, more: &[Value<'v>]) -> Vec<Value<'v>> {
        let texts = self.texts.iter().map(|(place, text)| (*place, Value::from(text)));
        let numbers = self.numbers.iter().map(|(place, number)| (*place, Value::from(*number)));
        let mut values: Vec<_> = texts.chain(numbers).collect();
        values.sort_by_key(|(place, _)| *place);
        values.into_iter().map(|(_, value)| value).chain(more.iter().copied()).collect()
    }

    fn count(&self, database: &mut Database) -> Result<u64, StoreError> {
        let sql = format!("SELECT count(*) FROM audit WHERE {}", self.sql);
        let count = database.first(&sql, &self.values(&[]), |row| row.integer(0))?;
        Ok(count.and_then(|count| u64::try_from(count).ok()).unwrap_or_default())
    }

    fn exists(&self, database: &mut Database, operator: &str, seq: i64) -> Result<bool, StoreError> {
        let place = self.next_place();
        let sql = format!("SELECT seq FROM audit WHERE {} AND seq {operator} ?{place} LIMIT 1", self.sql);
        Ok(database.first(&sql, &self.values(&[seq.into()]), |_| Ok(()))?.is_some())
    }
}

impl Store {
    /// Returns the entry with a number.
    ///
    /// # Errors
    /// When the store fails.
    pub fn audit_entry(&mut self, seq: u64) -> Result<Option<AuditEntry>, StoreError> {
        let seq = i64::try_from(seq).unwrap_or(i64::MAX);
        self.database.first(
            "SELECT seq, at, actor, action, target, before_value, after_value, from_address, previous, hash
             FROM audit WHERE seq = ?1",
            values![seq],
            entry,
        )
    }

    /// Returns up to `limit` of the entries that a filter selects, newest first. A page ends early as in
    /// [`Store::audit_entries`].
    ///
    /// # Errors
    /// When the store fails.
    pub fn search_audit(
        &mut self,
        filter: &AuditFilter,
        start: AuditPageStart,
        limit: usize,
    ) -> Result<AuditPage, StoreError> {
        let condition = Condition::new(filter);
        let mut transaction = self.database.read()?;
        let total = if *filter == AuditFilter::default() {
            u64::try_from(head(&mut transaction)?.0).unwrap_or_default()
        } else {
            condition.count(&mut transaction)?
        };
        let number = |seq: u64| i64::try_from(seq).unwrap_or(i64::MAX);
        let (operator, from, order) = match start {
            AuditPageStart::Newest => ("<=", i64::MAX, "DESC"),
            AuditPageStart::Before(seq) => ("<", number(seq), "DESC"),
            AuditPageStart::After(seq) => (">", number(seq), "ASC"),
        };
        let (first, second) = (condition.next_place(), condition.next_place() + 1);
        let where_clause = &condition.sql;
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let sizes = transaction.all(
            &format!(
                "SELECT seq, CAST(coalesce(length(before_value), 0) + coalesce(length(after_value), 0) AS BIGINT)
                 FROM audit WHERE {where_clause} AND seq {operator} ?{first} ORDER BY seq {order} LIMIT ?{second}"
            ),
            &condition.values(&[from.into(), limit.into()]),
            |row| Ok((row.integer(0)?, usize::try_from(row.integer(1)?).unwrap_or(usize::MAX))),
        )?;
        let page = fitting(&sizes);
        let ends = (page.iter().map(|(seq, _)| *seq).min(), page.iter().map(|(seq, _)| *seq).max());
        let (Some(oldest), Some(newest)) = ends else {
            let (has_newer, has_older) = match start {
                AuditPageStart::Newest => (false, false),
                AuditPageStart::Before(_) => (total > 0, false),
                AuditPageStart::After(_) => (false, total > 0),
            };
            return Ok(AuditPage { entries: Vec::new(), total, has_newer, has_older });
        };
        let entries = transaction.all(
            &format!(
                "SELECT seq, at, actor, action, target, before_value, after_value, from_address, previous, hash
                 FROM audit WHERE {where_clause} AND seq >= ?{first} AND seq <= ?{second} ORDER BY seq DESC"
            ),
            &condition.values(&[oldest.into(), newest.into()]),
            entry,
        )?;
        Ok(AuditPage {
            entries,
            total,
            has_newer: condition.exists(&mut transaction, ">", newest)?,
            has_older: condition.exists(&mut transaction, "<", oldest)?,
        })
    }
}
