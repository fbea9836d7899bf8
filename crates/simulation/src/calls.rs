//! What clients ask for meanwhile, and what has to be in the store once it was acknowledged.

use std::sync::Arc;

use domesday_service::caller::Caller;
use domesday_service::exports::{ExportPatch, ExportRequest};
use domesday_service::{Precondition, Service, ServiceError, runs};
use domesday_store::{ApplyOptions, Store};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::catalog::catalog;
use crate::database::configuration_with_secret;
use crate::night::Call;
use crate::replica::{CallEnd, Replica};
use crate::world::{State, World};

/// Lets a client call a replica.
pub(crate) fn call(world: &Arc<World>, replica: &Replica, call: Call) {
    let mut state = world.lock();
    state.log(format_args!("a client calls replica {}: {call:?}", replica.process.replica));
    let now = state.now;
    let acknowledged = &mut state.acknowledged;
    match call {
        Call::ChangeCatalog if acknowledged.is_catalog_under_way => return,
        Call::ChangeCatalog => {
            acknowledged.is_catalog_under_way = true;
            acknowledged.catalog_sent += 1;
        }
        Call::StartRun => {}
        Call::CancelRun => acknowledged.has_cancelled = true,
        Call::RecreateExport => {
            acknowledged.has_cancelled = true;
            acknowledged.export_changed_at = now;
            acknowledged.recreation_began_at = Some(now);
        }
        Call::ChangeLayout | Call::ChangeSchedule | Call::CreateExport => {
            acknowledged.export_changed_at = now;
        }
    }
    let version = acknowledged.catalog_sent;
    let (minute, layout) = (state.rng.below(30), state.rng.index(3));
    drop(state);
    let end = end(world, call);
    match call {
        Call::ChangeCatalog => replica.call(move |service, who| change_catalog(service, who, version), end),
        Call::StartRun => replica.call(start_run, end),
        Call::CancelRun => {
            let open = "SELECT id FROM run WHERE state IN ('queued', 'running') ORDER BY number LIMIT 1";
            let found = world.lock().peek.query_row(open, [], |row| row.get::<_, String>(0));
            let Some(id) = found.ok().and_then(|id| id.parse().ok()) else { return };
            replica.call(move |service, who| cancel_run(service, who, id), end);
        }
        Call::ChangeLayout => {
            let layout = ["latest", "swap", "history"][layout];
            replica.call(move |service, who| patch(service, who, json!({ "layout": layout })), end);
        }
        Call::ChangeSchedule => {
            let schedule = format!("{minute} 2 * * *");
            replica.call(move |service, who| patch(service, who, json!({ "schedule": schedule })), end);
        }
        Call::RecreateExport => replica.call(recreate_export, end),
        Call::CreateExport => replica.call(create_export, end),
    }
}

/// What is checked once a call has ended.
fn end(world: &Arc<World>, call: Call) -> CallEnd {
    let world = Arc::clone(world);
    Box::new(move |result| {
        let mut state = world.lock();
        let now = state.now;
        match call {
            Call::ChangeCatalog => state.acknowledged.is_catalog_under_way = false,
            Call::ChangeLayout | Call::ChangeSchedule | Call::RecreateExport | Call::CreateExport => {
                state.acknowledged.export_changed_at = now;
            }
            Call::StartRun | Call::CancelRun => {}
        }
        match result {
            Ok(told) => {
                state.statistics.calls += 1;
                state.log(format_args!("{call:?} is acknowledged"));
                state.check_acknowledged(call, &told);
            }
            Err(error) => {
                // Messages name runs, whose ids are no part of what a seed decides.
                let shown = format!("{error:?}");
                let kind = shown.split(|c: char| !c.is_alphanumeric()).next().unwrap_or_default();
                state.log(format_args!("{call:?} fails: {kind}"));
            }
        }
    })
}

async fn change_catalog(service: Arc<Service>, who: Caller, version: u64) -> Result<String, ServiceError> {
    let change = move |store: &mut Store, _: &Caller, at| -> Result<String, ServiceError> {
        let catalog = catalog(version).map_err(ServiceError::unavailable)?;
        store.apply(&catalog, ApplyOptions { at, prune: false, dry_run: false })?;
        Ok(version.to_string())
    };
    service.write(who, change).await
}

async fn start_run(service: Arc<Service>, who: Caller) -> Result<String, ServiceError> {
    let start = |store: &mut Store, who: &Caller, now| runs::start(store, who, now);
    let run = service.write(who, start).await?;
    service.signals.scheduler_wake.notify_one();
    Ok(run.id.to_string())
}

