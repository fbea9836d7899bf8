//! What is read from a directory, against a real slapd.

#![allow(clippy::unwrap_used, reason = "a test that cannot prepare its world has failed")]
#![cfg(unix)]

mod active_directory;
mod failures;
mod proxy;
mod reading;
mod slapd;
mod tls;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use domesday_model::{LdapConnection, LdapSearch};
use domesday_sources::ldap::{LdapAccess, LdapBounds};

/// The suffix of the directory that no test changes.
pub(crate) const ACME: &str = "dc=acme,dc=example";

/// The account that may read everything.
pub(crate) const READER: &str = "cn=reader,dc=acme,dc=example";

/// A search with the defaults.
pub(crate) fn search(base: &str) -> LdapSearch {
    LdapSearch { base: base.to_owned(), filter: None, attributes: BTreeMap::new() }
}

/// A search with a mapping.
pub(crate) fn mapped(base: &str, mapping: &[(&str, &str)]) -> LdapSearch {
    let attributes = mapping.iter().map(|(field, name)| ((*field).to_owned(), (*name).to_owned()));
    LdapSearch { attributes: attributes.collect(), ..search(base) }
}

/// A connection to a server as the reader.
pub(crate) fn connection(url: String, users: LdapSearch, groups: Option<LdapSearch>) -> LdapConnection {
    LdapConnection { url, bind_dn: Some(READER.to_owned()), password: None, users, groups }
}

pub(crate) fn allow_all(_: &str, _: &[SocketAddr]) -> Result<(), String> {
    Ok(())
}

/// Access as the reader, with the authority of a server.
pub(crate) fn access(authorities: Vec<u8>) -> LdapAccess<'static> {
    LdapAccess {
        password: Some("secret".into()),
        authorities,
        time_limit: Duration::from_secs(60),
        bounds: LdapBounds::default(),
        judge_addresses: &allow_all,
    }
}
