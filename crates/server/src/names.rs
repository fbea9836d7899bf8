//! Names that an earlier version accepted and this one would not: they go on working, and each start warns of them.

use domesday_model::limits::check_name;
use domesday_model::{Kind, reserved_name};
use domesday_store::Store;

use crate::problem::Problem;
use crate::service::App;

/// How many names of a kind are written to the log.
const MOST: usize = 20;

/// How many characters of a name are written to the log.
const LONGEST: usize = 100;

/// Writes to the log which objects have such a name.
pub(crate) async fn report(app: App) {
    for kind in Kind::ALL {
        let read = move |store: &mut Store| -> Result<_, Problem> {
            Ok(store.names_where(kind, |name| fault(kind, name).is_some())?)
        };
        let Ok(names) = app.pool.with(read).await else { return };
        for name in names.iter().take(MOST) {
            let fault = fault(kind, name).unwrap_or_default();
            let name: String = name.chars().take(LONGEST).collect();
            tracing::warn!(%kind, name, fault, "a name is accepted no longer; create another {kind} in its place");
        }
        if names.len() > MOST {
            tracing::warn!(%kind, more = names.len() - MOST, "more names are accepted no longer");
        }
    }
}

/// Why a name is accepted no longer.
fn fault(kind: Kind, name: &str) -> Option<String> {
    if let Err(error) = check_name(name) {
        return Some(error.to_string());
    }
    let reserved = matches!(kind, Kind::User | Kind::Group).then(|| reserved_name(name)).flatten()?;
    Some(format!("`{reserved}` is reserved: it means somebody or everybody"))
}
