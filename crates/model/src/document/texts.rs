//! Texts that are borrowed from a document, and sets and lists of them in the order of a declaration.

use std::borrow::Cow;
use std::fmt;
use std::ops::Deref;

use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer};

use crate::Attributes;

/// A text that is borrowed from a document, or owned where the document writes it with escapes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Text<'a>(pub(super) Cow<'a, str>);

impl Deref for Text<'_> {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl<'a> From<&'a String> for Text<'a> {
    fn from(text: &'a String) -> Self {
        Self(Cow::Borrowed(text))
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Text<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Borrow;

        impl<'de> Visitor<'de> for Borrow {
            type Value = Text<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string")
            }

            fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Text<'de>, E> {
                Ok(Text(Cow::Borrowed(text)))
            }

            fn visit_str<E>(self, text: &str) -> Result<Text<'de>, E> {
                Ok(Text(Cow::Owned(text.to_owned())))
            }
        }

        deserializer.deserialize_str(Borrow)
    }
}

/// Texts in ascending order, each once, as the set that they are declared as.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Texts<'a>(Vec<Text<'a>>);

impl<'a> Texts<'a> {
    fn from_vec(mut texts: Vec<Text<'a>>) -> Self {
        // Documents are written from sets, so it is usually sorted already.
        if !texts.is_sorted_by(|before, after| before < after) {
            texts.sort_unstable();
            texts.dedup();
        }
        Self(texts)
    }

    /// Keeps the texts for which the function returns true.
    pub(crate) fn retain(&mut self, keep: impl FnMut(&Text<'a>) -> bool) {
        self.0.retain(keep);
    }
}

impl<'a> Deref for Texts<'a> {
    type Target = [Text<'a>];

    fn deref(&self) -> &[Text<'a>] {
        &self.0
    }
}

impl<'a, I: IntoIterator<Item = &'a String>> From<I> for Texts<'a> {
    fn from(texts: I) -> Self {
        Self::from_vec(texts.into_iter().map(Text::from).collect())
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Texts<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Vec::deserialize(deserializer).map(Self::from_vec)
    }
}

/// Attribute keys in ascending order, each once, with their values.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct AttributeTexts<'a>(Vec<(Text<'a>, Texts<'a>)>);

impl<'a> AttributeTexts<'a> {
    fn from_vec(mut attributes: Vec<(Text<'a>, Texts<'a>)>) -> Self {
        if !attributes.is_sorted_by(|(before, _), (after, _)| before < after) {
            // Of a duplicate key the last value counts, as usual in JSON.
            attributes.reverse();
            attributes.sort_by(|(left, _), (right, _)| left.cmp(right));
            attributes.dedup_by(|(left, _), (right, _)| left == right);
        }
        Self(attributes)
    }
}

impl<'a> Deref for AttributeTexts<'a> {
    type Target = [(Text<'a>, Texts<'a>)];

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

impl<'a> From<&'a Attributes> for AttributeTexts<'a> {
    fn from(attributes: &'a Attributes) -> Self {
        Self(attributes.iter().map(|(key, values)| (key.into(), values.into())).collect())
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for AttributeTexts<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Pairs;

        impl<'de> Visitor<'de> for Pairs {
            type Value = AttributeTexts<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("attribute keys with lists of values")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<AttributeTexts<'de>, A::Error> {
                let mut attributes = Vec::new();
                while let Some(attribute) = map.next_entry()? {
                    attributes.push(attribute);
                }
                Ok(AttributeTexts::from_vec(attributes))
            }
        }

        deserializer.deserialize_map(Pairs)
    }
}
