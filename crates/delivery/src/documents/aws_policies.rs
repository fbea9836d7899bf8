//! Policies for AWS: the permissions of the identity that delivers, and the consent of the owners of bucket, role and
//! key. Least privilege: two actions of S3, on one path, and two of KMS where a key is named.
//!
//! Every document is data; [`SetupDocument::to_json`] is the form for the console of AWS, `terraform` writes the same
//! content as resources.

use serde_json::{Value, json};

use crate::aws_partition::AwsPartition;
use crate::{DeliveryError, S3Settings};

/// Which document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SetupDocumentKind {
    /// For the user or role that delivers.
    IamPolicy,
    /// For a bucket of another account than that of the identity that delivers.
    BucketPolicy,
    /// For the role: who may assume it, and with what external id.
    TrustPolicy,
    /// For the identity of the service: which role it may assume.
    AssumePolicy,
    /// For a KMS key of another account than that of the identity that delivers.
    KeyPolicy,
    /// For a bucket in the history layout: deletes old days.
    Lifecycle,
}

/// A document, ready to be written.
#[derive(Debug, Clone, PartialEq)]
pub struct SetupDocument {
    pub(crate) kind: SetupDocumentKind,
    pub(crate) bucket: String,
    pub(crate) value: Value,
}

impl SetupDocument {
    /// Returns the document as JSON.
    #[must_use]
    pub fn value(&self) -> &Value {
        &self.value
    }

    /// Returns the document as text.
    #[must_use]
    pub fn to_json(&self) -> String {
        serde_json::to_string_pretty(&self.value).expect("a document is plain data")
    }
}

/// Generates the policy of an identity that delivers into a bucket.
#[must_use]
pub fn iam_policy(settings: &S3Settings) -> SetupDocument {
    let mut statements = s3_statements(settings, None);
    if let Some(key) = &settings.kms_key_id {
        statements.push(json!({
            "Sid": "DomesdayEncrypts",
            "Effect": "Allow",
            "Action": ["kms:GenerateDataKey", "kms:Decrypt"],
            "Resource": key_arn(settings, key),
            "Condition": { "StringEquals": { "kms:ViaService": via_service(settings) } },
        }));
    }
    document(SetupDocumentKind::IamPolicy, settings, &statements)
}

/// Generates the bucket policy that admits an identity of another account.
///
/// # Errors
/// When the principal is no ARN.
pub fn bucket_policy(settings: &S3Settings, principal: &str) -> Result<SetupDocument, DeliveryError> {
    check_principal(principal)?;
    Ok(document(SetupDocumentKind::BucketPolicy, settings, &s3_statements(settings, Some(principal))))
}

/// Generates the trust policy of a role, for the identity that assumes it for one tenant.
///
/// # Errors
/// When the principal is no ARN.
pub fn trust_policy(
    settings: &S3Settings,
    principal: &str,
    external_id: &str,
) -> Result<SetupDocument, DeliveryError> {
    check_principal(principal)?;
    let statement = json!({
        "Sid": "DomesdayAssumes",
        "Effect": "Allow",
        "Principal": { "AWS": principal },
        "Action": "sts:AssumeRole",
        "Condition": { "StringEquals": { "sts:ExternalId": external_id } },
    });
    Ok(document(SetupDocumentKind::TrustPolicy, settings, &[statement]))
}

/// Generates the policy with which the identity of the service assumes a role. Within one account the role's trust
/// policy alone suffices; between two accounts both sides must allow it.
///
/// # Errors
/// When the ARN is not that of one role.
pub fn assume_policy(role_arn: &str) -> Result<SetupDocument, DeliveryError> {
    let role = role_arn.splitn(6, ':').collect::<Vec<_>>();
    let is_role = match role.as_slice() {
        ["arn", partition, "iam", "", account, resource] => {
            partition.starts_with("aws")
                && account.len() == 12
                && account.bytes().all(|byte| byte.is_ascii_digit())
                && resource.strip_prefix("role/").is_some_and(|name| !name.is_empty() && !name.ends_with('/'))
                && resource.bytes().all(|byte| byte.is_ascii_graphic() && !b"*?$".contains(&byte))
        }
        _ => false,
    };
    if !is_role {
        let message =
            format!("`{role_arn}` is not the ARN of a role; write arn:aws:iam::111122223333:role/domesday");
        return Err(DeliveryError::Configuration { message });
    }
    let value = json!({
        "Version": "2012-10-17",
        "Statement": [{
            "Sid": "DomesdayAssumesRole",
            "Effect": "Allow",
            "Action": "sts:AssumeRole",
            "Resource": role_arn,
        }],
    });
    Ok(SetupDocument { kind: SetupDocumentKind::AssumePolicy, bucket: String::new(), value })
}

