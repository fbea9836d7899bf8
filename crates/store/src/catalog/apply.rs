//! Applying a catalog: a plan, then all changes in one transaction.

use std::collections::{HashMap, HashSet};

use domesday_model::layers::is_layered;
use domesday_model::validate::{LISTED, Severity, validate_relations};
use domesday_model::{Catalog, Kind};

use crate::audit::{self, Entry};
use crate::database::{Database, Transaction, values};
use crate::{ChangeBy, Store, StoreError};

use super::applied::{Applied, ApplyOptions, Current, ObjectChange};
use super::apply_layers::FileLayers;
use super::audit_entries::{creation, target};
use super::documents::{Document, add_to_catalog, documents};
use super::layers::end_listing;
use super::plan::{Action, Plan};
use super::records::{self, Stored, stored_columns};
use super::{revision, tenant};

impl Store {
    /// Applies a valid catalog: creates new objects, updates those that differ, and when pruning deletes the others.
    /// Objects are matched by kind and name; applying the same catalog again changes nothing. The audit log of a persistent
    /// store records the actor `command line`.
    ///
    /// # Errors
    /// When the catalog belongs to another tenant, when objects that stay would refer to deleted ones, or when the store
    /// fails. Nothing is changed then.
    pub fn apply(&mut self, catalog: &Catalog, options: ApplyOptions) -> Result<Plan, StoreError> {
        let change = ChangeBy { actor: "command line", origin: "", from: None, at: options.at };
        let audited = self.is_persistent().then_some(&change);
        Ok(self.apply_in_transaction(catalog, options, audited, false)?.0)
    }

    /// Applies a catalog as [`Store::apply`] does; the audit log records the actor of the change. Objects keep their
    /// origins in the catalog; `change.at` and `options.at` are the same instant.
    ///
    /// # Errors
    /// As [`Store::apply`].
    pub fn apply_by(
        &mut self,
        catalog: &Catalog,
        options: ApplyOptions,
        change: &ChangeBy<'_>,
    ) -> Result<Plan, StoreError> {
        Ok(self.apply_in_transaction(catalog, options, Some(change), false)?.0)
    }

    /// Applies a catalog as [`Store::apply_by`] does, if `authorize` accepts every change. It runs in the transaction, after
    /// the changes, also for a dry run; when it fails nothing is changed.
    ///
    /// # Errors
    /// As [`Store::apply`], and those of `authorize`.
    pub fn apply_authorized<E: From<StoreError>>(
        &mut self,
        catalog: &Catalog,
        options: ApplyOptions,
        change: &ChangeBy<'_>,
        authorize: impl FnOnce(&mut Self, &[ObjectChange]) -> Result<(), E>,
    ) -> Result<Plan, E> {
        let applied = self.exclusive_transaction(|store| {
            let for_real = ApplyOptions { dry_run: false, ..options };
            let (plan, changes) = store.apply_in_transaction(catalog, for_real, Some(change), true)?;
            authorize(store, &changes).map_err(Rollback::Refused)?;
            if options.dry_run { Err(Rollback::DryRun(plan)) } else { Ok(plan) }
        });
        applied.or_else(|rollback| match rollback {
            Rollback::DryRun(plan) => Ok(plan),
            Rollback::Refused(error) => Err(error),
        })
    }

    fn apply_in_transaction(
        &mut self,
        catalog: &Catalog,
        options: ApplyOptions,
        change: Option<&ChangeBy<'_>>,
        keep_versions: bool,
    ) -> Result<(Plan, Vec<ObjectChange>), StoreError> {
        let has_random_id = self.is_persistent();
        let documents = documents(catalog);
        documents.iter().try_for_each(records::check_storable)?;
        let mut transaction = self.database.write()?;
        let mut applied = Applied { keep_versions, ..Applied::default() };
        applied.tenant(tenant::apply(&mut transaction, catalog, options.at, has_random_id)?);
        apply_objects(&mut transaction, catalog, &documents, options, &mut applied)?;
        for connection in applied.deleted(Kind::Connection) {
            let by = ChangeBy { actor: "command line", origin: "", from: None, at: options.at };
            end_listing(&mut transaction, &connection, change.unwrap_or(&by))?;
        }
        if options.dry_run {
            return Ok((applied.plan, applied.objects));
        }
        if applied.changes {
            revision::advance(&mut transaction, Kind::ALL)?;
        }
        if let Some(change) = change {
            audit::append(&mut transaction, change, &applied.entries)?;
        }
        transaction.commit()?;
        Ok((applied.plan, applied.objects))
    }
}

/// Why an apply is rolled back.
enum Rollback<E> {
    DryRun(Plan),
    Refused(E),
}

impl<E: From<StoreError>> From<StoreError> for Rollback<E> {
    fn from(error: StoreError) -> Self {
        Self::Refused(error.into())
    }
}

