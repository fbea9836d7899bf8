//! user-metadata and user-entitlements.

use domesday_model::layers::Giver;
use domesday_model::{ALL_USERS, GroupIx, Instant, Since, SnapshotUser, UserStatus};

use super::{RowContext, Rows};
use crate::{EncodeError, json};

pub(crate) fn user_metadata(world: &RowContext<'_>, rows: &mut Rows<'_>) -> Result<(), EncodeError> {
    let symbols = &world.snapshot.symbols;
    for user in world.snapshot.users.iter() {
        let mut permissions: Vec<_> = user.permissions.iter().map(|permission| permission.as_str()).collect();
        permissions.sort_unstable();
        let groups = user.groups.iter().map(|group| group_name(world, *group));
        let attributes =
            user.attributes.iter().map(|(key, value)| (symbols.text(*key), symbols.text(*value)));
        rows.row()
            .integer("user_id", user.id.0)
            .uuid("global_user_id", user.global_id)
            .text("username", &user.username)
            .text("display_name", &user.name)
            .optional_text("email", user.email.as_deref())
            .optional_text("employee_number", user.employee_number.as_deref())
            .optional_text("department", user.department.as_deref())
            .optional_text("title", user.title.as_deref())
            .optional_uuid("manager_global_user_id", user.manager.map(|ix| world.user_at(ix).global_id))
            .text("iam_id", symbols.text(user.identity_provider))
            .text("status", status(user.status))
            .text("permissions", &json::strings(permissions))
            .text("groups", &json::strings(groups))
            .text("attributes", &json::multimap(attributes))
            .instant("created_at", user.created_at)
            .optional_instant("last_seen_at", world.snapshot.last_seen.get(&user.id).copied())
            .optional_instant("absent_since", user.absent_since)
            .optional_instant("leaving_date", user.leaving_date)
            .end()?;
    }
    Ok(())
}

fn status(status: UserStatus) -> &'static str {
    match status {
        UserStatus::Active => "ACTIVE",
        UserStatus::Disabled => "DISABLED",
    }
}

fn group_name<'a>(world: &RowContext<'a>, group: GroupIx) -> &'a str {
    &world.snapshot.groups[group.get()].name
}

/// One entitlement of a user, in the order of the rows: name, value, origin (DIRECT before GROUP), group.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Entitlement<'a> {
    name: &'a str,
    value: Option<&'a str>,
    origin_group: Option<&'a str>,
    granted_at: Instant,
    granted_by: Option<&'a str>,
}

pub(crate) fn user_entitlements(world: &RowContext<'_>, rows: &mut Rows<'_>) -> Result<(), EncodeError> {
    for user in world.snapshot.users.iter() {
        let kinds = [
            ("GROUP", groups(world, user)),
            ("ATTRIBUTE", attributes(world, user)),
            ("PERMISSION", permissions(user)),
        ];
        for (kind, mut entitlements) in kinds {
            entitlements.sort_unstable();
            for entitlement in entitlements {
                let origin = if entitlement.origin_group.is_some() { "GROUP" } else { "DIRECT" };
                rows.row()
                    .uuid("global_user_id", user.global_id)
                    .text("kind", kind)
                    .text("name", entitlement.name)
                    .optional_text("value", entitlement.value)
                    .text("origin", origin)
                    .optional_text("origin_group", entitlement.origin_group)
                    .instant("granted_at", entitlement.granted_at)
                    .optional_text("granted_by", entitlement.granted_by)
                    .end()?;
            }
        }
    }
    Ok(())
}

fn direct_entitlement<'a>(
    name: &'a str,
    value: Option<&'a str>,
    granted_at: Instant,
    giver: Option<&'a Giver>,
) -> Entitlement<'a> {
    Entitlement { name, value, origin_group: None, granted_at, granted_by: giver.and_then(Giver::name) }
}

/// Returns when a part was added. The key is built only where the object has a history.
fn added_at(history: &Since, object: Instant, part: impl FnOnce() -> String) -> Instant {
    if history.0.is_empty() { object } else { history.part_since(&part(), object) }
}

/// Returns when a user joined a group, and who said so.
fn joined<'a>(user: &'a SnapshotUser, group: &str) -> (Instant, &'a Giver) {
    let part = || format!("group:{group}");
    (added_at(&user.since, user.created_at, part), user.givers.part(part))
}

fn groups<'a>(world: &RowContext<'a>, user: &'a SnapshotUser) -> Vec<Entitlement<'a>> {
    let own = user.groups.iter().map(|group| {
        let group = group_name(world, *group);
        let (at, giver) = joined(user, group);
        direct_entitlement(group, None, at, Some(giver))
    });
    // Nobody gave the membership that every active user has.
    let everyone = (user.status == UserStatus::Active)
        .then(|| direct_entitlement(ALL_USERS, None, joined(user, ALL_USERS).0, None));
    own.chain(everyone).collect()
}

fn attributes<'a>(world: &RowContext<'a>, user: &'a SnapshotUser) -> Vec<Entitlement<'a>> {
    let symbols = &world.snapshot.symbols;
    let own = user.attributes.iter().map(|(key, value)| {
        let (key, value) = (symbols.text(*key), symbols.text(*value));
        let part = || format!("attribute:{key}={value}");
        let at = added_at(&user.since, user.created_at, part);
        direct_entitlement(key, Some(value), at, Some(user.givers.part(part)))
    });
    let inherited = user.groups.iter().flat_map(|group| {
        let group = &world.snapshot.groups[group.get()];
        group.attributes.iter().map(move |(key, value)| {
            let (name, value) = (symbols.text(*key), symbols.text(*value));
            let part = || format!("attribute:{name}={value}");
            let provenance = &group.provenance;
            let of_group = added_at(&provenance.since, provenance.created_at, part);
            let (joined, by) = joined(user, &group.name);
            // Whoever came last made the user have it.
            let (granted_at, giver) =
                if of_group > joined { (of_group, provenance.givers.part(part)) } else { (joined, by) };
            let granted_by = giver.name();
            Entitlement { name, value: Some(value), origin_group: Some(&group.name), granted_at, granted_by }
        })
    });
    own.chain(inherited).collect()
}

fn permissions(user: &SnapshotUser) -> Vec<Entitlement<'_>> {
    let permissions = user.permissions.iter().map(|permission| permission.as_str());
    permissions
        .map(|name| {
            let part = || format!("permission:{name}");
            let at = added_at(&user.since, user.created_at, part);
            direct_entitlement(name, None, at, Some(user.givers.part(part)))
        })
        .collect()
}
