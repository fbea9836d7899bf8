//! What the pages say of a destination.

use domesday_delivery::Layout;
use domesday_service::exports::{
    BucketConfiguration, Configuration, DestinationConfiguration, S3Configuration,
};

/// Returns the destination of a configuration, which is in S3.
pub(super) fn s3(configuration: &Configuration) -> &S3Configuration {
    let DestinationConfiguration::S3(destination) = &configuration.destination;
    destination
}

/// The address of a bucket and a path.
pub(super) fn address(bucket: &BucketConfiguration) -> String {
    let path = bucket.path.as_ref().map(|path| format!("/{path}")).unwrap_or_default();
    format!("s3://{}{path}", bucket.bucket)
}

/// What a layout means for readers.
pub(super) fn about_layout(layout: Layout) -> &'static str {
    match layout {
        Layout::Latest => "each run replaces the files of the run before",
        Layout::Swap => "readers see the day before, whole, until the new one is complete",
        Layout::History => "one folder for each day; no day is overwritten",
    }
}

/// A fact about a destination.
pub(super) struct Fact {
    pub(super) name: &'static str,
    pub(super) text: String,
    pub(super) is_code: bool,
}

/// Returns the facts about a bucket.
pub(super) fn facts(bucket: &BucketConfiguration) -> Vec<Fact> {
    let fact = |name, text: &str, is_code| Fact { name, text: text.to_owned(), is_code };
    let mut facts = vec![
        fact("Bucket", &bucket.bucket, false),
        fact("Region", &bucket.region, false),
        fact("Path", bucket.path.as_deref().unwrap_or("none: the top of the bucket"), false),
    ];
    let optional = [("KMS key", &bucket.kms_key_id), ("Endpoint", &bucket.endpoint)];
    for (name, value) in optional {
        facts.extend(value.as_ref().map(|value| fact(name, value, true)));
    }
    facts.extend(bucket.encryption.map(|encryption| fact("Encryption", encryption.as_str(), false)));
    facts.extend(bucket.bucket_owner.as_ref().map(|owner| fact("Bucket owner", owner, false)));
    facts
}
