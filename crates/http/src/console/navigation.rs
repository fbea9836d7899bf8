//! The navigation: every entry, and who finds it.

use domesday_model::{Kind, Permission};
use domesday_service::caller::{Caller, Permit};
use domesday_service::evaluation::READERS;
use domesday_service::permissions::objects::read_permit;

/// A section of the navigation.
#[derive(Debug, Clone)]
pub(super) struct NavigationSection {
    /// Empty for the first, which has no heading.
    pub(super) name: &'static str,
    pub(super) items: Vec<NavigationItem>,
}

/// A line of the navigation.
#[derive(Debug, Clone)]
pub(super) struct NavigationItem {
    pub(super) path: &'static str,
    pub(super) name: &'static str,
    pub(super) icon: &'static str,
    pub(super) is_current: bool,
    /// How many wait for the caller; 0 shows nothing.
    pub(super) waiting: u64,
}

/// An entry: its path, its name, its icon, and what a caller must be permitted to find it.
type Entry = (&'static str, &'static str, &'static str, Permit);

/// Who reads the audit log and what was delivered.
const AUDITORS: Permit = Permit::AnyOf(READERS);

/// Who finds the connections.
const CONNECTION_READERS: Permit =
    Permit::AnyOf(&[Permission::Audit, Permission::Governance, Permission::UserAdmin]);

/// Who finds the settings.
const SETTINGS: Permit = Permit::AnyOf(&[Permission::ApplicationAdmin, Permission::Governance]);

/// Every section with its entries.
const SECTIONS: &[(&str, &[Entry])] = &[
    (
        "",
        &[
            ("/console", "Overview", "overview", Permit::AnyKey),
            // Owners see their data sources, and each user themselves.
            ("/console/access", "Who can reach what", "key", Permit::AnyKey),
            ("/console/requests", "Requests", "inbox", Permit::AnyKey),
            ("/console/products", "Data products", "box", Permit::AnyKey),
        ],
    ),
    (
        "Rules",
        &[
            ("/console/policies", "Policies", "shield", read_permit(Kind::Policy)),
            ("/console/data-sources", "Data sources", "source", read_permit(Kind::DataSource)),
            ("/console/users", "Users", "user", read_permit(Kind::User)),
            ("/console/groups", "Groups", "group", read_permit(Kind::Group)),
            ("/console/tags", "Tags", "tag", read_permit(Kind::Tag)),
            ("/console/domains", "Domains", "domain", read_permit(Kind::Domain)),
            ("/console/connections", "Connections", "link", CONNECTION_READERS),
        ],
    ),
    (
        "Evidence",
        &[
            ("/console/drift", "Drift", "drift", crate::routes::drift::READERS),
            ("/console/export", "Export", "export", AUDITORS),
            ("/console/runs", "Runs", "clock", AUDITORS),
            ("/console/audit", "Audit log", "list", AUDITORS),
            ("/console/settings", "Settings", "sliders", SETTINGS),
        ],
    ),
];

/// Returns the sections that are there for a caller. `path` is that of the page; `waiting` counts, for an entry's path,
/// what waits for the caller.
pub(super) fn navigation(
    caller: &Caller,
    path: &str,
    waiting: impl Fn(&str) -> u64,
) -> Vec<NavigationSection> {
    // The overview is above all others.
    let is_below = |entry: &str| path.strip_prefix(entry).is_some_and(|rest| rest.starts_with('/'));
    let is_current = |entry: &str| path == entry || entry != "/console" && is_below(entry);
    let sections = SECTIONS.iter().map(|(name, entries)| {
        let found = entries.iter().filter(|(.., permit)| permit.check(caller).is_ok());
        let items = found.map(|&(path, name, icon, _)| NavigationItem {
            path,
            name,
            icon,
            is_current: is_current(path),
            waiting: waiting(path),
        });
        NavigationSection { name, items: items.collect() }
    });
    sections.filter(|section| !section.items.is_empty()).collect()
}

/// Adds the policies, which managers of a domain find without a permission.
pub(super) fn add_policies(sections: &mut Vec<NavigationSection>, path: &str) {
    let item = NavigationItem {
        path: "/console/policies",
        name: "Policies",
        icon: "shield",
        is_current: path.starts_with("/console/policies"),
        waiting: 0,
    };
    match sections.iter_mut().find(|section| section.name == "Rules") {
        Some(section) => section.items.insert(0, item),
        None => {
            sections.insert(sections.len().min(1), NavigationSection { name: "Rules", items: vec![item] });
        }
    }
}
