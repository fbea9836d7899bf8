//! Checks of referential integrity for the change of one object, without reading the whole catalog.
//!
//! A catalog is valid when each object is, and an object is validated by itself and by what it refers to. So the change of
//! one object is validated in a small catalog: the object and what it refers to. When the change removes something that
//! others may refer to, those objects are validated before and after it. The checks are the model's [`validate`], as for
//! a whole catalog.

use std::collections::{BTreeSet, HashMap};

use domesday_model::validate::{CatalogProblem, Path, Severity, validate, validate_bounds};
use domesday_model::{Agreement, AppliesTo, Catalog, DataPolicy, DataSource, Kind, Policy, User};

use crate::StoreError;
use crate::database::{Database, values};

use super::documents::{Document, add_to_catalog, parse};
use super::records::{self, Stored, stored_columns};
use super::references::{references, referring_kinds};

/// Checks that the new version of an object is valid and refers only to objects that exist. `one` contains only the object.
pub(crate) fn check_valid(
    database: &mut Database,
    one: &Catalog,
    document: &Document,
    stored: Option<&Stored>,
) -> Result<(), StoreError> {
    let mut neighbors = one.clone();
    for (kind, name) in references(one) {
        if (kind, name.as_str()) != (document.kind, document.name.as_str()) {
            add_stored(database, &mut neighbors, kind, &name)?;
        }
    }
    let is_about_object = |problem: &CatalogProblem| problem.kind == document.kind && problem.index == 0;
    let mut problems: Vec<_> = errors(&neighbors).into_iter().filter(is_about_object).collect();
    if let Some(stored) = stored.filter(|_| !problems.is_empty()) {
        // Values stored before a bound existed may stay.
        let mut before = Catalog::default();
        add_to_catalog(&mut before, document.kind, &document.name, &stored.text, &stored.origin)?;
        let kept = validate_bounds(&before);
        problems.retain(|problem| !kept.contains(problem));
    }
    problems.extend(duplicate_user_id(database, one)?);
    if problems.is_empty() { Ok(()) } else { Err(StoreError::Invalid { problems }) }
}

/// Checks a new version as [`check_valid`] does, and that no object refers to what it removes.
pub(crate) fn check_put(
    database: &mut Database,
    one: &Catalog,
    document: &Document,
    stored: Option<&Stored>,
) -> Result<(), StoreError> {
    check_valid(database, one, document, stored)?;
    let Some(stored) = stored else { return Ok(()) };
    let kinds = affected_kinds(document, stored)?;
    check_referrers(database, document.kind, &document.name, stored, Some(document), kinds)
}

/// Checks that nothing refers to an object that is to be deleted.
pub(crate) fn check_delete(
    database: &mut Database,
    kind: Kind,
    name: &str,
    stored: &Stored,
) -> Result<(), StoreError> {
    if kind == Kind::Tag {
        check_no_tag_below(database, name)?;
    }
    check_referrers(database, kind, name, stored, None, referring_kinds(kind))
}

/// Returns the kinds whose objects the new version may invalidate: few changes remove anything.
fn affected_kinds(document: &Document, stored: &Stored) -> Result<&'static [Kind], StoreError> {
    let Document { kind, name, text, .. } = document;
    let removes = match kind {
        Kind::DataSource => {
            let before: DataSource = parse(*kind, name, &stored.text)?;
            let after: BTreeSet<_> = document.columns.iter().collect();
            before.columns.iter().any(|column| !after.contains(&column.name))
        }
        Kind::Policy => {
            let [before, after] = [&stored.text, text].map(|text| parse::<Policy>(*kind, name, text));
            before?.applies_to == AppliesTo::OptIn && after?.applies_to != AppliesTo::OptIn
        }
        Kind::DataPolicy => {
            let [before, after] = [&stored.text, text].map(|text| parse::<DataPolicy>(*kind, name, text));
            before?.applies_to == AppliesTo::OptIn && after?.applies_to != AppliesTo::OptIn
        }
        Kind::Agreement => {
            let [before, after] = [&stored.text, text].map(|text| parse::<Agreement>(*kind, name, text));
            before?.version > after?.version
        }
        _ => false,
    };
    Ok(match kind {
        _ if !removes => &[],
        Kind::DataSource => &[Kind::DataProduct, Kind::Request],
        Kind::Agreement => &[Kind::Request],
        _ => referring_kinds(*kind),
    })
}

/// Checks that a change invalidates no object of some kinds that refers to the changed one.
fn check_referrers(
    database: &mut Database,
    kind: Kind,
    name: &str,
    stored: &Stored,
    replacement: Option<&Document>,
    kinds: &[Kind],
) -> Result<(), StoreError> {
    let mut after = Catalog::default();
    let mut names: HashMap<(Kind, usize), String> = HashMap::new();
    for referring in kinds {
        for (referrer, stored) in candidates(database, *referring, kind, name)? {
            if (*referring, referrer.as_str()) == (kind, name) {
                continue;
            }
            let position = after.count(*referring);
            add_to_catalog(&mut after, *referring, &referrer, &stored.text, &stored.origin)?;
            names.insert((*referring, position), referrer);
        }
    }
    if names.is_empty() {
        return Ok(());
    }
    // Policies of both kinds are opted into by name: one of the other kind may have the same name.
    match kind {
        Kind::Policy => add_stored(database, &mut after, Kind::DataPolicy, name)?,
        Kind::DataPolicy => add_stored(database, &mut after, Kind::Policy, name)?,
        _ => {}
    }
    let mut before = after.clone();
    add_to_catalog(&mut before, kind, name, &stored.text, &stored.origin)?;
    if let Some(document) = replacement {
        add_to_catalog(&mut after, kind, name, &document.text, &document.origin)?;
    }
    let problems: Vec<_> = added(&errors(&before), errors(&after))
        .into_iter()
        .filter_map(|problem| Some((names.get(&(problem.kind, problem.index))?.clone(), problem)))
        .collect();
    if problems.is_empty() { Ok(()) } else { Err(StoreError::Inconsistent { problems }) }
}

