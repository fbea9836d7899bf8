//! Groups in groups.

use std::collections::{BTreeSet, HashSet};

use domesday_sources::scim::ResourceKind;
use domesday_store::Store;

use super::error::ScimFailure;
use super::reader::{MEMBERS_BATCH, parse_kind};

/// Adds every user below a group, by groups in it too. Cycles end where they close.
pub(super) fn users_below(
    store: &mut Store,
    group: i64,
    users: &mut BTreeSet<i64>,
) -> Result<(), ScimFailure> {
    let (mut seen, mut open) = (HashSet::from([group]), vec![group]);
    while let Some(group) = open.pop() {
        let mut after = i64::MIN;
        loop {
            let batch = store.scim_members(group, after, MEMBERS_BATCH)?;
            let Some(last) = batch.last() else { break };
            after = last.number;
            for member in batch {
                match parse_kind(&member.kind) {
                    ResourceKind::User => drop(users.insert(member.number)),
                    ResourceKind::Group if seen.insert(member.number) => open.push(member.number),
                    ResourceKind::Group => {}
                }
            }
        }
    }
    Ok(())
}