fn apply_objects(
    transaction: &mut Transaction<'_>,
    catalog: &Catalog,
    documents: &[Document],
    options: ApplyOptions,
    applied: &mut Applied,
) -> Result<(), StoreError> {
    let current = read_current(transaction)?;
    let mut declared = HashSet::with_capacity(documents.len());
    let mut new = Vec::new();
    let mut files = FileLayers::read(transaction, documents, &current)?;
    for document in documents {
        let (kind, name) = (document.kind, document.name.as_str());
        if is_layered(kind) {
            files.apply(transaction, document, &current, options, applied, &mut declared)?;
            continue;
        }
        let key = (kind, document.name.clone());
        match current.get(&key) {
            None => {
                new.push(document);
                applied.object(kind, name, Action::Create, creation(document));
                applied.versions(kind, name, None, Some(document))?;
            }
            Some(stored) if stored.text == document.text && stored.origin == *document.origin => {
                applied.plan.unchanged += 1;
            }
            Some(stored) => {
                records::update(transaction, document, stored, options.at)?;
                applied.updated(document, stored)?;
            }
        }
        declared.insert(key);
    }
    records::insert(transaction, &new, options.at)?;
    files.insert(transaction, options)?;

    let mut rest: Vec<_> = current.iter().filter(|(key, _)| !declared.contains(*key)).collect();
    rest.sort_unstable_by_key(|((kind, _), stored)| (*kind, stored.id));
    let mut kept = Vec::with_capacity(rest.len());
    for ((kind, name), stored) in rest {
        let is_kept = !options.prune || files.keeps(*kind, stored);
        if is_kept {
            kept.push((*kind, name, stored));
        } else if is_layered(*kind) {
            files.prune(transaction, *kind, name, stored, options, applied)?;
        } else {
            records::delete(transaction, *kind, stored.id)?;
            let entry = Entry::delete(target(*kind, name), &stored.text);
            applied.object(*kind, name, Action::Delete, entry);
            applied.versions(*kind, name, Some(stored), None)?;
        }
    }
    applied.plan.kept = kept.len();
    let mut texts: Vec<_> =
        kept.into_iter().map(|(kind, name, it)| (kind, name.clone(), it.text.clone())).collect();
    if !files.has_others() {
        return check_kept(catalog, &texts);
    }
    // What the files no longer declare may be named by what others say of declared objects.
    texts.retain(|(kind, ..)| !is_layered(*kind));
    for kind in Kind::ALL.into_iter().filter(|kind| is_layered(*kind)) {
        let sql = "SELECT name, document FROM object WHERE kind = ?1 ORDER BY id";
        texts.extend(transaction.all(sql, values![kind.key()], |row| {
            Ok((kind, row.text(0)?.to_owned(), row.text(1)?.to_owned()))
        })?);
    }
    let others =
        Catalog { groups: Vec::new(), users: Vec::new(), data_sources: Vec::new(), ..catalog.clone() };
    check_kept(&others, &texts)
}

/// Checks that the objects that stay are consistent with the declared ones after the apply.
fn check_kept(catalog: &Catalog, kept: &[(Kind, String, String)]) -> Result<(), StoreError> {
    if kept.is_empty() {
        return Ok(());
    }
    let mut merged = catalog.clone();
    // The names of the kept objects, by kind and position in the merged catalog.
    let mut names: HashMap<(Kind, usize), &str> = HashMap::new();
    for (kind, name, text) in kept {
        names.insert((*kind, merged.count(*kind)), name);
        add_to_catalog(&mut merged, *kind, name, text, "")?;
    }
    // Objects stored before a bound existed may stay: only references can break.
    let mut errors = validate_relations(&merged);
    errors.retain(|problem| problem.severity == Severity::Error);
    // A full list may leave out the errors of kept objects.
    if let Some(first) = errors.first()
        && errors.len() == LISTED
    {
        return Err(StoreError::Inconsistent {
            problems: vec![(first.kind.key().to_owned(), first.clone())],
        });
    }
    let problems: Vec<_> = errors
        .into_iter()
        .filter_map(|problem| {
            let name = names.get(&(problem.kind, problem.index))?;
            Some(((*name).to_owned(), problem))
        })
        .collect();
    if problems.is_empty() { Ok(()) } else { Err(StoreError::Inconsistent { problems }) }
}

fn read_current(database: &mut Database) -> Result<Current, StoreError> {
    let mut current = HashMap::new();
    let sql = concat!("SELECT kind, name, ", stored_columns!(), " FROM object");
    database.each(sql, &[], &mut |row| {
        let kind = Kind::of_key(row.text(0)?).expect("objects are written with the key of their kind");
        current.insert((kind, row.text(1)?.to_owned()), Stored::from_row(row, 2)?);
        Ok(())
    })?;
    Ok(current)
}
