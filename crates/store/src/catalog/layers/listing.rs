//! A connection's layer as a whole: everything that one complete read listed.

use std::collections::{BTreeMap, HashMap, HashSet};

use domesday_model::layers::{Document, Origin, PARTIAL_COLUMNS};
use domesday_model::privileges::ObservedDatabase;
use domesday_model::{DataSource, Group, Kind, MaxGone, User};
use serde_json::Value;

use super::changes::{checked, name_of};
use super::effective::NewObject;
use super::find::is_elsewhere;
use super::known::{FreeNames, known, recognized};
use super::rows::{self, LayerRow};
use super::writer::{Writer, Written};
use crate::catalog::privileges;
use crate::database::Database;
use crate::{ChangeBy, FieldChange, Store, StoreError};

/// What a complete read of a connection listed, each object with what the source identifies it by.
#[derive(Debug, Clone, Default)]
pub struct Listing {
    /// Groups.
    pub groups: Vec<(Option<String>, Group)>,
    /// Users, with the groups that the source gives.
    pub users: Vec<(Option<String>, User)>,
    /// Data sources with their columns.
    pub data_sources: Vec<(Option<String>, DataSource)>,
    /// The keys of data sources of which the connection does not know every column.
    pub partial_columns: HashSet<String>,
    /// The privileges of the database, where one was read. The people to whom owning roles belong become owners of the
    /// data sources.
    pub privileges: Option<ObservedDatabase>,
}

/// How to take over a listing.
#[derive(Debug, Clone, Copy)]
pub struct ListingOptions {
    /// Whether to return what would change, and change nothing.
    pub dry_run: bool,
    /// Which share of the users or data sources may be gone.
    pub max_gone: Option<MaxGone>,
}

/// What a listing did to the objects of a kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct KindCounts {
    /// How many the connection listed.
    pub read: u64,
    /// How many are new.
    pub created: u64,
    /// Of how many something else was listed than before.
    pub changed: u64,
    /// How many are as before.
    pub unchanged: u64,
    /// How many are no longer listed.
    pub gone: u64,
    /// How many were left out.
    pub skipped: u64,
}

/// What happens to an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SyncAction {
    /// It is created.
    Create,
    /// What the connection says of it changes, and these fields of the effective object.
    Change(Vec<FieldChange>),
    /// The connection no longer lists it.
    Gone(Vec<FieldChange>),
}

/// An object that a listing changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObjectSync {
    /// Its kind.
    pub kind: Kind,
    /// Its name.
    pub name: String,
    /// What happens to it.
    pub action: SyncAction,
}

/// Why a listing was refused: too many would be gone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// Of which kind.
    pub kind: Kind,
    /// How many would be gone.
    pub gone: usize,
    /// Of how many.
    pub present: usize,
}

/// What a listing changed, or would change.
#[derive(Debug, Clone, Default)]
pub struct ListingOutcome {
    /// By kind.
    pub counts: BTreeMap<Kind, KindCounts>,
    /// The changed objects, at most [`MOST_CHANGES`].
    pub changes: Vec<ObjectSync>,
    /// Objects that were left out, each with the reason.
    pub skipped: Vec<(String, String)>,
    /// What whoever runs the connection should know.
    pub warnings: Vec<String>,
    /// Set when nothing was changed since too many would be gone.
    pub refusal: Option<Refusal>,
}

/// How many changed objects are named.
pub const MOST_CHANGES: usize = 10_000;

/// The kinds that a connection lists, what is named before who names it.
const KINDS: [Kind; 3] = [Kind::Group, Kind::User, Kind::DataSource];

impl Store {
    /// Makes the layer of a connection what a complete read listed: new objects are found among those of other origins or
    /// created, and those that are not listed any more are gone. One transaction; nothing changes when too many users or
    /// data sources would be gone ([`ListingOutcome::refusal`]).
    ///
    /// # Errors
    /// When the store is empty or fails. Nothing is changed then.
    pub fn apply_listing(
        &mut self,
        connection: &str,
        listing: Listing,
        options: ListingOptions,
        change: &ChangeBy<'_>,
    ) -> Result<ListingOutcome, StoreError> {
        let mut transaction = self.database.write()?;
        let outcome = take_over(&mut transaction, connection, listing, options, change)?;
        if !options.dry_run {
            transaction.commit()?;
        }
        Ok(outcome)
    }
}

/// Makes everything that a connection listed absent, since it was deleted.
pub(crate) fn end_listing(
    database: &mut Database,
    connection: &str,
    change: &ChangeBy<'_>,
) -> Result<(), StoreError> {
    let options = ListingOptions { dry_run: false, max_gone: None };
    take_over(database, connection, Listing::default(), options, change).map(drop)
}

