//! Whether one change fits everything else, without reading everything else.
//!
//! A catalog is valid when each object is, and an object is judged by itself and by what it names. So a change
//! of one object is judged on a small catalog: the object and what it refers to; and, where the change takes
//! something away that others may have relied on, those others before and after it. The checks themselves are
//! the model's [`validate`], the same that a whole catalog goes through.

use std::collections::{BTreeSet, HashMap};

use domesday_model::validate::{Path, Problem, Severity, validate, validate_bounds};
use domesday_model::{Agreement, AppliesTo, Catalog, DataPolicy, DataSource, Kind, Policy, User};

use crate::StoreError;
use crate::database::{Database, values};

use super::documents::{Document, add_to_catalog, parse};
use super::records::{self, Stored, stored_columns};
use super::references::{references, referring_kinds};

/// An object's new version is right in itself and names only what exists, and nothing that relied on the old
/// version is left without. `one` holds the object alone.
pub(crate) fn check_put(
    database: &mut Database,
    one: &Catalog,
    document: &Document,
    stored: Option<&Stored>,
) -> Result<(), StoreError> {
    let mut around = one.clone();
    for (kind, name) in references(one) {
        if (kind, name.as_str()) != (document.kind, document.name.as_str()) {
            add_stored(database, &mut around, kind, &name)?;
        }
    }
    let about_it = |problem: &Problem| problem.kind == document.kind && problem.index == 0;
    let mut problems: Vec<_> = errors(&around).into_iter().filter(about_it).collect();
    if let Some(stored) = stored.filter(|_| !problems.is_empty()) {
        // What was stored before a bound existed may stay as it is.
        let mut before = Catalog::default();
        add_to_catalog(&mut before, document.kind, &document.name, &stored.text, &stored.origin)?;
        let kept = validate_bounds(&before);
        problems.retain(|problem| !kept.contains(problem));
    }
    problems.extend(id_of_another(database, one)?);
    if !problems.is_empty() {
        return Err(StoreError::Invalid { problems });
    }
    let Some(stored) = stored else { return Ok(()) };
    let relying = relying_on_difference(document, stored)?;
    check_referrers(database, document.kind, &document.name, stored, Some(document), relying)
}

/// Nothing refers to an object that is about to be deleted.
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

/// The kinds whose objects a new version may hurt: only few changes take anything away.
fn relying_on_difference(document: &Document, stored: &Stored) -> Result<&'static [Kind], StoreError> {
    let Document { kind, name, text, .. } = document;
    let hurts = match kind {
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
        _ if !hurts => &[],
        Kind::DataSource => &[Kind::DataProduct, Kind::Request],
        Kind::Agreement => &[Kind::Request],
        _ => referring_kinds(*kind),
    })
}

/// What is wrong with objects of some kinds after a change and was not before it.
fn check_referrers(
    database: &mut Database,
    kind: Kind,
    name: &str,
    stored: &Stored,
    replacement: Option<&Document>,
    kinds: &[Kind],
) -> Result<(), StoreError> {
    let mut around = Catalog::default();
    let mut names: HashMap<(Kind, usize), String> = HashMap::new();
    for referring in kinds {
        for (referrer, stored) in candidates(database, *referring, kind, name)? {
            if (*referring, referrer.as_str()) == (kind, name) {
                continue;
            }
            let position = around.count(*referring);
            add_to_catalog(&mut around, *referring, &referrer, &stored.text, &stored.origin)?;
            names.insert((*referring, position), referrer);
        }
    }
    if names.is_empty() {
        return Ok(());
    }
    // Policies of both kinds are opted into by name: the namesake may still be there.
    match kind {
        Kind::Policy => add_stored(database, &mut around, Kind::DataPolicy, name)?,
        Kind::DataPolicy => add_stored(database, &mut around, Kind::Policy, name)?,
        _ => {}
    }
    let mut before = around.clone();
    add_to_catalog(&mut before, kind, name, &stored.text, &stored.origin)?;
    if let Some(document) = replacement {
        add_to_catalog(&mut around, kind, name, &document.text, &document.origin)?;
    }
    let problems: Vec<_> = added(&errors(&before), errors(&around))
        .into_iter()
        .filter_map(|problem| Some((names.get(&(problem.kind, problem.index))?.clone(), problem)))
        .collect();
    if problems.is_empty() { Ok(()) } else { Err(StoreError::Inconsistent { problems }) }
}

/// The problems that are there after and were not before. The small catalog lacks most of what its objects
/// name, so both lists are full of references to nothing; which of them a change adds is what counts.
fn added(before: &[Problem], after: Vec<Problem>) -> Vec<Problem> {
    // What is said of one field may change its words, such as which name is the nearest; how often something
    // is said of it does not.
    let place = |problem: &Problem| (problem.kind, problem.index, problem.path.to_string(), item(problem));
    let mut known: HashMap<_, Vec<&str>> = HashMap::new();
    for problem in before {
        known.entry(place(problem)).or_default().push(&problem.message);
    }
    let mut at_place: HashMap<_, Vec<Problem>> = HashMap::new();
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

fn item(problem: &Problem) -> Option<String> {
    use domesday_model::validate::Step;
    match problem.path.0.last() {
        Some(Step::Item(text)) => Some(text.clone()),
        _ => None,
    }
}

/// Objects of a kind whose documents may name an object: every one that does, and some that do not.
fn candidates(
    database: &mut Database,
    referring: Kind,
    kind: Kind,
    name: &str,
) -> Result<Vec<(String, Stored)>, StoreError> {
    // A name stands in a document as a JSON string, except for groups in conditions, where quotes and variables
    // have an escape of their own; policies are few enough to look at each.
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
        |row| Ok((row.text(0)?.to_owned(), Stored::of(row, 1)?)),
    )
}

/// Ancestors of a tag exist by implication: one that has tags below it cannot go.
fn check_no_tag_below(database: &mut Database, name: &str) -> Result<(), StoreError> {
    // Everything that begins with the name and a dot: `/` is the character after the dot.
    let below = database.all(
        "SELECT name FROM object WHERE kind = ?1 AND name >= ?2 AND name < ?3 ORDER BY name",
        values![Kind::Tag.key(), &format!("{name}."), &format!("{name}/")],
        |row| Ok(row.text(0)?.to_owned()),
    )?;
    if below.is_empty() {
        return Ok(());
    }
    let problems = below.into_iter().enumerate().map(|(index, tag)| {
        let message = format!("lies below the tag `{name}`, which exists as long as this one does");
        let path = Path::root().key("name");
        (tag, Problem { severity: Severity::Error, kind: Kind::Tag, index, path, message })
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

/// Ids that users declare are unique among all users.
fn id_of_another(database: &mut Database, one: &Catalog) -> Result<Option<Problem>, StoreError> {
    let Some((username, id)) = one.users.first().and_then(|user| Some((&user.username, user.id?))) else {
        return Ok(None);
    };
    for (name, stored) in candidates(database, Kind::User, Kind::User, &id.to_string())? {
        let other: User = parse(Kind::User, &name, &stored.text)?;
        if other.id == Some(id) && name != *username {
            return Ok(Some(Problem {
                severity: Severity::Error,
                kind: Kind::User,
                index: 0,
                path: Path::root().key("id"),
                message: format!("the id {id} is already the one of the user `{name}`; ids are unique"),
            }));
        }
    }
    Ok(None)
}

fn errors(catalog: &Catalog) -> Vec<Problem> {
    let mut problems = validate(catalog);
    problems.retain(|problem| problem.severity == Severity::Error);
    problems
}
