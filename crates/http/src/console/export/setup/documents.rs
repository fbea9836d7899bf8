//! The documents of the set-up page: policies filled in with what was typed, as JSON and as Terraform.

use std::time::Duration;

use domesday_delivery::{
    DeliveryError, S3Settings, SetupDocument, assume_policy, bucket_policy, iam_policy, key_policy,
    trust_policy,
};
use domesday_model::Tenant;
use domesday_service::exports::{
    Configuration, Credentials, DestinationConfiguration, S3Configuration, own_identity, tenant_name,
};

use super::draft::{Draft, Way};
use crate::console::errors::sentence;
use crate::state::AppState;

/// How long the page waits for the identity of the service. The search goes on, and its result is cached.
const IDENTITY_TIMEOUT: Duration = Duration::from_secs(4);

/// The account in names that are to be replaced.
const SOME_ACCOUNT: &str = "111122223333";

/// The name that stands for the service in the trust policy until its own is known.
const SOME_SERVICE: &str = "arn:aws:iam::444455556666:role/domesday-service";

/// The documents, and what they are filled in with.
pub(super) struct DocumentsView {
    /// Whether the documents name an identity that is not known yet.
    pub(super) placeholder: String,
    pub(super) external_id: String,
    /// The ARN of the service; empty with an access key.
    pub(super) service: String,
    /// Why the ARN of the service is not known, or what to check of it.
    pub(super) service_note: String,
    pub(super) documents: Vec<DocumentView>,
}

/// A document.
pub(super) struct DocumentView {
    pub(super) id: &'static str,
    pub(super) title: &'static str,
    pub(super) about: &'static str,
    pub(super) json: Vec<Segment>,
    pub(super) terraform: String,
    pub(super) is_open: bool,
}

/// A part of a text; what was filled in is marked.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Segment {
    pub(super) text: String,
    pub(super) is_marked: bool,
}

/// Writes the documents of a draft.
pub(super) async fn write(
    app: &AppState,
    draft: &Draft,
    settings: &S3Settings,
    tenant: &Tenant,
) -> DocumentsView {
    let external_id = tenant_name(tenant).id.to_string();
    let (service, service_note) = match draft.way {
        Way::Role => service_arn(app, draft).await,
        Way::AccessKey => (String::new(), String::new()),
    };
    let (principal, placeholder) = principal(draft);
    let trusted = if service.is_empty() { SOME_SERVICE } else { &service };
    let marked = [external_id.as_str(), trusted, &principal];
    let mut documents = Vec::new();
    let mut add = |id, title, about, document: Result<SetupDocument, DeliveryError>| {
        // A document that cannot be written is left out: its field says why when it is verified.
        if let Ok(document) = document {
            documents.push(DocumentView {
                id,
                title,
                about,
                json: mark(&document.to_json(), &marked),
                terraform: document.to_terraform(),
                is_open: documents.is_empty(),
            });
        }
    };
    match draft.way {
        Way::Role => {
            let trust = trust_policy(settings, trusted, &external_id);
            add("trust", "Trust policy", "of the role: who may assume it", trust);
            let about = "of the role: list and put under the path";
            add("iam", "IAM policy", about, Ok(iam_policy(settings)));
        }
        Way::AccessKey => {
            let about = "of the user with the access key: list and put under the path";
            add("iam", "IAM policy", about, Ok(iam_policy(settings)));
        }
    }
    let about = "only when the bucket belongs to another account than the identity that delivers";
    add("bucket", "Bucket policy", about, bucket_policy(settings, &principal));
    if settings.kms_key_id.is_some() {
        let about = "of the KMS key: the identity that delivers may encrypt with it";
        add("key", "Key policy", about, key_policy(settings, &principal));
    }
    if draft.way == Way::Role {
        let about = "of the service's own identity: only when the role belongs to another account";
        add("assume", "Policy to assume the role", about, assume_policy(&principal));
    }
    DocumentsView { placeholder, external_id, service, service_note, documents }
}