/// Generates the statement of a KMS key's policy that admits an identity of another account. It is added to the
/// statements for those who administer the key.
///
/// # Errors
/// When the principal is no ARN.
pub fn key_policy(settings: &S3Settings, principal: &str) -> Result<SetupDocument, DeliveryError> {
    check_principal(principal)?;
    let statement = json!({
        "Sid": "DomesdayEncrypts",
        "Effect": "Allow",
        "Principal": { "AWS": principal },
        "Action": ["kms:GenerateDataKey", "kms:Decrypt"],
        "Resource": "*",
        "Condition": { "StringEquals": { "kms:ViaService": via_service(settings) } },
    });
    Ok(document(SetupDocumentKind::KeyPolicy, settings, &[statement]))
}

/// Generates a lifecycle that deletes the days of the history after a number of days, except the manifests: they are
/// small, and the chain needs each.
///
/// # Errors
/// When no day would be kept.
pub fn lifecycle(settings: &S3Settings, days: u32) -> Result<SetupDocument, DeliveryError> {
    if days == 0 {
        let message = "a lifecycle that keeps no day would delete today's; keep at least 1".to_owned();
        return Err(DeliveryError::Configuration { message });
    }
    let rules = domesday_tables::TABLES.iter().map(|table| {
        let prefix =
            settings.full_key(&format!("{}/{}/export_date=", domesday_tables::SCHEMA_FOLDER, table.name));
        json!({
            "ID": format!("domesday-{}", table.name),
            "Status": "Enabled",
            "Filter": { "Prefix": prefix },
            "Expiration": { "Days": days },
            "NoncurrentVersionExpiration": { "NoncurrentDays": 1 },
        })
    });
    let value = json!({ "Rules": rules.collect::<Vec<_>>() });
    Ok(SetupDocument { kind: SetupDocumentKind::Lifecycle, bucket: settings.bucket.clone(), value })
}

fn document(kind: SetupDocumentKind, settings: &S3Settings, statements: &[Value]) -> SetupDocument {
    let value = json!({ "Version": "2012-10-17", "Statement": statements });
    SetupDocument { kind, bucket: settings.bucket.clone(), value }
}

/// Returns the statements for list and put under the path; without a path, under the folder of the schema version.
fn s3_statements(settings: &S3Settings, principal: Option<&str>) -> Vec<Value> {
    let bucket = format!("arn:{}:s3:::{}", AwsPartition::from_region(&settings.region).name, settings.bucket);
    let within = match settings.path.as_str() {
        "" => format!("{}/*", domesday_tables::SCHEMA_FOLDER),
        path => format!("{}/*", escape_pattern(path)),
    };
    let mut list = json!({
        "Sid": "DomesdayLists",
        "Effect": "Allow",
        "Action": "s3:ListBucket",
        "Resource": bucket,
        "Condition": { "StringLike": { "s3:prefix": within } },
    });
    let mut put = json!({
        "Sid": "DomesdayPuts",
        "Effect": "Allow",
        "Action": "s3:PutObject",
        "Resource": format!("{bucket}/{within}"),
    });
    if let Some(encryption) = settings.encryption {
        // Only puts that ask for the encryption are allowed, as a delivery makes them.
        put["Condition"] = json!({
            "StringEquals": { "s3:x-amz-server-side-encryption": encryption.as_str() }
        });
    }
    if let Some(principal) = principal {
        for statement in [&mut list, &mut put] {
            statement["Principal"] = json!({ "AWS": principal });
        }
    }
    vec![list, put]
}

/// Escapes a path, so that each of its characters stands for itself in a pattern.
fn escape_pattern(path: &str) -> String {
    path.replace('$', "${$}").replace('*', "${*}").replace('?', "${?}")
}

/// Returns the ARN of a key as a resource. An alias is no resource, so it becomes every key of the account.
fn key_arn(settings: &S3Settings, key: &str) -> String {
    if key.starts_with("arn:") {
        return key.to_owned();
    }
    let account = settings.bucket_owner.as_deref().unwrap_or("*");
    let arn = format!(
        "arn:{}:kms:{}:{account}:key",
        AwsPartition::from_region(&settings.region).name,
        settings.region
    );
    if key.starts_with("alias/") { format!("{arn}/*") } else { format!("{arn}/{key}") }
}

fn via_service(settings: &S3Settings) -> String {
    format!("s3.{}.{}", settings.region, AwsPartition::from_region(&settings.region).dns_suffix)
}

