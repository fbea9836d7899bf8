//! The generated documents as Terraform: the same content, as resources.

use serde_json::Value;

use super::aws_policies::{SetupDocument, SetupDocumentKind};

impl SetupDocument {
    /// Returns the document as a Terraform configuration.
    #[must_use]
    pub fn to_terraform(&self) -> String {
        let policy = || format!("jsonencode({})", expression(&self.value, 1));
        let bucket = text(&self.bucket);
        match self.kind {
            SetupDocumentKind::IamPolicy => format!(
                "resource \"aws_iam_policy\" \"domesday\" {{\n  name   = \"domesday-delivery\"\n  policy = {}\n}}",
                policy()
            ),
            SetupDocumentKind::BucketPolicy => format!(
                "# A bucket has one policy: add the statements to the one it has.\n\
                 resource \"aws_s3_bucket_policy\" \"domesday\" {{\n  bucket = {bucket}\n  policy = {}\n}}",
                policy()
            ),
            SetupDocumentKind::TrustPolicy => format!(
                "resource \"aws_iam_role\" \"domesday\" {{\n  name               = \"domesday-delivery\"\n  \
                 assume_role_policy = {}\n}}",
                policy()
            ),
            SetupDocumentKind::AssumePolicy => format!(
                "# Attach it to the user or role that the service runs as.\n\
                 resource \"aws_iam_policy\" \"domesday_assume\" {{\n  name   = \"domesday-assume-role\"\n  policy = {}\n}}",
                policy()
            ),
            SetupDocumentKind::KeyPolicy => format!(
                "# A key has one policy: add the statement to the one it has, beside those that administer it.\n\
                 data \"aws_iam_policy_document\" \"domesday_key\" {{\n  source_policy_documents = [{}]\n}}",
                policy()
            ),
            SetupDocumentKind::Lifecycle => self.lifecycle(&bucket),
        }
    }

    fn lifecycle(&self, bucket: &str) -> String {
        let mut written = format!(
            "# A bucket has one lifecycle configuration: add the rules to the one it has.\n\
             resource \"aws_s3_bucket_lifecycle_configuration\" \"domesday\" {{\n  bucket = {bucket}\n"
        );
        for rule in self.value["Rules"].as_array().into_iter().flatten() {
            let rule_text = |value: &Value| text(value.as_str().unwrap_or_default());
            written.push_str(&format!(
                "\n  rule {{\n    id     = {}\n    status = {}\n\n    filter {{\n      prefix = {}\n    }}\n\n    \
                 expiration {{\n      days = {}\n    }}\n\n    noncurrent_version_expiration {{\n      \
                 noncurrent_days = {}\n    }}\n  }}\n",
                rule_text(&rule["ID"]),
                rule_text(&rule["Status"]),
                rule_text(&rule["Filter"]["Prefix"]),
                rule["Expiration"]["Days"],
                rule["NoncurrentVersionExpiration"]["NoncurrentDays"],
            ));
        }
        written.push('}');
        written
    }
}

/// Writes a value as an expression, at a depth of indentation.
fn expression(value: &Value, depth: usize) -> String {
    let (outer, inner) = ("  ".repeat(depth), "  ".repeat(depth + 1));
    match value {
        Value::Object(fields) => {
            let width = fields.keys().map(|name| key(name).len()).max().unwrap_or(0);
            let lines = fields.iter().map(|(name, value)| {
                format!("{inner}{:<width$} = {}\n", key(name), expression(value, depth + 1))
            });
            format!("{{\n{}{outer}}}", lines.collect::<String>())
        }
        Value::Array(items) if items.iter().all(Value::is_string) => {
            let items: Vec<_> = items.iter().map(|item| expression(item, depth)).collect();
            format!("[{}]", items.join(", "))
        }
        Value::Array(items) => {
            let lines = items.iter().map(|item| format!("{inner}{},\n", expression(item, depth + 1)));
            format!("[\n{}{outer}]", lines.collect::<String>())
        }
        Value::String(string) => text(string),
        other => other.to_string(),
    }
}

/// Writes a key of an object, without quotes when it is an identifier.
fn key(name: &str) -> String {
    if name.chars().all(|c| c.is_ascii_alphanumeric()) { name.to_owned() } else { text(name) }
}

/// Writes a string in quotes, with `${` and `%{` escaped, which would begin an expression.
fn text(string: &str) -> String {
    let mut written = String::from("\"");
    for c in string.chars() {
        match c {
            '"' | '\\' => written.extend(['\\', c]),
            c => written.push(c),
        }
    }
    written.push('"');
    written.replace("${", "$${").replace("%{", "%%{")
}

#[cfg(test)]
mod tests {
    use crate::S3Settings;
    use crate::documents::{bucket_policy, iam_policy, key_policy, lifecycle, trust_policy};

    #[test]
    fn documents_become_resources() {
        let settings = S3Settings::new("acme-audit", "a*", "eu-central-1").unwrap();
        let principal = "arn:aws:iam::111122223333:role/domesday";
        let lifecycle = lifecycle(&settings, 400).unwrap().to_terraform();
        let (first_rule, _) = lifecycle.split_once("\n  rule {\n    id     = \"domesday-user").unwrap();
        let texts = [
            iam_policy(&settings).to_terraform(),
            bucket_policy(&settings, principal).unwrap().to_terraform(),
            trust_policy(&settings, principal, "x").unwrap().to_terraform(),
            key_policy(&settings, principal).unwrap().to_terraform(),
            first_rule.to_owned(),
        ];
        insta::assert_snapshot!(texts.join("\n\n"));
    }
}
