//! Watches drift: counts the findings for the metrics, and tells the webhook of new ones.

use std::collections::BTreeMap;
use std::sync::Arc;

use domesday_drift::{Drift, Finding, FindingKind};
use domesday_model::Instant;
use domesday_store::{DriftState, NewMessage, Store};
use serde_json::json;
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::clock::Clock;
use crate::drift::Drifts;
use crate::error::ServiceError;
use crate::evaluation::Evaluations;
use crate::metrics::Metrics;
use crate::pool::Pool;
use crate::signals::Signals;

/// How many new findings a message describes.
const DESCRIBED: usize = 10;

/// Compares the findings with those that were known. Clones share it.
#[derive(Debug, Clone)]
pub(crate) struct DriftWatch {
    pub(crate) pool: Pool,
    pub(crate) clock: Clock,
    pub(crate) evaluations: Evaluations,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) signals: Arc<Signals>,
    pub(crate) has_webhook: bool,
}

impl DriftWatch {
    /// Compares the findings of every database with those that were known before, stores what is known now, and with it one
    /// message a connection that has new ones. `event` is the sync or run after which this happens; it stays done when this
    /// fails, and the next one compares again.
    pub(crate) async fn check(&self, event: Uuid) {
        if let Err(error) = self.compare(event).await {
            tracing::warn!(%error, "the findings of drift could not be compared with those known before");
        }
    }

    async fn compare(&self, event: Uuid) -> Result<(), ServiceError> {
        let read = |store: &mut Store| -> Result<_, ServiceError> { Ok(store.revision()?) };
        let revision = self.pool.with(read).await?;
        let drifts = self.evaluations.current(revision).await?.drifts().await?;
        let (now, has_webhook) = (self.clock.now(), self.has_webhook);
        let work = move || -> Result<_, ServiceError> {
            let compared: Vec<_> = (0..drifts.len()).map(|at| Compared::new(&drifts, at)).collect();
            Ok(compared)
        };
        let compared = self.pool.compute(work).await?;
        let write = move |store: &mut Store| -> Result<_, ServiceError> {
            store.exclusive_transaction(|store| -> Result<_, ServiceError> {
                for compared in &compared {
                    compared.record(store, event, has_webhook, now)?;
                }
                Ok(store.drift_counts()?)
            })
        };
        let counts = self.pool.with_writer(write).await?;
        self.metrics.drift_findings(counts);
        self.signals.webhook_wake.notify_one();
        Ok(())
    }
}

/// A database that was compared with the policies.
struct Compared {
    drifts: Drifts,
    position: usize,
    /// The hash of each finding, in their order.
    hashes: Vec<u64>,
    state: DriftState,
}

impl Compared {
    fn new(drifts: &Drifts, position: usize) -> Self {
        let drift = &drifts[position];
        let hashes = hashes(drift);
        let state = DriftState::new(counts(drift), hashes.clone());
        Self { drifts: Arc::clone(drifts), position, hashes, state }
    }

    /// Stores the findings as known, with the message about new ones.
    fn record(
        &self,
        store: &mut Store,
        event: Uuid,
        has_webhook: bool,
        at: Instant,
    ) -> Result<(), ServiceError> {
        let drift = &self.drifts[self.position];
        let connection = &drift.database().connection;
        let known = store.drift_state(connection)?;
        if known.as_ref() == Some(&self.state) {
            return Ok(());
        }
        let mut new_findings = 0;
        let mut details = Vec::new();
        if has_webhook {
            for (finding, hash) in drift.findings().zip(&self.hashes) {
                if known.as_ref().is_some_and(|known| known.has(*hash)) {
                    continue;
                }
                new_findings += 1;
                if new_findings <= DESCRIBED {
                    details.push(finding.detail());
                }
            }
        }
        let message = (new_findings > 0).then(|| message(drift, new_findings, &details, event, at));
        store.write_drift_state(connection, &self.state, message.as_ref())?;
        Ok(())
    }
}

fn counts(drift: &Drift) -> BTreeMap<String, u64> {
    FindingKind::ALL.into_iter().map(|kind| (kind.as_str().to_owned(), drift.count(kind) as u64)).collect()
}

fn message(drift: &Drift, new_findings: usize, details: &[String], event: Uuid, at: Instant) -> NewMessage {
    let database = drift.database();
    let body = json!({
        "type": "drift.found",
        "timestamp": at.to_string(),
        "data": {
            "connection": database.connection,
            "observedAt": database.privileges.observed_at.to_string(),
            "newFindings": new_findings,
            "findings": counts(drift),
            "details": details,
        },
    });
    let id = format!("msg_{}", Uuid::new_v4().simple());
    NewMessage { id, run_id: event, body: body.to_string(), at }
}

/// Returns a hash of the identity of each finding, in their order. Identities do not depend on positions, which change from
/// read to read.
fn hashes(drift: &Drift) -> Vec<u64> {
    drift.findings().map(|finding| hash(drift, &finding)).collect()
}

fn hash(drift: &Drift, finding: &Finding<'_>) -> u64 {
    let (snapshot, privileges) = (drift.snapshot(), &drift.database().privileges);
    let mut digest = Sha256::new();
    digest.update([finding.kind as u8]);
    digest.update(finding.scope.as_str());
    digest.update(snapshot.data_sources[finding.source.get()].id.0.to_be_bytes());
    digest.update(finding.column.map_or(-1, |it| snapshot.columns[it.get()].id.0).to_be_bytes());
    digest.update(finding.user.map_or(-1, |it| snapshot.users[it.get()].id.0).to_be_bytes());
    // Last, since it has no fixed length.
    digest.update(finding.role.map_or("", |it| privileges.roles[it.get()].name.as_str()));
    let digest: [u8; 32] = digest.finalize().into();
    u64::from_be_bytes(std::array::from_fn(|position| digest[position]))
}
