//! Bringing a catalog in: a plan first, then all of it in one transaction.

use std::collections::{BTreeMap, HashMap, HashSet};

use domesday_model::validate::{Severity, validate};
use domesday_model::{Catalog, Instant, Kind, Since, Tenant};
use rusqlite::{Transaction, TransactionBehavior, params};
use uuid::Uuid;

use crate::documents::{Document, add_to_catalog, documents, fields, parse};
use crate::plan::{Action, Change, FieldChange, Plan};
use crate::read::read_tenant;
use crate::{Store, StoreError};

/// How to apply a catalog.
#[derive(Debug, Clone, Copy)]
pub struct ApplyOptions {
    /// When it happens: the creation of everything new that declares none.
    pub at: Instant,
    /// Whether objects that the catalog does not declare are deleted.
    pub prune: bool,
    /// Whether to stop at the plan.
    pub dry_run: bool,
}

/// An object as the store has it.
struct Stored {
    id: i64,
    text: String,
    origin: String,
    created_at: i64,
    since: String,
}

type Current = HashMap<(Kind, String), Stored>;

impl Store {
    /// Applies a valid catalog: creates what is new, updates what differs, deletes the rest when pruning.
    /// Objects are matched by kind and name; applying the same catalog again changes nothing.
    ///
    /// # Errors
    /// When the catalog belongs to another tenant, when objects that stay in the store would refer to what it
    /// takes away, or when the store fails. In each case nothing changes.
    pub fn apply(&mut self, catalog: &Catalog, options: ApplyOptions) -> Result<Plan, StoreError> {
        let mints = self.mints_tenant_id;
        let transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let current = read_current(&transaction)?;
        let documents = documents(catalog);
        let mut plan = Plan::default();
        plan.changes.extend(apply_tenant(&transaction, catalog, options.at, mints)?);

        let mut declared = HashSet::with_capacity(documents.len());
        for document in &documents {
            let key = (document.kind, document.name.clone());
            match current.get(&key) {
                None => {
                    insert(&transaction, document, options.at)?;
                    let Document { kind, name, .. } = document.clone();
                    plan.changes.push(Change { kind, name, action: Action::Create });
                }
                Some(stored) if stored.text == document.text && stored.origin == *document.origin => {
                    plan.unchanged += 1;
                }
                Some(stored) => {
                    update(&transaction, document, stored, options.at)?;
                    match changed_fields(document, stored)? {
                        // It only moved to another file.
                        fields if fields.is_empty() => plan.unchanged += 1,
                        fields => {
                            let Document { kind, name, .. } = document.clone();
                            plan.changes.push(Change { kind, name, action: Action::Update { fields } });
                        }
                    }
                }
            }
            declared.insert(key);
        }

        let mut rest: Vec<_> = current.iter().filter(|(key, _)| !declared.contains(key)).collect();
        rest.sort_unstable_by_key(|((kind, _), stored)| (*kind, stored.id));
        if options.prune {
            for ((kind, name), stored) in rest {
                delete(&transaction, *kind, stored.id)?;
                plan.changes.push(Change { kind: *kind, name: name.clone(), action: Action::Delete });
            }
        } else {
            plan.kept = rest.len();
            let kept: Vec<_> = rest.into_iter().map(|((kind, name), stored)| (*kind, name, stored)).collect();
            check_kept(catalog, &kept)?;
        }
        if options.dry_run {
            transaction.rollback()?;
        } else {
            transaction.commit()?;
        }
        Ok(plan)
    }
}

/// What stays in the store undeclared must still fit what the catalog makes of the rest.
fn check_kept(catalog: &Catalog, kept: &[(Kind, &String, &Stored)]) -> Result<(), StoreError> {
    if kept.is_empty() {
        return Ok(());
    }
    let mut merged = catalog.clone();
    // The names of what is kept, by kind and the position it gets in the merged catalog.
    let mut names: HashMap<(Kind, usize), &str> = HashMap::new();
    for (kind, name, stored) in kept {
        names.insert((*kind, merged.count(*kind)), name);
        add_to_catalog(&mut merged, *kind, name, &stored.text, &stored.origin)?;
    }
    let problems: Vec<_> = validate(&merged)
        .into_iter()
        .filter(|problem| problem.severity == Severity::Error)
        .filter_map(|problem| {
            let name = names.get(&(problem.kind, problem.index))?;
            Some(((*name).to_owned(), problem))
        })
        .collect();
    if problems.is_empty() { Ok(()) } else { Err(StoreError::Inconsistent { problems }) }
}