async fn cancel_run(service: Arc<Service>, who: Caller, id: Uuid) -> Result<String, ServiceError> {
    let has_webhook = service.config.webhook.is_some();
    let cancel = move |store: &mut Store, who: &Caller, now| runs::cancel(store, who, id, has_webhook, now);
    let run = service.write(who, cancel).await?;
    service.signals.cancel_wake.notify_one();
    Ok(json!({ "id": id, "isFinal": run.state.is_final() }).to_string())
}

async fn patch(service: Arc<Service>, who: Caller, fields: Value) -> Result<String, ServiceError> {
    let told = fields.to_string();
    let patch: ExportPatch =
        serde_json::from_value(fields).map_err(|error| ServiceError::invalid(error.to_string()))?;
    service.exports.patch(who, &Precondition::None, patch).await?;
    Ok(told)
}

async fn recreate_export(service: Arc<Service>, who: Caller) -> Result<String, ServiceError> {
    service.exports.delete(who.clone(), Precondition::None).await?;
    create_export(service, who).await
}

async fn create_export(service: Arc<Service>, who: Caller) -> Result<String, ServiceError> {
    let request: ExportRequest = serde_json::from_value(configuration_with_secret())
        .map_err(|error| ServiceError::invalid(error.to_string()))?;
    service.exports.put(who, &Precondition::None, request).await?;
    Ok(json!({ "layout": "swap" }).to_string())
}

impl State {
    /// Checks that the store has what a client has just been told.
    fn check_acknowledged(&mut self, call: Call, told: &str) {
        match call {
            Call::ChangeCatalog => {
                self.acknowledged.catalog = told.parse().unwrap_or_default();
                self.check_catalog();
            }
            Call::StartRun => {
                let id = told.parse().unwrap_or_default();
                self.acknowledged.runs.push(id);
                if self.run_state(id).is_none() {
                    self.violate("a run that was acknowledged is not in the store".to_owned());
                }
            }
            Call::CancelRun => {
                let told: Value = serde_json::from_str(told).unwrap_or_default();
                let id = told["id"].as_str().and_then(|id| id.parse().ok()).unwrap_or_default();
                if told["isFinal"] == true {
                    self.acknowledged.cancelled.push(id);
                } else {
                    self.bucket.summary.cancelled_at = Some(self.now);
                }
            }
            Call::ChangeLayout | Call::ChangeSchedule | Call::RecreateExport | Call::CreateExport => {
                let told: Value = serde_json::from_str(told).unwrap_or_default();
                let stored = self.export_document();
                // Another client may be about to create it anew.
                if stored.is_none() && self.acknowledged.recreation_began_at == Some(self.now) {
                    return;
                }
                let document = stored.unwrap_or_default();
                let differs = told
                    .as_object()
                    .is_some_and(|told| told.iter().any(|(name, value)| document.get(name) != Some(value)));
                if differs {
                    self.violate(format!("{told} was acknowledged, and the store has {document}"));
                }
            }
        }
    }

    /// Checks that the catalog is the one that was acknowledged last, or one that was sent after it.
    pub(crate) fn check_catalog(&mut self) {
        let sql = "SELECT document FROM object WHERE kind = 'users' AND name = 'eve'";
        let found = self.peek.query_row(sql, [], |row| row.get::<_, String>(0)).unwrap_or_default();
        let document: Value = serde_json::from_str(&found).unwrap_or_default();
        let night = document["attributes"]["Night"].to_string();
        let version = night.trim_matches(['[', ']', '"', 'n']).parse::<u64>().ok();
        let (least, most) = (self.acknowledged.catalog, self.acknowledged.catalog_sent);
        if version.is_none_or(|version| !(least..=most).contains(&version)) {
            self.violate(format!(
                "version {least} of the catalog was acknowledged, and the store has {night}"
            ));
        }
    }

    /// The state of a run.
    pub(crate) fn run_state(&self, id: Uuid) -> Option<String> {
        let sql = "SELECT state FROM run WHERE id = ?1";
        self.peek.query_row(sql, [id.to_string()], |row| row.get(0)).ok()
    }

    /// The configuration of the export.
    pub(crate) fn export_document(&self) -> Option<Value> {
        let text: String = self.peek.query_row("SELECT document FROM export", [], |row| row.get(0)).ok()?;
        serde_json::from_str(&text).ok()
    }
}
