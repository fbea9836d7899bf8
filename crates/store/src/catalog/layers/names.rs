//! What the names stand for by which origins refer to objects.

use domesday_model::layers::Origin;
use domesday_model::{ALL_USERS, FastMap, Kind};

use super::find;
use crate::StoreError;
use crate::database::Database;

/// What the names by which origins refer to objects stand for. A connection may write a username in other letters, or
/// know a group by the name that it had.
#[derive(Debug, Default)]
pub(crate) struct References(Vec<Names>);

/// The names by which an origin refers to objects of a kind.
#[derive(Debug)]
struct Names {
    origin: Origin,
    kind: Kind,
    known: FastMap<String, Target>,
}

/// What a name stands for.
#[derive(Debug)]
enum Target {
    /// The object that has it.
    Itself,
    /// An object of another name.
    Other(String),
    Missing,
}

impl References {
    /// Makes a name of an origin stand for an object that exists or will, by the object's name.
    pub(crate) fn insert(&mut self, origin: &Origin, kind: Kind, name: &str, object: &str) {
        self.names(origin, kind).known.insert(name.to_owned(), Target::of(name, Some(object)));
    }

    /// Returns the name of the object that a name of an origin stands for, if there is one.
    pub(super) fn resolve<'n>(
        &'n mut self,
        database: &mut Database,
        origin: &Origin,
        kind: Kind,
        name: &'n str,
    ) -> Result<Option<&'n str>, StoreError> {
        if kind == Kind::Tag || name == ALL_USERS {
            // Tags are created with what bears them, and one group is built in.
            return Ok(Some(name));
        }
        let names = self.names(origin, kind);
        if !names.known.contains_key(name) {
            let found = find::named(database, origin, kind, name)?;
            names.known.insert(name.to_owned(), Target::of(name, found.as_deref()));
        }
        Ok(match &names.known[name] {
            Target::Itself => Some(name),
            Target::Other(object) => Some(object),
            Target::Missing => None,
        })
    }

    fn names(&mut self, origin: &Origin, kind: Kind) -> &mut Names {
        let found = self.0.iter().position(|names| names.kind == kind && names.origin == *origin);
        let position = found.unwrap_or_else(|| {
            self.0.push(Names { origin: origin.clone(), kind, known: FastMap::default() });
            self.0.len() - 1
        });
        &mut self.0[position]
    }
}

impl Target {
    fn of(name: &str, object: Option<&str>) -> Self {
        match object {
            Some(object) if object == name => Self::Itself,
            Some(object) => Self::Other(object.to_owned()),
            None => Self::Missing,
        }
    }
}
