//! How the files of a summary are arranged at a destination: which keys a run writes, and what a key names.

mod engine;
mod existing;
mod key_kind;
mod layouts;
mod run_keys;
mod slot_state;

pub use engine::Engine;
pub use key_kind::{KeyKind, PartFolder};
pub use layouts::{Layout, Slot};
pub use run_keys::{
    RunKeys, kept_manifests_prefix, manifest_key, probe_key, setup_key, snapshot_key, stale_parts,
    version_prefix,
};
pub use slot_state::SlotState;