/// Returns the ARN of the identity that delivers. Until it is known it is a name to be replaced, which is returned too.
fn principal(draft: &Draft) -> (String, String) {
    let kind = match draft.way {
        Way::Role if assume_policy(&draft.role).is_ok() => return (draft.role.clone(), String::new()),
        Way::Role => "role",
        Way::AccessKey => "user",
    };
    let of_key = draft.kms_key.split(':').nth(4).filter(|account| account.len() == 12);
    let of_bucket = Some(draft.bucket_owner.as_str()).filter(|owner| !owner.is_empty());
    let account = of_bucket.or(of_key).unwrap_or(SOME_ACCOUNT);
    let partition = match draft.region.split('-').next() {
        Some("cn") => "aws-cn",
        _ if draft.region.starts_with("us-gov-") => "aws-us-gov",
        _ => "aws",
    };
    let arn = format!("arn:{partition}:iam::{account}:{kind}/domesday-delivery");
    (arn.clone(), arn)
}

/// Returns the ARN of the service, and what to say of it.
async fn service_arn(app: &AppState, draft: &Draft) -> (String, String) {
    let bucket = draft.bucket();
    let region = bucket.region.clone();
    let credentials = Credentials::Role { arn: draft.role.clone() };
    let configuration = Configuration {
        destination: DestinationConfiguration::S3(S3Configuration { bucket, credentials }),
        schedule: None,
        layout: None,
    };
    let service = &app.service;
    let asked = own_identity(&service.identity, &service.destinations, Some(&configuration), Some(&region));
    match tokio::time::timeout(IDENTITY_TIMEOUT, asked).await {
        Ok(Ok(identity)) => (identity.principal, identity.note.map(sentence).unwrap_or_default()),
        Ok(Err(error)) => {
            let note = format!(
                "{} Until it does, the trust policy names {SOME_SERVICE}: give the service credentials of its own \
                 (environment, profile, container or instance) and load this page again, or put their ARN in its place.",
                sentence(&error.to_string())
            );
            (String::new(), note)
        }
        Err(_) => {
            let note = format!(
                "STS has not answered yet who the service is, and the trust policy names {SOME_SERVICE}. Load this page \
                 again."
            );
            (String::new(), note)
        }
    }
}

/// Splits a text at the values that were filled in.
fn mark(text: &str, values: &[&str]) -> Vec<Segment> {
    let mut segments = Vec::new();
    let mut rest = text;
    loop {
        let found = values.iter().filter(|value| !value.is_empty());
        let next = found.filter_map(|value| rest.find(value).map(|at| (at, value.len()))).min();
        let Some((at, length)) = next else { break };
        segments.push(Segment { text: rest[..at].to_owned(), is_marked: false });
        segments.push(Segment { text: rest[at..at + length].to_owned(), is_marked: true });
        rest = &rest[at + length..];
    }
    segments.push(Segment { text: rest.to_owned(), is_marked: false });
    segments
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::console::form::Form;

    #[test]
    fn what_was_filled_in_is_marked() {
        let segments = mark("a X b Y", &["Y", "X", ""]);
        let shown: Vec<_> = segments.iter().map(|it| (it.text.as_str(), it.is_marked)).collect();
        assert_eq!(shown, [("a ", false), ("X", true), (" b ", false), ("Y", true), ("", false)]);
    }

    #[test]
    fn an_identity_that_is_not_known_is_named_as_terraform_names_it() {
        let read = |text: &str| principal(&Draft::read(&Form::parse(text)));
        let (arn, placeholder) = read("region=eu-central-1&kms=arn:aws:kms:eu-central-1:222233334444:key/x");
        assert_eq!(arn, "arn:aws:iam::222233334444:role/domesday-delivery");
        assert_eq!(placeholder, arn);
        let (arn, placeholder) = read("role=arn:aws:iam::111122223333:role/x");
        assert_eq!((arn.as_str(), placeholder.as_str()), ("arn:aws:iam::111122223333:role/x", ""));
        assert_eq!(
            read("way=key&region=cn-north-1").0,
            "arn:aws-cn:iam::111122223333:user/domesday-delivery"
        );
    }
}
