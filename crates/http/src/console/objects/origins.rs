//! Where each value of a user, a group or a data source comes from: files, people, connections.

use domesday_model::Kind;
use domesday_model::layers::{Origin, PartOrigins, is_layered};
use domesday_service::ServiceError;
use domesday_service::evaluation;
use domesday_store::{LayerView, Store, StoredObject};

use super::parts::Section;
use super::subject::Subject;
use crate::console::connections::{READERS, connection_path};
use crate::console::link::Link;
use crate::console::listing::{Cell, RowView};
use crate::console::object_links::Links;
use crate::console::times::counted;

/// How many values a page lists.
const MAX_ROWS: usize = 200;

/// How many values the note of a form names.
const MAX_NAMED: usize = 12;

/// What each origin says of an object.
pub(super) struct Origins {
    layers: Vec<LayerView>,
    parts: PartOrigins,
}

impl Origins {
    /// Reads the origins of an object; none of a kind that has no layers.
    pub(super) fn read(store: &mut Store, object: &StoredObject) -> Result<Option<Self>, ServiceError> {
        if !is_layered(object.kind) {
            return Ok(None);
        }
        let (layers, parts) = store.layers(object.kind, object.id)?;
        Ok(Some(Self { layers, parts }))
    }

    /// Returns the origin of each value; none when everything comes from one origin that is no connection, which the page
    /// names anyway.
    pub(super) fn section(&self, subject: &'static Subject, links: &Links<'_>) -> Option<Section> {
        if self.layers.len() < 2 && !self.layers.iter().any(|layer| is_connection(&layer.origin)) {
            return None;
        }
        let may_read = READERS.check(links.caller).is_ok();
        // Who did what is for those who read the audit log.
        let sees_people = links.caller.has_any(evaluation::READERS);
        let rows = self.parts.iter().take(MAX_ROWS).map(|(part, origins)| RowView {
            name: Link::plain(part_text(subject, part)),
            is_code: false,
            note: String::new(),
            cells: vec![(
                "",
                Cell::links(origins.iter().map(|origin| match self.person(origin, part) {
                    Some(person) if sees_people => links.username(person),
                    _ => self.link(origin, may_read),
                })),
            )],
        });
        let total = self.parts.len();
        let note = match total.checked_sub(MAX_ROWS) {
            Some(more @ 1..) => format!("{}, {more} not listed", counted(total as u64, "value", "values")),
            _ => counted(total as u64, "value", "values"),
        };
        Some(Section {
            id: "origins",
            title: "Where it comes from",
            note,
            more: None,
            heads: vec![("", "Value"), ("", "Given by")],
            rows: rows.collect(),
            nothing: "No origin gives anything any more.",
        })
    }

    /// The person who gave a part of the layer of people.
    fn person(&self, origin: &str, part: &str) -> Option<&str> {
        let layer = self.layers.iter().find(|layer| layer.origin == origin)?;
        layer.people.get(part).map(|person| &**person)
    }

    fn link(&self, origin: &str, may_read: bool) -> Link {
        let label = self.layers.iter().find(|layer| layer.origin == origin).map(|layer| layer.label.as_str());
        match (origin, label) {
            ("files", Some(file)) => Link::plain(file),
            ("files", None) => Link::plain("files"),
            ("api", Some("console")) => Link::plain("people, in the console"),
            ("api", _) => Link::plain("people, with the API"),
            (connection, _) if may_read => Link::new(connection, connection_path(connection)),
            (connection, _) => Link::plain(connection),
        }
    }

    /// Returns the values that connections give, each with the connection: they stay whatever people write.
    pub(super) fn given(&self, subject: &'static Subject) -> Vec<String> {
        let is_shown = |part: &&String| subject.kind != Kind::DataSource || !part.starts_with("columns/");
        let given = self.parts.iter().filter(|(part, _)| is_shown(part)).filter_map(|(part, origins)| {
            let connections: Vec<&str> =
                origins.iter().map(String::as_str).filter(|it| is_connection(it)).collect();
            (!connections.is_empty())
                .then(|| format!("{} ({})", part_text(subject, part), connections.join(", ")))
        });
        let mut given: Vec<_> = given.collect();
        let more = given.len().saturating_sub(MAX_NAMED);
        given.truncate(MAX_NAMED);
        if more > 0 {
            given.push(counted(more as u64, "more value", "more values"));
        }
        let columns = self.parts.iter().any(|(part, origins)| {
            part.starts_with("columns/") && origins.iter().any(|origin| is_connection(origin))
        });
        if columns {
            given.push("columns with their types and tags".to_owned());
        }
        given
    }
}

fn is_connection(origin: &str) -> bool {
    Origin::of_name(origin).is_connection()
}

/// A part of an object in words: its field, and of a set the element.
fn part_text(subject: &'static Subject, part: &str) -> String {
    let (key, element) = part.split_once('/').unwrap_or((part, ""));
    let label = subject.fields.iter().find(|field| field.key == key).map(|field| field.label);
    let label = label.unwrap_or(match key {
        "leavingDate" => "Leaving date",
        "globalId" => "Global id",
        key => key,
    });
    match (key, element) {
        (_, "") => label.to_owned(),
        ("attributes", element) => {
            let (name, value) = element.split_once('/').unwrap_or((element, ""));
            format!("{label}: {name} = {value}")
        }
        ("columns", element) => match element.split_once("/tags/") {
            Some((column, tag)) => format!("{label}: {column}, tag {tag}"),
            None => format!("{label}: {element}"),
        },
        (_, element) => format!("{label}: {element}"),
    }
}

#[cfg(test)]
mod tests {
    use super::super::subject::SUBJECTS;
    use super::*;

    #[test]
    fn parts_are_named_as_the_form_names_them() {
        let of = |kind, part| {
            let subject = SUBJECTS.iter().find(|subject| subject.kind == kind).unwrap();
            part_text(subject, part)
        };
        assert_eq!(of(Kind::User, "email"), "E-mail");
        assert_eq!(of(Kind::User, "groups/A/B"), "Groups: A/B");
        assert_eq!(of(Kind::User, "attributes/Region/EMEA"), "Attributes: Region = EMEA");
        assert_eq!(of(Kind::DataSource, "columns/mail/tags/PII"), "Columns: mail, tag PII");
    }
}
