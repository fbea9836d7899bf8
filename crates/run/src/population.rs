//! How complete and current the users and data sources of a summary are: its connections, for the manifest.

use domesday_model::Instant;
use domesday_store::{Freshness, Store, StoreError};
use domesday_tables::{Manifest, ManifestConnection, ManifestSync};
use serde::{Deserialize, Serialize};

/// The connections as of the snapshot.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(crate) struct Population {
    connections: Vec<ManifestConnection>,
    warnings: Vec<String>,
}

impl Population {
    /// Reads how current each connection is.
    pub(crate) fn read(store: &mut Store, at: Instant) -> Result<Self, StoreError> {
        let all = Freshness::of_all(store, at)?;
        Ok(Self {
            connections: all.iter().map(connection).collect(),
            warnings: all.iter().filter_map(Freshness::warning).collect(),
        })
    }

    /// Adds the connections to a manifest, and warns of those that are not current.
    pub(crate) fn describe(&self, manifest: &mut Manifest) {
        manifest.connections.clone_from(&self.connections);
        manifest.warnings.extend_from_slice(&self.warnings);
    }
}

fn connection(freshness: &Freshness) -> ManifestConnection {
    let last_complete_sync = freshness.complete.as_ref().map(|sync| ManifestSync {
        started_at: sync.started_at,
        counts: sync.report["counts"].clone(),
        own_count: sync.report["ownCount"].as_u64(),
        sha256: sync.report["sha256"].as_str().map(str::to_owned),
    });
    ManifestConnection {
        name: freshness.connection.name.clone(),
        kind: freshness.connection.kind.as_str().to_owned(),
        state: freshness.state().to_owned(),
        last_complete_sync,
    }
}
