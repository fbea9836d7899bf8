//! What a run contributes to its manifest.

use domesday_delivery::{DestinationConfig, Layout, Slot};
use domesday_tables::{Evidence, parse_hex, sha256};

use crate::previous_delivery::ManifestLink;

/// The configuration of a run, as far as the manifest states it.
pub(crate) struct RunConfiguration<'a> {
    pub(crate) destination: &'a dyn DestinationConfig,
    pub(crate) layout: Layout,
    pub(crate) console_url: &'a str,
    pub(crate) trigger: &'a str,
    pub(crate) actor: &'a str,
}

impl RunConfiguration<'_> {
    /// Returns the evidence of a run that writes a slot and whose manifest has a link.
    pub(crate) fn evidence(&self, slot: Option<Slot>, link: &ManifestLink) -> Evidence {
        let configuration = format!(
            "layout={}\nconsole_url={}\n{}",
            self.layout,
            self.console_url,
            self.destination.evidence()
        );
        Evidence {
            configuration_sha256: sha256(configuration.as_bytes()),
            trigger: self.trigger.to_owned(),
            actor: self.actor.to_owned(),
            layout: self.layout.as_str().to_owned(),
            slot: slot.map(|slot| slot.as_str().to_owned()),
            previous_manifest_sha256: link.sha256.as_deref().and_then(parse_hex),
            previous_manifest_key: link.key.clone(),
            chain: link.kind,
        }
    }
}
