//! The frame of every page: the navigation by permission, who is signed in, and what forms need.

use domesday_model::{Instant, Tenant};
use domesday_service::caller::{ADMINISTRATOR, Caller};

use super::navigation::{NavigationSection, navigation};
use super::times::Calendar;

/// The entry of the navigation at which the requests that wait for the caller are counted.
const REQUESTS: &str = "/console/requests";

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
    pub(super) navigation: Vec<NavigationSection>,
    path: String,
}

impl Shell {
    pub(super) fn new(
        caller: &Caller,
        tenant: Option<&Tenant>,
        name: Option<String>,
        form_token: String,
        path: &str,
        waiting: u64,
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
            navigation: navigation(caller, path, |entry| if entry == REQUESTS { waiting } else { 0 }),
            path: path.to_owned(),
        }
    }

    pub(super) fn is_profile(&self) -> bool {
        self.path.starts_with("/console/profile")
    }
}