fn apply_tenant(
    transaction: &Transaction<'_>,
    catalog: &Catalog,
    at: Instant,
    mints: bool,
) -> Result<Option<Change>, StoreError> {
    let declared = catalog.tenant.as_ref().map(|tenant| &tenant.spec);
    let Some((stored, _)) = read_tenant(transaction)? else {
        let tenant = declared.cloned().unwrap_or_else(|| Tenant {
            name: "default".to_owned(),
            time_zone: "UTC".to_owned(),
            id: None,
        });
        let minted = || if mints { Uuid::new_v4() } else { tenant.derived_id() };
        transaction.execute(
            "INSERT INTO tenant (only_one, id, name, time_zone, created_at) VALUES (1, ?1, ?2, ?3, ?4)",
            params![
                tenant.id.unwrap_or_else(minted).to_string(),
                tenant.name,
                tenant.time_zone,
                at.as_micros()
            ],
        )?;
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
    transaction
        .execute("UPDATE tenant SET name = ?1, time_zone = ?2", params![wanted.name, wanted.time_zone])?;
    let document = |tenant: &Tenant| serde_json::to_string(tenant).expect("a tenant is plain data");
    let fields = differing(
        fields(Kind::Tenant, &stored.name, &document(&stored))?,
        fields(Kind::Tenant, &wanted.name, &document(&wanted))?,
    );
    Ok(Some(Change { kind: Kind::Tenant, name: wanted.name, action: Action::Update { fields } }))
}

fn read_current(transaction: &Transaction<'_>) -> Result<Current, StoreError> {
    let mut current = HashMap::new();
    let mut statement =
        transaction.prepare("SELECT kind, name, id, document, origin, created_at, since FROM object")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let kind = Kind::of_key(row.get_ref(0)?.as_str().map_err(rusqlite::Error::from)?)
            .expect("objects are written with the key of their kind");
        let stored = Stored {
            id: row.get(2)?,
            text: row.get(3)?,
            origin: row.get(4)?,
            created_at: row.get(5)?,
            since: row.get(6)?,
        };
        current.insert((kind, row.get(1)?), stored);
    }
    Ok(current)
}

/// Subscription and data policies share one id space.
fn id_space(kind: Kind) -> &'static str {
    match kind {
        Kind::DataPolicy => Kind::Policy.key(),
        other => other.key(),
    }
}

fn next_id(transaction: &Transaction<'_>, space: &str) -> Result<i64, StoreError> {
    let mut statement = transaction.prepare_cached(
        "INSERT INTO id_space (name, last) VALUES (?1, 1)
         ON CONFLICT (name) DO UPDATE SET last = last + 1 RETURNING last",
    )?;
    Ok(statement.query_row([space], |row| row.get(0))?)
}

fn insert(transaction: &Transaction<'_>, document: &Document, at: Instant) -> Result<(), StoreError> {
    let id = next_id(transaction, id_space(document.kind))?;
    let created_at = document.created_at.unwrap_or(at).as_micros();
    transaction
        .prepare_cached(
            "INSERT INTO object (kind, id, name, document, origin, created_at, updated_at, since)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?6, '{}')",
        )?
        .execute(params![
            document.kind.key(),
            id,
            document.name,
            document.text,
            &*document.origin,
            created_at
        ])?;
    write_columns(transaction, id, document)?;
    write_agreement_text(transaction, document)
}