fn take_over(
    database: &mut Database,
    connection: &str,
    mut listing: Listing,
    options: ListingOptions,
    change: &ChangeBy<'_>,
) -> Result<ListingOutcome, StoreError> {
    let observed = listing.privileges.take();
    if let Some(observed) = &observed {
        let data_sources = listing.data_sources.iter_mut().map(|(_, source)| source);
        privileges::set_owners(database, observed, data_sources)?;
    }
    let origin = Origin::of_name(connection);
    let mut outcome = ListingOutcome::default();
    let mut plans = Vec::new();
    let partial_columns = std::mem::take(&mut listing.partial_columns);
    for (kind, objects) in KINDS.into_iter().zip(documents(listing)) {
        let plan = plan(database, &origin, kind, objects, &partial_columns, &mut outcome)?;
        let has_bound = matches!(kind, Kind::User | Kind::DataSource);
        let (gone, present) = (plan.gone.len(), plan.present);
        if let Some(max_gone) = options.max_gone.filter(|_| has_bound)
            && !max_gone.allows(gone, present)
        {
            outcome.refusal = Some(Refusal { kind, gone, present });
        }
        plans.push(plan);
    }
    if outcome.refusal.is_some() && !options.dry_run {
        return Ok(outcome);
    }
    let mut writer = Writer::new(database, origin, change)?;
    for plan in &plans {
        plan.announce(&mut writer);
    }
    for plan in plans {
        carry_out(&mut writer, plan, &mut outcome)?;
    }
    if privileges::write(writer.database, connection, observed.as_ref())? {
        writer.touch(Kind::Connection);
    }
    outcome.warnings.extend(writer.finish()?);
    Ok(outcome)
}

type Keyed = (Option<String>, Value);

fn documents(listing: Listing) -> [Vec<Keyed>; 3] {
    fn values<T: serde::Serialize>(objects: Vec<(Option<String>, T)>) -> Vec<Keyed> {
        objects.into_iter().map(|(key, object)| (key, Value::Object(rows::document_of(&object)))).collect()
    }
    [values(listing.groups), values(listing.users), values(listing.data_sources)]
}

/// What a listing does to the objects of one kind.
struct Plan {
    kind: Kind,
    new: Vec<NewObject>,
    /// Objects that exist: id, key, what the connection calls it, and what it says.
    set: Vec<(i64, Option<String>, String, Document)>,
    gone: Vec<i64>,
    /// How many the connection listed before.
    present: usize,
}

impl Plan {
    /// Lets the objects of other kinds refer to those that will be created.
    fn announce(&self, writer: &mut Writer<'_, '_>) {
        let origin = writer.origin.clone();
        for new in &self.new {
            writer.references.insert(&origin, self.kind, &new.name, &new.name);
        }
    }
}

/// Returns a name as it is compared within one listing: two people do not differ in letters alone.
fn folded(kind: Kind, name: &str) -> String {
    if kind == Kind::User { name.to_lowercase() } else { name.to_owned() }
}

