//! Agreements, request forms, data products and requests.

use std::collections::BTreeMap;

use domesday_model::{
    AcceptedAgreement, Agreement, Answer, ApprovalDuration, Approvers, DataProduct, Determination,
    DeterminationStatus, Need, Owners, ProductAsset, ProductStatus, Question, QuestionKind, Request,
    RequestForm, RequestStatus, RequestType, ReviewStep, Target,
};

use super::decoder::Decoder;
use super::field_path::FieldPath;
use super::fields::Fields;
use super::policies::SCOPES;
use crate::document::{Node, Value};

impl Decoder<'_> {
    pub(super) fn agreement(&mut self, node: &Node, path: FieldPath<'_>) -> Option<Agreement> {
        let mut fields = Fields::new(self, node, &path)?;
        let name = fields.required(self, "name", Self::text);
        let version = fields.required(self, "version", Self::integer);
        let text = fields.required(self, "text", Self::text);
        fields.finish(self);
        Some(Agreement { name: name?, version: version?, text: text? })
    }

    pub(super) fn request_form(&mut self, node: &Node, path: FieldPath<'_>) -> Option<RequestForm> {
        let mut fields = Fields::new(self, node, &path)?;
        let name = fields.required(self, "name", Self::text);
        let version = fields.required(self, "version", Self::integer);
        let questions = fields.list(self, "questions", Self::question);
        let review = fields.list(self, "review", |decoder, node, path| {
            let mut fields = Fields::new(decoder, node, &path)?;
            let approvers = fields.required(decoder, "approvers", Decoder::approvers);
            let need = fields.choice(decoder, "need", &[("any", Need::Any), ("all", Need::All)]);
            fields.finish(decoder);
            Some(ReviewStep { approvers: approvers?, need })
        });
        fields.finish(self);
        Some(RequestForm { name: name?, version: version?, questions, review })
    }

    fn question(&mut self, node: &Node, path: FieldPath<'_>) -> Option<Question> {
        #[derive(Clone, Copy, PartialEq)]
        enum Kind {
            Text,
            Choice,
            Number,
            Date,
            Boolean,
        }
        let mut fields = Fields::new(self, node, &path)?;
        let id = fields.required(self, "id", Self::text);
        let text = fields.required(self, "text", Self::text);
        let kinds = [
            ("text", Kind::Text),
            ("choice", Kind::Choice),
            ("number", Kind::Number),
            ("date", Kind::Date),
            ("boolean", Kind::Boolean),
        ];
        let kind = match fields.required_choice(self, "kind", &kinds) {
            None => {
                fields.take(self, "choices");
                None
            }
            Some(Kind::Text) => Some(QuestionKind::Text),
            Some(Kind::Number) => Some(QuestionKind::Number),
            Some(Kind::Date) => Some(QuestionKind::Date),
            Some(Kind::Boolean) => Some(QuestionKind::Boolean),
            Some(Kind::Choice) => {
                let choices = fields.list(self, "choices", Self::text);
                if choices.is_empty() && !fields.has("choices") {
                    self.error(
                        node.at,
                        path,
                        "`choices` is missing; a question of kind `choice` requires it",
                    );
                }
                Some(QuestionKind::Choice { choices })
            }
        };
        let required = fields.optional(self, "required", Self::boolean).unwrap_or(false);
        fields.finish(self);
        Some(Question { id: id?, text: text?, kind: kind?, required })
    }

    fn approvers(&mut self, node: &Node, path: FieldPath<'_>) -> Option<Approvers> {
        let mut fields = Fields::new(self, node, &path)?;
        let mut approvers = Approvers::default();
        if let Some(permissions) = fields.take(self, "permissions") {
            approvers.permissions =
                self.set(permissions, FieldPath::Key(&path, "permissions"), Self::permission);
        }
        approvers.domain_permissions = fields.names(self, "domainPermissions");
        approvers.users = fields.names(self, "users");
        approvers.groups = fields.names(self, "groups");
        approvers.attributes = fields.attributes(self);
        approvers.owners = fields.optional(self, "owners", Self::owners).unwrap_or_default();
        fields.finish(self);
        Some(approvers)
    }

    fn owners(&mut self, node: &Node, path: FieldPath<'_>) -> Option<Owners> {
        match &node.value {
            Value::Boolean(false, _) => Some(Owners::None),
            // Earlier versions: every owner, since one must not decide about the data of another.
            Value::Boolean(true, _) => Some(Owners::Every),
            _ => self.choice(node, path, &[("every", Owners::Every), ("any", Owners::Any)]),
        }
    }

    pub(super) fn data_product(&mut self, node: &Node, path: FieldPath<'_>) -> Option<DataProduct> {
        let mut fields = Fields::new(self, node, &path)?;
        let name = fields.required(self, "name", Self::text);
        let description = fields.optional(self, "description", Self::text);
        let domains = fields.names(self, "domains");
        let sme = fields.optional(self, "sme", Self::text);
        let created_by = fields.required(self, "createdBy", Self::text);
        let statuses = [("published", ProductStatus::Published), ("suspended", ProductStatus::Suspended)];
        let status = fields.choice(self, "status", &statuses);
        let data_sources = fields.list(self, "dataSources", Self::product_asset);
        let form = fields.optional(self, "form", Self::text);
        let agreements = fields.names(self, "agreements");
        fields.finish(self);
        let (name, created_by) = (name?, created_by?);
        Some(DataProduct {
            name,
            description,
            domains,
            sme,
            created_by,
            status,
            data_sources,
            form,
            agreements,
        })
    }

    fn product_asset(&mut self, node: &Node, path: FieldPath<'_>) -> Option<ProductAsset> {
        if !matches!(node.value, Value::Mapping(_)) {
            return Some(ProductAsset { name: self.text(node, path)?, columns: None });
        }
        let mut fields = Fields::new(self, node, &path)?;
        let name = fields.required(self, "name", Self::text);
        let columns = fields.optional_list(self, "columns", Self::text);
        fields.finish(self);
        Some(ProductAsset { name: name?, columns })
    }

    pub(super) fn request(&mut self, node: &Node, path: FieldPath<'_>) -> Option<Request> {
        let mut fields = Fields::new(self, node, &path)?;
        let id = fields.required(self, "id", Self::scalar_text);
        let kinds =
            [("dataAccess", RequestType::DataAccess), ("maskingException", RequestType::MaskingException)];
        let kind = fields.required_choice(self, "type", &kinds);
        let user = fields.required(self, "user", Self::text);
        let requester = fields.optional(self, "requester", Self::text);
        let target = self.target(&mut fields);
        let columns = fields.names(self, "columns");
        let scope = fields.choice(self, "scope", &SCOPES);
        let statuses = [
            ("pending", RequestStatus::Pending),
            ("approved", RequestStatus::Approved),
            ("denied", RequestStatus::Denied),
            ("canceled", RequestStatus::Canceled),
            ("revoked", RequestStatus::Revoked),
        ];
        let status = fields.required_choice(self, "status", &statuses);
        let answers = fields.optional(self, "answers", Self::answers).unwrap_or_default();
        let created_at = fields.required(self, "createdAt", Self::instant);
        let updated_at = fields.optional(self, "updatedAt", Self::instant);
        let expires_at = fields.optional(self, "expiresAt", Self::instant);
        let determinations = fields.list(self, "determinations", Self::determination);
        let agreements = fields.list(self, "agreements", Self::accepted_agreement);
        fields.finish(self);
        Some(Request {
            id: id?,
            kind: kind?,
            user: user?,
            requester,
            target: target?,
            columns,
            scope,
            status: status?,
            answers,
            created_at: created_at?,
            updated_at,
            expires_at,
            determinations,
            agreements,
        })
    }

    fn target(&mut self, fields: &mut Fields<'_, '_>) -> Option<Target> {
        let product = fields.optional(self, "dataProduct", Self::text);
        let source = fields.optional(self, "dataSource", Self::text);
        match (fields.has("dataProduct"), fields.has("dataSource")) {
            (true, false) => product.map(Target::DataProduct),
            (false, true) => source.map(Target::DataSource),
            // One of them has a mistake already.
            (true, true) if product.is_none() || source.is_none() => None,
            (both, _) => {
                let found = if both { "both" } else { "neither" };
                let message = format!("expected one of `dataProduct` and `dataSource`, found {found}");
                self.error(fields.node.at, *fields.path, message);
                None
            }
        }
    }

    fn answers(&mut self, node: &Node, path: FieldPath<'_>) -> Option<BTreeMap<String, Answer>> {
        let Value::Mapping(entries) = &node.value else {
            return self.wrong(node, path, "a mapping of question ids to answers");
        };
        let mut answers = BTreeMap::new();
        for (key, node) in entries {
            let mut json = String::new();
            self.write_json(node, FieldPath::Key(&path, &key.text), &mut json)?;
            let answer = Answer::from_json(json).expect("a tree of values is written as JSON");
            answers.insert(key.text.clone(), answer);
        }
        Some(answers)
    }

    /// Writes any value as JSON; numbers keep their digits.
    pub(super) fn write_json(&mut self, node: &Node, path: FieldPath<'_>, json: &mut String) -> Option<()> {
        match &node.value {
            Value::Null => json.push_str("null"),
            Value::Boolean(value, _) => json.push_str(if *value { "true" } else { "false" }),
            Value::Number(text) => match json_number(text) {
                Some(number) => json.push_str(&number),
                None => {
                    let message = format!("expected a finite decimal number, found {}", shortened(text));
                    self.error(node.at, path, message);
                    return None;
                }
            },
            Value::Text(text, _) => json.push_str(&quoted(text)),
            Value::List(items) => {
                json.push('[');
                for (position, item) in items.iter().enumerate() {
                    json.push_str(if position > 0 { "," } else { "" });
                    self.write_json(item, FieldPath::Index(&path, position), json)?;
                }
                json.push(']');
            }
            Value::Mapping(entries) => {
                json.push('{');
                for (position, (key, item)) in entries.iter().enumerate() {
                    json.push_str(if position > 0 { "," } else { "" });
                    json.push_str(&quoted(&key.text));
                    json.push(':');
                    self.write_json(item, FieldPath::Key(&path, &key.text), json)?;
                }
                json.push('}');
            }
        }
        Some(())
    }

    fn determination(&mut self, node: &Node, path: FieldPath<'_>) -> Option<Determination> {
        let mut fields = Fields::new(self, node, &path)?;
        let by = fields.required(self, "by", Self::text);
        let statuses = [
            ("approved", DeterminationStatus::Approved),
            ("denied", DeterminationStatus::Denied),
            ("pending", DeterminationStatus::Pending),
            ("blocked", DeterminationStatus::Blocked),
            ("canceled", DeterminationStatus::Canceled),
            ("revoked", DeterminationStatus::Revoked),
        ];
        let status = fields.required_choice(self, "status", &statuses);
        let reason = fields.optional(self, "reason", Self::text);
        let duration_days = fields.optional(self, "durationDays", Self::integer);
        let duration = fields.optional(self, "duration", Self::parsed::<ApprovalDuration>);
        if duration_days.is_some() && duration.is_some() {
            self.error(node.at, path, "expected one of `durationDays` and `duration`, found both");
        }
        let at = fields.required(self, "at", Self::instant);
        fields.finish(self);
        Some(Determination { by: by?, status: status?, reason, duration_days, duration, at: at? })
    }

    fn accepted_agreement(&mut self, node: &Node, path: FieldPath<'_>) -> Option<AcceptedAgreement> {
        let mut fields = Fields::new(self, node, &path)?;
        let name = fields.required(self, "name", Self::text);
        let version = fields.required(self, "version", Self::integer);
        let accepted_by = fields.required(self, "acceptedBy", Self::text);
        let accepted_at = fields.required(self, "acceptedAt", Self::instant);
        fields.finish(self);
        let (name, version) = (name?, version?);
        Some(AcceptedAgreement { name, version, accepted_by: accepted_by?, accepted_at: accepted_at? })
    }
}

fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// Returns the beginning of a long text.
fn shortened(text: &str) -> String {
    const LONGEST: usize = 40;
    if text.len() <= LONGEST { text.to_owned() } else { format!("{}…", &text[..LONGEST]) }
}

/// Returns a number in the syntax of JSON, with its digits. YAML also allows a plus sign, leading zeros, and a point without
/// digits on one side. Infinities, and numbers beyond the range of `f64`, are rejected.
fn json_number(text: &str) -> Option<String> {
    let (sign, unsigned) = match text.strip_prefix('-') {
        Some(unsigned) => ("-", unsigned),
        None => ("", text.strip_prefix('+').unwrap_or(text)),
    };
    let end = unsigned.find(['e', 'E']).unwrap_or(unsigned.len());
    let (mantissa, exponent) = unsigned.split_at(end);
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let is_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if !is_digits(whole) || !is_digits(fraction) || (whole.is_empty() && fraction.is_empty()) {
        return None;
    }
    let whole = whole.trim_start_matches('0');
    let whole = if whole.is_empty() { "0" } else { whole };
    let point = if fraction.is_empty() { "" } else { "." };
    let number = format!("{sign}{whole}{point}{fraction}{exponent}");
    serde_json::from_str::<f64>(&number).is_ok_and(f64::is_finite).then_some(number)
}

#[cfg(test)]
mod tests {
    use super::json_number;

    #[test]
    fn numbers_keep_their_digits() {
        let table = [
            ("12345678901234567890123", Some("12345678901234567890123")),
            ("1.10", Some("1.10")),
            ("-0.50e-3", Some("-0.50e-3")),
            ("+7", Some("7")),
            ("007", Some("7")),
            (".5", Some("0.5")),
            ("5.", Some("5")),
            ("-0", Some("-0")),
            ("1E5", Some("1E5")),
            ("1e400", None),
            ("-1e400", None),
            (".inf", None),
            (".nan", None),
            ("0x1F", None),
            ("0o17", None),
            (".", None),
        ];
        for (text, number) in table {
            assert_eq!(json_number(text).as_deref(), number, "{text}");
        }
    }
}