/// Returns the problems that exist after a change and not before. The small catalog lacks most of what its objects refer
/// to, so both lists contain many missing references; only those that the change adds matter.
fn added(before: &[CatalogProblem], after: Vec<CatalogProblem>) -> Vec<CatalogProblem> {
    // The message about a field may change, such as the suggested name; the number of problems of the field does not.
    let place =
        |problem: &CatalogProblem| (problem.kind, problem.index, problem.path.to_string(), item(problem));
    let mut known: HashMap<_, Vec<&str>> = HashMap::new();
    for problem in before {
        known.entry(place(problem)).or_default().push(&problem.message);
    }
    let mut at_place: HashMap<_, Vec<CatalogProblem>> = HashMap::new();
    for problem in after {
        at_place.entry(place(&problem)).or_default().push(problem);
    }
    let mut added = Vec::new();
    for (place, problems) in at_place {
        let known = known.remove(&place).unwrap_or_default();
        let count = problems.len().saturating_sub(known.len());
        let (new, reworded): (Vec<_>, Vec<_>) =
            problems.into_iter().partition(|problem| !known.contains(&problem.message.as_str()));
        added.extend(new.into_iter().chain(reworded).take(count));
    }
    added.sort_by_key(|problem| (problem.kind, problem.index));
    added
}

fn item(problem: &CatalogProblem) -> Option<String> {
    use domesday_model::validate::Step;
    match problem.path.0.last() {
        Some(Step::Item(text)) => Some(text.clone()),
        _ => None,
    }
}

/// Returns the objects of a kind whose documents may refer to an object: a superset of those that do.
fn candidates(
    database: &mut Database,
    referring: Kind,
    kind: Kind,
    name: &str,
) -> Result<Vec<(String, Stored)>, StoreError> {
    // A document contains a name as a JSON string, except for groups in conditions, which escape quotes and variables in
    // their own way; policies are few enough to read all of them.
    let in_conditions = kind == Kind::Group && matches!(referring, Kind::Policy | Kind::DataPolicy);
    let needle = if in_conditions {
        String::new()
    } else {
        serde_json::to_string(name).expect("a text is plain data")
    };
    database.all(
        concat!(
            "SELECT name, ",
            stored_columns!(),
            " FROM object WHERE kind = ?1 AND instr(document, ?2) > 0 ORDER BY id"
        ),
        values![referring.key(), &needle],
        |row| Ok((row.text(0)?.to_owned(), Stored::from_row(row, 1)?)),
    )
}

/// Checks that a tag has no descendants: they imply their ancestors.
fn check_no_tag_below(database: &mut Database, name: &str) -> Result<(), StoreError> {
    // Every name that begins with the tag and a dot: `/` is the character after the dot.
    let below = database.all(
        "SELECT name FROM object WHERE kind = ?1 AND name >= ?2 AND name < ?3 ORDER BY name",
        values![Kind::Tag.key(), &format!("{name}."), &format!("{name}/")],
        |row| Ok(row.text(0)?.to_owned()),
    )?;
    if below.is_empty() {
        return Ok(());
    }
    let problems = below.into_iter().enumerate().map(|(index, tag)| {
        let message = format!("is a descendant of the tag `{name}`, and implies it");
        let path = Path::root().key("name");
        (tag, CatalogProblem { severity: Severity::Error, kind: Kind::Tag, index, path, message })
    });
    Err(StoreError::Inconsistent { problems: problems.collect() })
}

fn add_stored(
    database: &mut Database,
    catalog: &mut Catalog,
    kind: Kind,
    name: &str,
) -> Result<(), StoreError> {
    match records::find(database, kind, name)? {
        Some(stored) => add_to_catalog(catalog, kind, name, &stored.text, &stored.origin),
        None => Ok(()),
    }
}

/// Checks that no other user has the id that a user declares.
fn duplicate_user_id(database: &mut Database, one: &Catalog) -> Result<Option<CatalogProblem>, StoreError> {
    let Some((username, id)) = one.users.first().and_then(|user| Some((&user.username, user.id?))) else {
        return Ok(None);
    };
    for (name, stored) in candidates(database, Kind::User, Kind::User, &id.to_string())? {
        let other: User = parse(Kind::User, &name, &stored.text)?;
        if other.id == Some(id) && name != *username {
            return Ok(Some(CatalogProblem {
                severity: Severity::Error,
                kind: Kind::User,
                index: 0,
                path: Path::root().key("id"),
                message: format!("the id {id} already belongs to the user `{name}`; ids are unique"),
            }));
        }
    }
    Ok(None)
}

fn errors(catalog: &Catalog) -> Vec<CatalogProblem> {
    let mut problems = validate(catalog);
    problems.retain(|problem| problem.severity == Severity::Error);
    problems
}
