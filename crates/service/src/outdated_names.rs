//! Names that an earlier version accepted and this one does not: they go on working, and each start warns of them.

use domesday_model::limits::check_name;
use domesday_model::{Kind, reserved_name};
use domesday_store::Store;

use crate::error::ServiceError;
use crate::pool::Pool;

/// How many names of a kind are written to the log.
const MAX_NAMES: usize = 20;

/// How many characters of a name are written to the log.
const MAX_CHARS: usize = 100;

/// Writes to the log which objects have such a name.
pub(crate) async fn report(pool: Pool) {
    for kind in Kind::ALL {
        let read = move |store: &mut Store| -> Result<_, ServiceError> {
            Ok(store.names_where(kind, |name| fault(kind, name).is_some())?)
        };
        let Ok(names) = pool.with(read).await else { return };
        for name in names.iter().take(MAX_NAMES) {
            let fault = fault(kind, name).unwrap_or_default();
            let name: String = name.chars().take(MAX_CHARS).collect();
            tracing::warn!(%kind, name, fault, "a name is no longer accepted; create another {kind} in its place");
        }
        if names.len() > MAX_NAMES {
            tracing::warn!(%kind, more = names.len() - MAX_NAMES, "more names are no longer accepted");
        }
    }
}

/// Why a name is no longer accepted.
fn fault(kind: Kind, name: &str) -> Option<String> {
    if let Err(error) = check_name(name) {
        return Some(error.to_string());
    }
    let reserved = matches!(kind, Kind::User | Kind::Group).then(|| reserved_name(name)).flatten()?;
    Some(format!("`{reserved}` is reserved: it means somebody or everybody"))
}
