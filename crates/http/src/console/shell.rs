//! The frame of every page: the navigation by permission, who is signed in, and what forms need.

use domesday_model::{Instant, Tenant};
use domesday_service::caller::{ADMINISTRATOR, Caller};

use super::times::Calendar;

/// A line of the navigation.
#[derive(Debug, Clone)]
pub(super) struct NavigationItem {
    pub(super) path: &'static str,
    pub(super) name: &'static str,
    pub(super) icon: &'static str,
    pub(super) is_current: bool,
}

/// The frame of a page.
#[derive(Debug, Clone)]
pub(super) struct Shell {
    pub(super) tenant: String,
    /// The tenant's time zone.
    pub(super) zone: String,
    pub(super) name: String,
    pub(super) username: String,
    pub(super) is_user: bool,
    pub(super) user_id: i64,
    pub(super) form_token: String,
    pub(super) calendar: Calendar,
    path: String,
}

impl Shell {
    pub(super) fn new(
        caller: &Caller,
        tenant: Option<&Tenant>,
        name: Option<String>,
        form_token: String,
        path: &str,
        now: Instant,
    ) -> Self {
        let zone = tenant.map_or_else(|| "UTC".to_owned(), |tenant| tenant.time_zone.clone());
        let is_user = caller.user.is_some();
        let name =
            name.unwrap_or_else(|| if is_user { caller.actor.clone() } else { "Administrator".to_owned() });
        let username = if is_user { caller.actor.clone() } else { ADMINISTRATOR.to_owned() };
        Self {
            tenant: tenant.map_or_else(|| "Domesday".to_owned(), |tenant| tenant.name.clone()),
            calendar: Calendar::new(&zone, now),
            zone,
            name,
            username,
            is_user,
            user_id: caller.user_id.map_or(0, |id| id.0),
            form_token,
            path: path.to_owned(),
        }
    }

    /// The pages that are there for the caller.
    pub(super) fn navigation(&self) -> Vec<NavigationItem> {
        // The one list so far is there for everybody: owners see their data sources, and each user themselves.
        let items = [("/console/access", "Who can reach what", "key")];
        let item = |(path, name, icon): (&'static str, &'static str, &'static str)| NavigationItem {
            path,
            name,
            icon,
            is_current: self.path == path || self.path.starts_with(&format!("{path}/")),
        };
        items.into_iter().map(item).collect()
    }

    pub(super) fn is_profile(&self) -> bool {
        self.path.starts_with("/console/profile")
    }
}
