//! The digest over what a connection listed.

use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::reading::{Listed, Reading};

/// Returns the SHA-256 over everything that a reading lists and leaves out, whatever the order. Warnings do not
/// count, nor does when privileges were read.
pub(crate) fn digest(reading: &Reading) -> [u8; 32] {
    let Reading {
        users,
        groups,
        data_sources,
        partial_columns,
        privileges,
        skipped,
        own_count: _,
        warnings: _,
        sha256: _,
    } = reading;
    let mut lines = Vec::with_capacity(users.len() + groups.len() + data_sources.len() + skipped.len());
    add("user", users, &mut lines);
    add("group", groups, &mut lines);
    add("dataSource", data_sources, &mut lines);
    lines.extend(partial_columns.iter().map(|key| line(&("partialColumns", key))));
    lines.extend(privileges.iter().map(|it| line(&("privileges", &it.host, it.privileges.facts()))));
    lines.extend(skipped.iter().map(|skipped| line(&("skipped", &skipped.entry, &skipped.reason))));
    lines.sort_unstable();
    let mut hash = Sha256::new();
    for line in lines {
        hash.update(line);
        // JSON without white space contains no line break.
        hash.update(b"\n");
    }
    hash.finalize().into()
}

fn add<T: Serialize>(kind: &str, listed: &[Listed<T>], lines: &mut Vec<Vec<u8>>) {
    lines.extend(listed.iter().map(|Listed { key, object }| line(&(kind, key, object))));
}

fn line(value: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(value).expect("the model's types have text keys, and no memory fails to be written to")
}

#[cfg(test)]
mod tests {
    use domesday_model::User;

    use super::*;
    use crate::reading::Skipped;

    #[test]
    fn the_order_does_not_count_and_everything_else_does() {
        let user =
            |name: &str, key: Option<&str>| Listed { key: key.map(str::to_owned), object: User::named(name) };
        let reading =
            Reading { users: vec![user("ada", Some("1")), user("bob", None)], ..Reading::default() };
        let mut turned = reading.clone();
        turned.users.reverse();
        turned.warnings.push("slow".to_owned());
        assert_eq!(digest(&reading), digest(&turned));
        let mut renamed = reading.clone();
        renamed.users[0].key = Some("2".to_owned());
        let mut titled = reading.clone();
        titled.users[1].object.title = Some("CEO".to_owned());
        let mut skipped = reading.clone();
        skipped.skipped.push(Skipped { entry: "eve".to_owned(), reason: "no name".to_owned() });
        for other in [renamed, titled, skipped, Reading::default()] {
            assert_ne!(digest(&reading), digest(&other));
        }
    }
}
