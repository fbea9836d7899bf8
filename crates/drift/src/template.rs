//! Texts about a relation, with places for its names: made once for a group, written for each of its relations.

use std::fmt::{Display, Write};

use domesday_model::privileges::{Column, Privileges, RelationIx};

use crate::drift::Drift;
use crate::repair::quote_identifier;
use crate::text::name;

/// A text that is the same for every relation of a group, but for the names of the relation and its columns.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Template {
    text: String,
    /// Where names are inserted, in order.
    places: Vec<(usize, Place)>,
}

/// A name that is inserted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// The relation with its schema.
    Relation,
    /// Its column at a position.
    Column(u32),
}

impl Template {
    /// Appends text that every relation of the group shares.
    pub(crate) fn text(mut self, text: impl Display) -> Self {
        let _ = write!(self.text, "{text}");
        self
    }

    /// Appends the name of the relation with its schema.
    pub(crate) fn relation(mut self) -> Self {
        self.places.push((self.text.len(), Place::Relation));
        self
    }

    /// Appends the name of the column at a position.
    pub(crate) fn column(mut self, position: u32) -> Self {
        self.places.push((self.text.len(), Place::Column(position)));
        self
    }

    /// Passes the text about a relation to `append`, piece by piece.
    pub fn write(&self, names: &mut RelationNames<'_>, mut append: impl FnMut(&str)) {
        let mut from = 0;
        for (at, place) in &self.places {
            append(&self.text[from..*at]);
            append(match place {
                Place::Relation => &names.relation,
                Place::Column(position) => names.column(*position),
            });
            from = *at;
        }
        append(&self.text[from..]);
    }

    /// Returns the text about a relation.
    pub(crate) fn fill(&self, mut names: RelationNames<'_>) -> String {
        let mut filled = String::new();
        self.write(&mut names, |text| filled.push_str(text));
        filled
    }

    /// Returns the bytes of the text without the names that are inserted, and the number of these.
    #[must_use]
    pub fn size(&self) -> (usize, usize) {
        (self.text.len(), self.places.len())
    }
}

/// The names of a relation and its columns as a [`Template`] takes them.
#[derive(Debug)]
pub struct RelationNames<'d> {
    relation: String,
    columns: &'d [Column],
    quote: fn(&str) -> String,
    /// The quoted names of columns by position, each made when first asked for.
    quoted: Vec<Option<String>>,
}

impl<'d> RelationNames<'d> {
    /// Returns the names as sentences contain them, between backquotes.
    #[must_use]
    pub fn in_sentences(drift: &'d Drift, relation: RelationIx) -> Self {
        let columns = &drift.privileges().relations[relation.get()].columns;
        Self { relation: drift.relation_name(relation), columns, quote: name, quoted: Vec::new() }
    }

    /// Returns the names as SQL contains them.
    #[must_use]
    pub fn in_sql(drift: &'d Drift, relation: RelationIx) -> Self {
        Self::quoted_in(drift.privileges(), relation)
    }

    /// Returns the names as SQL for some privileges contains them.
    pub(crate) fn quoted_in(privileges: &'d Privileges, relation: RelationIx) -> Self {
        let of_relation = &privileges.relations[relation.get()];
        let schema = &privileges.schemas[of_relation.schema.get()].name;
        let relation = format!("{}.{}", quote_identifier(schema), quote_identifier(&of_relation.name));
        Self { relation, columns: &of_relation.columns, quote: quote_identifier, quoted: Vec::new() }
    }

    fn column(&mut self, position: u32) -> &str {
        self.quoted.resize(self.columns.len(), None);
        let position = position as usize;
        self.quoted[position].get_or_insert_with(|| (self.quote)(&self.columns[position].name))
    }
}