fn update(
    transaction: &Transaction<'_>,
    document: &Document,
    stored: &Stored,
    at: Instant,
) -> Result<(), StoreError> {
    let since = since(document, stored, at)?;
    let changed = stored.text != document.text;
    transaction
        .prepare_cached(
            "UPDATE object SET document = ?3, origin = ?4, created_at = ?5,
                 updated_at = CASE WHEN ?6 THEN ?7 ELSE updated_at END, since = ?8
             WHERE kind = ?1 AND id = ?2",
        )?
        .execute(params![
            document.kind.key(),
            stored.id,
            document.text,
            &*document.origin,
            document.created_at.map_or(stored.created_at, Instant::as_micros),
            changed,
            at.as_micros(),
            serde_json::to_string(&since).expect("instants by text are plain data"),
        ])?;
    write_columns(transaction, stored.id, document)?;
    write_agreement_text(transaction, document)
}

/// The instants of the parts that are younger than their object: what came now, and what came before and is
/// still there.
fn since(document: &Document, stored: &Stored, at: Instant) -> Result<Since, StoreError> {
    let Document { kind, name, parts, .. } = document;
    let mut before = Catalog::default();
    add_to_catalog(&mut before, *kind, name, &stored.text, &stored.origin)?;
    let before = documents(&before).into_iter().find(|before| before.name == *name);
    let before = before.map(|document| document.parts).unwrap_or_default();
    let mut since: Since = parse(*kind, name, &stored.since)?;
    since.0.retain(|part, _| parts.contains(part));
    since.0.extend(parts.difference(&before).map(|part| (part.clone(), at)));
    Ok(since)
}

/// Gives new columns ids and forgets those that are gone; a column that comes back gets a new id.
fn write_columns(transaction: &Transaction<'_>, source: i64, document: &Document) -> Result<(), StoreError> {
    if document.kind != Kind::DataSource {
        return Ok(());
    }
    let mut known = HashSet::new();
    let mut statement =
        transaction.prepare_cached("SELECT name FROM data_column WHERE data_source_id = ?1")?;
    let mut rows = statement.query([source])?;
    while let Some(row) = rows.next()? {
        known.insert(row.get::<_, String>(0)?);
    }
    for column in &document.columns {
        if !known.remove(column) {
            let id = next_id(transaction, "columns")?;
            transaction
                .prepare_cached("INSERT INTO data_column (data_source_id, name, id) VALUES (?1, ?2, ?3)")?
                .execute(params![source, column, id])?;
        }
    }
    for gone in known {
        transaction
            .prepare_cached("DELETE FROM data_column WHERE data_source_id = ?1 AND name = ?2")?
            .execute(params![source, gone])?;
    }
    Ok(())
}

fn write_agreement_text(transaction: &Transaction<'_>, document: &Document) -> Result<(), StoreError> {
    if document.kind != Kind::Agreement {
        return Ok(());
    }
    let agreement: domesday_model::Agreement = parse(document.kind, &document.name, &document.text)?;
    transaction.execute(
        "INSERT INTO agreement_text (name, version, text) VALUES (?1, ?2, ?3)
         ON CONFLICT (name, version) DO UPDATE SET text = ?3",
        params![agreement.name, agreement.version, agreement.text],
    )?;
    Ok(())
}

fn delete(transaction: &Transaction<'_>, kind: Kind, id: i64) -> Result<(), StoreError> {
    transaction.execute("DELETE FROM object WHERE kind = ?1 AND id = ?2", params![kind.key(), id])?;
    if kind == Kind::DataSource {
        transaction.execute("DELETE FROM data_column WHERE data_source_id = ?1", [id])?;
    }
    Ok(())
}

fn changed_fields(document: &Document, stored: &Stored) -> Result<Vec<FieldChange>, StoreError> {
    let Document { kind, name, text, .. } = document;
    Ok(differing(fields(*kind, name, &stored.text)?, fields(*kind, name, text)?))
}

fn differing(
    mut before: BTreeMap<String, serde_json::Value>,
    after: BTreeMap<String, serde_json::Value>,
) -> Vec<FieldChange> {
    let mut changes = Vec::new();
    for (field, after) in after {
        let before = before.remove(&field);
        if before.as_ref() != Some(&after) {
            changes.push(FieldChange { field, before, after: Some(after) });
        }
    }
    changes.extend(before.into_iter().map(|(field, before)| FieldChange {
        field,
        before: Some(before),
        after: None,
    }));
    changes
}
