//! The bodies of calls about a request, as they are sent.

use std::collections::{BTreeMap, BTreeSet};

use domesday_model::{Answer, RequestType, Scope};
use domesday_service::requests::create::{NewRequest, NewTarget};
use domesday_service::requests::decide::Decision;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A request as it is made.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct Ask {
    /// What is asked for; access when absent.
    #[serde(default, deserialize_with = "crate::extract::present")]
    #[schemars(with = "AskType")]
    r#type: Option<AskType>,
    /// For whom, by username; oneself when absent.
    #[serde(default, deserialize_with = "crate::extract::present")]
    #[schemars(with = "String")]
    user: Option<String>,
    /// The data product; this or `dataSource`.
    #[serde(default, deserialize_with = "crate::extract::present")]
    #[schemars(with = "String")]
    data_product: Option<String>,
    /// The data source; this or `dataProduct`.
    #[serde(default, deserialize_with = "crate::extract::present")]
    #[schemars(with = "String")]
    data_source: Option<String>,
    /// The columns of an exception from masking.
    #[serde(default, deserialize_with = "crate::extract::present")]
    #[schemars(with = "BTreeSet<String>")]
    columns: Option<BTreeSet<String>>,
    /// Reading when absent.
    #[serde(default, deserialize_with = "crate::extract::present")]
    #[schemars(with = "AskScope")]
    scope: Option<AskScope>,
    /// Answers by question: a text, a number or a boolean each, as the form asks. At most 64 KiB together.
    #[serde(default, deserialize_with = "crate::extract::present")]
    #[schemars(with = "BTreeMap<String, AnswerSchema>")]
    answers: Option<BTreeMap<String, Answer>>,
    /// The agreements accepted, by name, in their present versions.
    #[serde(default, deserialize_with = "crate::extract::present")]
    #[schemars(with = "BTreeSet<String>")]
    agreements: Option<BTreeSet<String>>,
}

/// The form of an answer, for the document of the API.
#[derive(JsonSchema)]
#[serde(untagged)]
#[expect(dead_code, reason = "only its schema is used")]
enum AnswerSchema {
    Text(String),
    Number(f64),
    Boolean(bool),
    Nothing(()),
}

#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
enum AskType {
    DataAccess,
    MaskingException,
}

#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
enum AskScope {
    Read,
    Write,
}

/// A decision.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
#[schemars(rename = "Decision")]
pub(super) struct DecisionBody {
    /// Yes or no.
    status: Verdict,
    /// Why.
    #[serde(default, deserialize_with = "crate::extract::present")]
    #[schemars(with = "String")]
    reason: Option<String>,
    /// For how many days of 24 hours the approval is valid; without end when this and `duration` are absent.
    #[serde(default, deserialize_with = "crate::extract::present")]
    #[schemars(with = "i64", range(min = 1, max = 36_500))]
    duration_days: Option<i64>,
    /// For how long the approval is valid, as an ISO 8601 duration such as PT12H, P2W, P3M or P1Y; months and years are
    /// those of the calendar in UTC.
    #[serde(default, deserialize_with = "crate::extract::present")]
    #[schemars(with = "String")]
    duration: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
enum Verdict {
    Approved,
    Denied,
}

/// A revocation.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Revocation")]
pub(super) struct RevocationBody {
    /// Why.
    #[schemars(length(min = 1, max = 10_000))]
    pub(super) reason: String,
}

impl From<Ask> for NewRequest {
    fn from(ask: Ask) -> Self {
        Self {
            kind: match ask.r#type {
                None | Some(AskType::DataAccess) => RequestType::DataAccess,
                Some(AskType::MaskingException) => RequestType::MaskingException,
            },
            user: ask.user,
            target: NewTarget { data_product: ask.data_product, data_source: ask.data_source },
            columns: ask.columns.unwrap_or_default(),
            scope: match ask.scope {
                None | Some(AskScope::Read) => Scope::Read,
                Some(AskScope::Write) => Scope::Write,
            },
            answers: ask.answers.unwrap_or_default(),
            agreements: ask.agreements.unwrap_or_default(),
        }
    }
}

impl From<DecisionBody> for Decision {
    fn from(body: DecisionBody) -> Self {
        let DecisionBody { status, reason, duration_days, duration } = body;
        Self { is_approved: status == Verdict::Approved, reason, duration_days, duration }
    }
}