fn check_principal(principal: &str) -> Result<(), DeliveryError> {
    if principal.starts_with("arn:") && principal.split(':').count() >= 6 && !principal.contains('*') {
        return Ok(());
    }
    let message = format!(
        "`{principal}` is no ARN of one user, role or account; write arn:aws:iam::111122223333:role/name"
    );
    Err(DeliveryError::Configuration { message })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(path: &str) -> S3Settings {
        S3Settings::new("acme-audit", path, "eu-central-1").unwrap()
    }

    const PRINCIPAL: &str = "arn:aws:iam::111122223333:role/domesday";

    #[test]
    fn documents_are_least_privilege() {
        let key = "arn:aws:kms:eu-central-1:111122223333:key/1";
        let encrypted = settings("access").with(None, Some(key), None).unwrap();
        let documents = [
            iam_policy(&encrypted),
            bucket_policy(&settings("access"), PRINCIPAL).unwrap(),
            trust_policy(&settings("access"), PRINCIPAL, "tenant-1").unwrap(),
            key_policy(&encrypted, PRINCIPAL).unwrap(),
        ];
        let texts: Vec<_> = documents.iter().map(SetupDocument::to_json).collect();
        insta::assert_snapshot!(texts.join("\n"));
    }

    #[test]
    fn without_a_path_the_version_is_the_bound_and_patterns_are_literal() {
        let text = iam_policy(&settings("")).to_json();
        assert!(text.contains(r#""s3:prefix": "v1/*""#) && text.contains(":::acme-audit/v1/*"), "{text}");
        assert!(!text.contains("kms:"), "{text}");
        let text = iam_policy(&settings("a*b")).to_json();
        assert!(text.contains("${*}"), "{text}");
    }

    #[test]
    fn an_encryption_that_puts_ask_for_is_part_of_the_right_to_put() {
        let encrypted = settings("access").with_encryption(Some(crate::Encryption::Aes256)).unwrap();
        for document in [iam_policy(&encrypted), bucket_policy(&encrypted, PRINCIPAL).unwrap()] {
            let statements = document.value()["Statement"].as_array().unwrap().clone();
            let condition = &statements[1]["Condition"]["StringEquals"]["s3:x-amz-server-side-encryption"];
            assert_eq!(condition, "AES256");
            assert!(statements[0]["Condition"]["StringEquals"].is_null());
        }
        let key = Some("arn:aws:kms:eu-central-1:111122223333:key/1");
        assert!(encrypted.with(None, key, None).is_err());
        let with_key = settings("").with(None, key, None).unwrap();
        assert!(with_key.with_encryption(Some(crate::Encryption::Aes256)).is_err());
    }

    #[test]
    fn lifecycles_forget_days_and_never_manifests() {
        let document = lifecycle(&settings("access"), 400).unwrap();
        let rules = document.value()["Rules"].as_array().unwrap();
        assert_eq!(rules.len(), domesday_tables::TABLES.len());
        assert_eq!(rules[0]["Filter"]["Prefix"], "access/v1/policy-metadata/export_date=");
        assert!(!document.to_json().contains("_manifest"));
        assert!(lifecycle(&settings(""), 0).is_err());
    }

    #[test]
    fn the_assume_policy_names_one_role() {
        let role = "arn:aws-cn:iam::111122223333:role/team/domesday";
        let document = assume_policy(role).unwrap();
        let statement = &document.value()["Statement"][0];
        assert_eq!((&statement["Action"], &statement["Resource"]), (&json!("sts:AssumeRole"), &json!(role)));
        assert!(document.to_terraform().contains("sts:AssumeRole"));
        for wrong in [
            "",
            "*",
            "domesday",
            "arn:aws:iam::111122223333:user/domesday",
            "arn:aws:iam::111122223333:role/",
            "arn:aws:iam::111122223333:role/*",
            "arn:aws:iam::1111:role/domesday",
            "arn:aws:iam::*:role/domesday",
            "arn:aws:sts::111122223333:assumed-role/domesday/session",
            "arn:aws:iam::111122223333:role/a b",
            "arn:aws:iam::111122223333:role/a\nb",
        ] {
            assert!(assume_policy(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn documents_name_the_partition_of_the_region() {
        for (region, partition, domain) in [
            ("cn-north-1", "aws-cn", "amazonaws.com.cn"),
            ("us-gov-west-1", "aws-us-gov", "amazonaws.com"),
            ("eusc-de-east-1", "aws-eusc", "amazonaws.eu"),
            ("us-iso-east-1", "aws-iso", "c2s.ic.gov"),
            ("us-isob-east-1", "aws-iso-b", "sc2s.sgov.gov"),
            ("eu-isoe-west-1", "aws-iso-e", "cloud.adc-e.uk"),
            ("us-isof-south-1", "aws-iso-f", "csp.hci.ic.gov"),
        ] {
            let settings = S3Settings::new("acme-audit", "", region).unwrap();
            let settings = settings.with(None, Some("1234"), None).unwrap();
            let text = iam_policy(&settings).to_json();
            for part in [
                format!("arn:{partition}:s3:::acme-audit"),
                format!("arn:{partition}:kms:{region}:*:key/1234"),
                format!("s3.{region}.{domain}"),
            ] {
                assert!(text.contains(&format!("\"{part}")), "{part}: {text}");
            }
        }
    }

    #[test]
    fn a_principal_is_one_arn() {
        for principal in ["*", "arn:aws:iam::*:root", "111122223333", ""] {
            assert!(bucket_policy(&settings(""), principal).is_err(), "{principal}");
        }
    }
}
