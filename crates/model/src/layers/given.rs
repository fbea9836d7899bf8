//! Who gave the parts of an object, and when.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::Origin;
use crate::Instant;

/// Who gave the parts of a layer, and when.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Given {
    /// Of every part that is not in `parts`.
    #[serde(flatten)]
    pub layer: Gift,
    /// By part, as in [`Since`](crate::Since).
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub parts: BTreeMap<String, Gift>,
}

/// Who gave something, and when.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Gift {
    /// When; none is as early as the object itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<Instant>,
    /// The person, in the layer `api`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<Box<str>>,
}

impl Given {
    /// Creates what is known of a new layer.
    #[must_use]
    pub fn new(at: Option<Instant>, by: Option<&str>) -> Self {
        Self { layer: Gift { at, by: by.map(Into::into) }, parts: BTreeMap::new() }
    }

    /// Returns who gave a part, and when.
    #[must_use]
    pub fn part(&self, part: &str) -> &Gift {
        self.parts.get(part).unwrap_or(&self.layer)
    }

    /// Returns what is known after a change of the layer: parts that stay keep who gave them.
    #[must_use]
    pub fn changed(
        &self,
        before: &BTreeSet<String>,
        after: &BTreeSet<String>,
        at: Instant,
        by: Option<&str>,
    ) -> Self {
        let mut parts = self.parts.clone();
        parts.retain(|part, _| after.contains(part));
        let new = Gift { at: Some(at), by: by.map(Into::into) };
        parts.extend(after.difference(before).map(|part| (part.clone(), new.clone())));
        Self { layer: self.layer.clone(), parts }
    }
}

/// Who gave something, as the tables show it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum Giver {
    /// The files.
    #[default]
    Files,
    /// A person, by username where that is known.
    Person(Option<Box<str>>),
    /// A connection.
    Connection(Box<str>),
}

impl Giver {
    /// Returns who gave a part of a layer.
    #[must_use]
    pub fn of(origin: &Origin, gift: &Gift) -> Self {
        match origin {
            Origin::Files => Self::Files,
            Origin::Api => Self::Person(gift.by.clone()),
            Origin::Connection(name) => Self::Connection(name.clone()),
        }
    }

    /// Returns the value of `granted_by` and `applied_by`: the person or the connection.
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        match self {
            Self::Files => None,
            Self::Person(username) => username.as_deref(),
            Self::Connection(name) => Some(name),
        }
    }

    /// Returns the value of `tag_source`.
    #[must_use]
    pub fn tag_source(&self) -> &str {
        match self {
            Self::Files | Self::Person(_) => "MANUAL",
            Self::Connection(name) => name,
        }
    }

    /// Returns the text in which it is stored. No name of a connection contains a colon.
    fn to_text(&self) -> String {
        match self {
            Self::Files => "files:".to_owned(),
            Self::Person(username) => format!("api:{}", username.as_deref().unwrap_or_default()),
            Self::Connection(name) => name.to_string(),
        }
    }

    fn of_text(text: &str) -> Self {
        match text.split_once(':') {
            Some(("files", _)) => Self::Files,
            Some(("api", "")) => Self::Person(None),
            Some(("api", username)) => Self::Person(Some(username.into())),
            _ => Self::Connection(text.into()),
        }
    }
}

impl Serialize for Giver {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.to_text())
    }
}

impl<'de> Deserialize<'de> for Giver {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self::of_text(&String::deserialize(deserializer)?))
    }
}

/// Who gave the parts of an effective object. Empty when the files gave everything.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Givers {
    /// Of every part that is not in `parts`.
    #[serde(default, rename = "all", skip_serializing_if = "is_files")]
    pub default: Giver,
    /// By part, as in [`Since`](crate::Since).
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub parts: BTreeMap<String, Giver>,
}

fn is_files(giver: &Giver) -> bool {
    *giver == Giver::Files
}

impl Givers {
    /// Returns who gave a part. The part's name is built only where parts differ.
    #[must_use]
    pub fn part(&self, part: impl FnOnce() -> String) -> &Giver {
        if self.parts.is_empty() { &self.default } else { self.parts.get(&part()).unwrap_or(&self.default) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn givers_are_read_as_they_are_written() {
        let givers = Givers {
            default: Giver::Connection("okta".into()),
            parts: BTreeMap::from([
                ("group:A".to_owned(), Giver::Person(Some("ada:b".into()))),
                ("group:B".to_owned(), Giver::Person(None)),
                ("group:C".to_owned(), Giver::Files),
            ]),
        };
        let text = serde_json::to_string(&givers).unwrap();
        assert_eq!(serde_json::from_str::<Givers>(&text).unwrap(), givers);
        assert_eq!(serde_json::to_string(&Givers::default()).unwrap(), "{}");
    }

    #[test]
    fn parts_that_stay_keep_who_gave_them() {
        let given = Given::new(None, Some("ada"));
        let set = |parts: &[&str]| parts.iter().map(|part| (*part).to_owned()).collect::<BTreeSet<_>>();
        let at = Instant::from_micros(7);
        let given = given.changed(&set(&["a"]), &set(&["a", "b"]), at, Some("bob"));
        let given = given.changed(&set(&["a", "b"]), &set(&["a", "b", "c"]), Instant::from_micros(8), None);
        assert_eq!((given.part("a").at, given.part("b").at), (None, Some(at)));
        assert_eq!(
            (given.part("a").by.as_deref(), given.part("b").by.as_deref()),
            (Some("ada"), Some("bob"))
        );
        let given = given.changed(&set(&["a", "b", "c"]), &set(&["a"]), at, None);
        assert!(given.parts.is_empty());
    }
}