fn plan(
    database: &mut Database,
    origin: &Origin,
    kind: Kind,
    objects: Vec<Keyed>,
    partial_columns: &HashSet<String>,
    outcome: &mut ListingOutcome,
) -> Result<Plan, StoreError> {
    let rows = rows::of_origin(database, origin, kind)?;
    let present = rows.iter().filter(|row| row.layer.absent_since.is_none()).count();
    let by_key: HashMap<&str, &LayerRow> =
        rows.iter().filter_map(|row| Some((row.key.as_deref()?, row))).collect();
    let by_name: HashMap<String, &LayerRow> = rows.iter().map(|row| (folded(kind, &row.name), row)).collect();
    let keys: HashSet<String> = objects.iter().filter_map(|(key, _)| key.clone()).collect();
    // A table that has the name and the place of one that was renamed is another.
    let is_listed = |row: &&LayerRow| row.key.as_ref().is_some_and(|key| keys.contains(key));
    let listed: HashSet<i64> = match kind {
        Kind::DataSource => rows.iter().filter(is_listed).map(|row| row.object_id).collect(),
        _ => HashSet::new(),
    };
    let known = known(database, kind)?;
    let mut plan = Plan { kind, new: Vec::new(), set: Vec::new(), gone: Vec::new(), present };
    let mut counts = KindCounts { read: objects.len() as u64, ..KindCounts::default() };
    let (mut seen, mut names) = (HashSet::new(), HashSet::new());
    let mut free = FreeNames::new(&known);
    for (key, value) in objects {
        let mut document = match checked(kind, value, origin) {
            Ok(document) => document,
            Err(StoreError::Invalid { problems }) => {
                let first =
                    problems.first().map_or(String::new(), |it| format!("{}: {}", it.path, it.message));
                counts.skipped += 1;
                outcome.skipped.push((key.unwrap_or_else(|| format!("a {kind}")), first));
                continue;
            }
            Err(error) => return Err(error),
        };
        // No field of the catalog format: only layers have it.
        if kind == Kind::DataSource && key.as_ref().is_some_and(|key| partial_columns.contains(key)) {
            document.insert(PARTIAL_COLUMNS.to_owned(), true.into());
        }
        let name = name_of(kind, &document).to_owned();
        if !names.insert(folded(kind, &name)) {
            counts.skipped += 1;
            outcome.skipped.push((name, format!("another {kind} of the same name was listed before")));
            continue;
        }
        let own = key.as_deref().and_then(|key| by_key.get(key)).or_else(|| {
            // A row whose key is listed too is another object.
            let row = by_name.get(&folded(kind, &name))?;
            let is_other = row.key.as_ref().is_some_and(|key| keys.contains(key))
                || kind == Kind::DataSource && is_elsewhere(&row.layer.document, &document);
            (!is_other).then_some(row)
        });
        let found = match own {
            Some(row) => Some(row.object_id),
            None => recognized(database, &known, origin, kind, &document, &name)?
                .filter(|id| !listed.contains(id)),
        };
        match (found, own) {
            (Some(id), _) if !seen.insert(id) => {
                counts.skipped += 1;
                outcome.skipped.push((name, format!("it is the same {kind} as another that was listed")));
            }
            (Some(_), Some(row)) if is_as_before(row, &key, &name, &document) => counts.unchanged += 1,
            (Some(id), own) => {
                // An object that was gone is back, and one that others describe is listed for the first time.
                let is_new = own.is_none_or(|row| row.layer.absent_since.is_some());
                *(if is_new { &mut counts.created } else { &mut counts.changed }) += 1;
                plan.set.push((id, key, name, document));
            }
            (None, _) => {
                counts.created += 1;
                let label = origin.to_string();
                let free_name = free.name(kind, &name, &label);
                let called = (free_name != name).then_some(name);
                plan.new.push(NewObject {
                    kind,
                    name: free_name,
                    called,
                    key,
                    label,
                    origin: origin.clone(),
                    document,
                    by: None,
                });
            }
        }
    }
    outcome.warnings.extend(free.warning());
    let left = rows.iter().filter(|row| row.layer.absent_since.is_none() && !seen.contains(&row.object_id));
    plan.gone = left.map(|row| row.object_id).collect();
    plan.gone.sort_unstable();
    counts.gone = plan.gone.len() as u64;
    outcome.counts.insert(kind, counts);
    Ok(plan)
}

fn is_as_before(row: &LayerRow, key: &Option<String>, name: &str, document: &Document) -> bool {
    let is_same = |before: &Document| {
        // The id of a user who was renamed is kept in the layer.
        let ours = before.iter().filter(|(field, _)| *field != "id" || document.contains_key("id"));
        ours.clone().count() == document.len()
            && ours.clone().all(|(field, value)| document.get(field) == Some(value))
    };
    row.layer.absent_since.is_none() && row.key == *key && row.name == name && is_same(&row.layer.document)
}

fn carry_out(
    writer: &mut Writer<'_, '_>,
    plan: Plan,
    outcome: &mut ListingOutcome,
) -> Result<(), StoreError> {
    let kind = plan.kind;
    let mut name_change = |name: String, action: SyncAction| {
        if outcome.changes.len() < MOST_CHANGES {
            outcome.changes.push(ObjectSync { kind, name, action });
        }
    };
    writer.tags(
        plan.new.iter().map(|new| &new.document).chain(plan.set.iter().map(|(.., document)| document)),
    )?;
    for new in &plan.new {
        name_change(new.name.clone(), SyncAction::Create);
    }
    writer.create(plan.new)?;
    for (id, key, name, document) in plan.set {
        let (name, _, written) = writer.set(kind, id, key.as_deref(), &name, document)?;
        if let Written::Changed(fields) = written {
            name_change(name, SyncAction::Change(fields));
        }
    }
    for id in plan.gone {
        let (name, _, written) = writer.remove(kind, id)?;
        let fields = if let Written::Changed(fields) = written { fields } else { Vec::new() };
        name_change(name, SyncAction::Gone(fields));
    }
    Ok(())
}
