//! What the pages say of users.

use domesday_model::{ALL_USERS, Permission, Snapshot, SnapshotUser, UserStatus};

/// A value of a user, with where it comes from.
pub(super) struct ValueView {
    pub(super) text: String,
    /// Empty when it is the user's own.
    pub(super) origin: String,
}

/// The groups of a user.
pub(super) fn groups(snapshot: &Snapshot, user: &SnapshotUser) -> Vec<String> {
    let groups = user.groups.iter().map(|group| snapshot.groups[group.get()].name.to_string());
    groups.chain([ALL_USERS.to_owned()]).collect()
}

/// The attributes of a user, their own and those of their groups.
pub(super) fn attributes(snapshot: &Snapshot, user: &SnapshotUser) -> Vec<ValueView> {
    let text = |(key, value): &(_, _)| {
        format!("{} = {}", snapshot.symbols.text(*key), snapshot.symbols.text(*value))
    };
    let own = user.attributes.iter().map(|pair| ValueView { text: text(pair), origin: String::new() });
    let groups = user.groups.iter().map(|group| &snapshot.groups[group.get()]);
    let inherited = groups.flat_map(|group| {
        group
            .attributes
            .iter()
            .map(move |pair| ValueView { text: text(pair), origin: format!("from {}", group.name) })
    });
    own.chain(inherited).collect()
}

/// A user's title and department.
pub(super) fn position(user: &SnapshotUser) -> String {
    let parts = [user.title.as_deref(), user.department.as_deref()];
    parts.into_iter().flatten().collect::<Vec<_>>().join(", ")
}

pub(super) fn is_disabled(user: &SnapshotUser) -> bool {
    user.status == UserStatus::Disabled
}

/// The users who can give permissions and entitlements.
pub(super) fn administrators(snapshot: &Snapshot) -> impl Iterator<Item = &SnapshotUser> {
    snapshot
        .users
        .iter()
        .filter(|user| user.status == UserStatus::Active && user.permissions.contains(&Permission::UserAdmin))
}

/// What a permission allows, in a few words.
pub(super) fn permission_summary(permission: Permission) -> &'static str {
    match permission {
        Permission::Governance => "policies, the export, all access",
        Permission::UserAdmin => "users, groups, their keys",
        Permission::Audit => "reads everything, changes nothing",
        Permission::CreateDataSource => "registers data sources",
        Permission::ApplicationAdmin => "permissions of others",
    }
}
