//! Data use agreements, request forms and data products, as declared.

use std::collections::BTreeSet;
use std::fmt;

use serde::de::{self, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::{Attributes, Permission};

/// A text that a requester accepts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Agreement {
    /// Unique name.
    pub name: String,
    /// Version of the text.
    pub version: i64,
    /// The text itself.
    pub text: String,
}

/// A questionnaire and the review of its answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RequestForm {
    /// Unique name.
    pub name: String,
    /// Version of the form.
    pub version: i64,
    /// Questions in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub questions: Vec<Question>,
    /// Review steps, one after the other.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub review: Vec<ReviewStep>,
}

/// One question of a form.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Question {
    /// Key of the answer.
    pub id: String,
    /// The text of the question.
    pub text: String,
    /// The type of its answer.
    #[serde(flatten)]
    pub kind: QuestionKind,
    /// Whether an answer must be given.
    #[serde(default)]
    pub required: bool,
}

/// The type of an answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "camelCase")]
pub enum QuestionKind {
    /// Free text.
    Text,
    /// One of the choices.
    Choice {
        /// What may be chosen.
        choices: Vec<String>,
    },
    /// A number.
    Number,
    /// A date.
    Date,
    /// Yes or no.
    Boolean,
}

/// One step of a review.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ReviewStep {
    /// Who may decide.
    pub approvers: Approvers,
    /// How many of them must.
    #[serde(default)]
    pub need: Need,
}

/// Who may decide a review step: every user whom any entry describes.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Approvers {
    /// Users with one of these permissions.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub permissions: BTreeSet<Permission>,
    /// Users with one of these permissions in every domain of the requested data, such as `MANAGE_POLICIES`.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub domain_permissions: BTreeSet<String>,
    /// Usernames.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub users: BTreeSet<String>,
    /// Members of these groups.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub groups: BTreeSet<String>,
    /// Users with one of these attribute values.
    #[serde(skip_serializing_if = "Attributes::is_empty")]
    pub attributes: Attributes,
    /// Owners of the requested data.
    pub owners: Owners,
}

/// Which owners of the requested data may decide.
///
/// In documents `false`, `every` or `any`. Documents of earlier versions say `true`, which is read as `every`: the
/// owner of one data source must not decide for the others of a product.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Owners {
    /// None of them.
    #[default]
    None,
    /// Users who own every requested data source.
    Every,
    /// Users who own at least one of them.
    Any,
}

impl Serialize for Owners {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::None => serializer.serialize_bool(false),
            Self::Every => serializer.serialize_str("every"),
            Self::Any => serializer.serialize_str("any"),
        }
    }
}

impl<'de> Deserialize<'de> for Owners {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct OwnersVisitor;

        impl Visitor<'_> for OwnersVisitor {
            type Value = Owners;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("false, `every` or `any`")
            }

            fn visit_bool<E: de::Error>(self, value: bool) -> Result<Owners, E> {
                Ok(if value { Owners::Every } else { Owners::None })
            }

            fn visit_str<E: de::Error>(self, value: &str) -> Result<Owners, E> {
                match value {
                    "every" => Ok(Owners::Every),
                    "any" => Ok(Owners::Any),
                    other => Err(E::invalid_value(de::Unexpected::Str(other), &self)),
                }
            }
        }

        deserializer.deserialize_any(OwnersVisitor)
    }
}

/// How many approvers a step needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Need {
    /// One of them.
    #[default]
    Any,
    /// Every user named.
    All,
}

/// Whether a data product's approved requests give access.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum ProductStatus {
    /// They do.
    #[default]
    Published,
    /// They do not, as long as it is suspended.
    Suspended,
}

/// A set of data sources that is requested as one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DataProduct {
    /// Unique name.
    pub name: String,
    /// What it offers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Domains it belongs to.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub domains: BTreeSet<String>,
    /// Username of the subject matter expert.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sme: Option<String>,
    /// Username of its creator.
    pub created_by: String,
    /// Published or suspended.
    #[serde(default)]
    pub status: ProductStatus,
    /// Its data sources.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub data_sources: Vec<ProductAsset>,
    /// Its request form.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub form: Option<String>,
    /// Agreements to accept with a request.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub agreements: BTreeSet<String>,
}

/// One data source of a product.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ProductAsset {
    /// The data source's name.
    pub name: String,
    /// The columns that it contains; `None` means all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub columns: Option<Vec<String>>,
}
