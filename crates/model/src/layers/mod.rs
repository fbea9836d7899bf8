//! Layers: what each origin says of a user, a group or a data source, and their merge, the effective object.
//!
//! An origin changes its own layer only, so that files, people and systems of record do not overwrite each other. The rules
//! are those of `docs/connections.md`, *Layers*. Documents are JSON objects in the catalog format; a table of fields says how
//! each is merged, once for all kinds and for every operation.

mod edit;
mod fields;
mod given;
mod merge;

use std::fmt;

use serde_json::{Map, Value};

use crate::{Instant, Kind};

pub use edit::{edited, overridden};
pub use fields::{is_layered, parts, resolve_references};
pub use given::{Given, Giver, Givers};
pub use merge::{Effective, PartOrigins, merge, origins_of_parts, people_of_parts};

/// A document of a layered object.
pub type Document = Map<String, Value>;

/// The field of a layer's document that says that its connection does not know every column of the data source: where
/// another connection lists them, these add tags and descriptions alone.
pub const PARTIAL_COLUMNS: &str = "columnsArePartial";

/// Who a layer comes from.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Origin {
    /// The files that `apply` brought.
    Files,
    /// People, through HTTP and the console.
    Api,
    /// A connection, by name.
    Connection(Box<str>),
}

/// Names that no connection may have, since they are those of the other origins.
pub const RESERVED_ORIGINS: [&str; 4] = ["files", "api", "console", "cli"];

impl Origin {
    /// Returns the origin with a name.
    #[must_use]
    pub fn of_name(name: &str) -> Self {
        match name {
            "files" => Self::Files,
            "api" => Self::Api,
            connection => Self::Connection(connection.into()),
        }
    }

    /// Returns its name; that of a connection is the connection's.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Files => "files",
            Self::Api => "api",
            Self::Connection(name) => name,
        }
    }

    /// Whether it is a connection.
    #[must_use]
    pub fn is_connection(&self) -> bool {
        matches!(self, Self::Connection(_))
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The layer of one origin.
#[derive(Debug, Clone, PartialEq)]
pub struct Layer {
    /// Whose it is.
    pub origin: Origin,
    /// What it says, in the catalog format. Only the fields that the origin gives are set.
    pub document: Document,
    /// Who gave its parts, and when.
    pub given: Given,
    /// When the connection first no longer listed the object; none while it is listed.
    pub absent_since: Option<Instant>,
}

impl Layer {
    /// Whether its connection lists the object.
    #[must_use]
    pub fn is_listed(&self) -> bool {
        self.origin.is_connection() && self.absent_since.is_none()
    }
}

/// Returns since when an object is gone: it was listed by connections, and is by none any more.
#[must_use]
pub fn gone_since(layers: &[Layer]) -> Option<Instant> {
    if layers.iter().any(Layer::is_listed) {
        return None;
    }
    layers.iter().filter_map(|layer| layer.absent_since).max()
}

/// Returns the key under which a document of a kind has its name.
#[must_use]
pub fn name_key(kind: Kind) -> &'static str {
    if kind == Kind::User { "username" } else { "name" }
}
