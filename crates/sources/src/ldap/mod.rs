//! Directories as a source: people and groups, read over LDAP (RFC 4511) from OpenLDAP, Active Directory and others.
//!
//! A read is one connection: TLS, a bind, the root entry (`profile`: which kind of directory it is), the schema when a
//! mapping has to be checked (`schema`), a paged search of people and one of groups (`client`), and what both say together
//! (`people`, `groups`). Everything that can be wrong with the configuration is found before connecting (`settings`,
//! `filter`).
//!
//! The client is this crate's own: it is a few operations, and each message, value, answer and read must have a bound, which
//! the LDAP libraries do not have. Bytes are read and written in `ber` and `message`, which do no I/O.

mod address;
mod ber;
mod client;
mod convert;
mod dn;
mod entry;
mod error;
mod filter;
mod groups;
mod message;
mod people;
mod profile;
mod schema;
mod settings;
mod transport;

use std::time::Duration;

use domesday_model::LdapConnection;
use secrecy::{ExposeSecret, SecretString};

use crate::digest::digest;
use crate::reading::{Reading, Skipped};
use client::{Client, Found, Subject};
use entry::Entry;
pub use error::LdapError;
pub use profile::DirectoryKind;
use profile::{GroupField, UserField};
use schema::Schema;
use settings::{SearchPlan, Settings};

pub use crate::network::JudgeAddresses;

/// How a directory is accessed.
pub struct LdapAccess<'a> {
    /// The password of `bindDn`.
    pub password: Option<SecretString>,
    /// Certificates of authorities in PEM that are trusted in addition to the public ones.
    pub authorities: Vec<u8>,
    /// How long connecting, and each answer of the server, may take. Resolving the name has the system's own limit.
    pub time_limit: Duration,
    /// How much is read at most.
    pub bounds: LdapBounds,
    /// Judges the resolved addresses. Nothing else is connected to: referrals are not followed.
    pub judge_addresses: JudgeAddresses<'a>,
}

/// How much is read from a directory at most. What exceeds a bound is an error, never a shorter reading; a single value
/// that is too long leaves out its entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LdapBounds {
    /// How many entries each of the two searches may find.
    pub entries: usize,
    /// The longest value of an attribute, in bytes.
    pub value_bytes: usize,
    /// The largest message, in bytes: an entry with all its values.
    pub message_bytes: usize,
    /// All values together, in bytes.
    pub total_bytes: u64,
    /// How many memberships of users in groups, the nested ones included.
    pub memberships: usize,
    /// How long the whole read may take.
    pub total_time: Duration,
}

impl Default for LdapBounds {
    fn default() -> Self {
        Self {
            entries: 1_000_000,
            value_bytes: 64 << 10,
            message_bytes: 128 << 20,
            total_bytes: 1 << 30,
            memberships: 5_000_000,
            total_time: Duration::from_secs(30 * 60),
        }
    }
}

/// What [`verify`] found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LdapFindings {
    /// The kind of directory.
    pub directory: DirectoryKind,
    /// The vendor, where the directory names it.
    pub vendor: Option<String>,
    /// The first page of people.
    pub users: PageFindings,
    /// The first page of groups, where groups are configured.
    pub groups: Option<PageFindings>,
    /// What whoever runs the connection should know.
    pub warnings: Vec<String>,
}

/// What a first page contained.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PageFindings {
    /// How many entries.
    pub entries: usize,
    /// How many of them would become users or groups.
    pub usable: usize,
    /// Whether this is everything.
    pub is_complete: bool,
    /// The others, each with the reason.
    pub skipped: Vec<Skipped>,
}

/// Checks a configuration without connecting.
///
/// # Errors
/// [`LdapError::Configuration`] with the first field that is invalid.
pub fn check(connection: &LdapConnection) -> Result<(), LdapError> {
    Settings::parse(connection).map(|_| ())
}

/// Reads all people and groups of a directory. `name` is the connection's, which becomes the users' identity provider.
///
/// # Errors
/// When anything prevents a complete read.
pub fn read(connection: &LdapConnection, name: &str, access: &LdapAccess<'_>) -> Result<Reading, LdapError> {
    let mut session = Session::open(connection, access)?;
    let users = session.search_users(false)?;
    let groups = session.search_groups(false)?;
    session.client.close();
    let mut warnings = session.warnings;
    let mut own_count = None;
    for (section, found) in [("users", Some(&users)), ("groups", groups.as_ref())] {
        let Some(found) = found else { continue };
        check_estimate(section, found, session.counts_candidates)?;
        if found.estimate > 0 && !session.counts_candidates {
            *own_count.get_or_insert(0) += found.estimate;
        }
        warnings.extend(reference_warning(section, session.directory, &found.references));
    }
    let Found { entries, .. } = users;
    let mut people = people::read(name, &session.users, unique(entries, &session.users));
    if people.users.is_empty() {
        warnings.push(format!(
            "the search below `{}` found no user; check `users.base` and `users.filter`, and what the account may see",
            session.users.base
        ));
    }
    let mut reading = Reading::default();
    if let (Some(plan), Some(found)) = (&session.groups, groups) {
        let found = unique(found.entries, plan);
        let listed = groups::read(plan, &found, &mut people, access.bounds.memberships)?;
        reading.groups = listed.groups;
        reading.skipped = listed.skipped;
        warnings.extend(listed.warnings);
    }
    warnings.extend(people.warnings);
    reading.users = people.users;
    reading.skipped.extend(people.skipped);
    reading.skipped.sort_unstable_by(|left, right| left.entry.cmp(&right.entry));
    reading.own_count = own_count;
    reading.warnings = warnings;
    reading.sha256 = digest(&reading);
    Ok(reading)
}

/// Connects, signs in, and reads a first page of people and groups.
///
/// # Errors
/// When a read would fail for a reason that can be known by then.
pub fn verify(connection: &LdapConnection, access: &LdapAccess<'_>) -> Result<LdapFindings, LdapError> {
    let mut session = Session::open(connection, access)?;
    let users = session.search_users(true)?;
    let groups = session.search_groups(true)?;
    session.client.close();
    let mut warnings = session.warnings;
    warnings.extend(reference_warning("users", session.directory, &users.references));
    let (entries, is_complete) = (users.entries.len(), users.is_complete);
    let mut people = people::read("", &session.users, unique(users.entries, &session.users));
    let users = PageFindings {
        entries,
        usable: people.users.len(),
        is_complete,
        skipped: std::mem::take(&mut people.skipped),
    };
    let mut group_findings = None;
    if let (Some(plan), Some(found)) = (&session.groups, groups) {
        warnings.extend(reference_warning("groups", session.directory, &found.references));
        let (entries, is_complete) = (found.entries.len(), found.is_complete);
        let listed =
            groups::read(plan, &unique(found.entries, plan), &mut people, access.bounds.memberships)?;
        let (usable, skipped) = (listed.groups.len(), listed.skipped);
        group_findings = Some(PageFindings { entries, usable, is_complete, skipped });
    }
    Ok(LdapFindings {
        directory: session.directory,
        vendor: session.vendor,
        users,
        groups: group_findings,
        warnings,
    })
}

/// A connection to a directory whose kind is known.
struct Session {
    client: Client,
    directory: DirectoryKind,
    vendor: Option<String>,
    /// Whether the estimates of pages count candidates, of which the filter leaves fewer.
    counts_candidates: bool,
    users: SearchPlan<UserField>,
    groups: Option<SearchPlan<GroupField>>,
    warnings: Vec<String>,
}

impl Session {
    fn open(connection: &LdapConnection, access: &LdapAccess<'_>) -> Result<Self, LdapError> {
        let settings = Settings::parse(connection)?;
        check_password(&settings, access)?;
        let mut client = Client::open(&settings.address, settings.bind_dn.as_deref(), access)?;
        let requested = ["supportedCapabilities", "subschemaSubentry", "vendorName"].map(str::to_owned);
        // A directory may hide its root entry: it is read as one of the standard kind.
        let root = client.entry("", &requested).or_else(|error| match error {
            LdapError::Refused { .. } => Ok(None),
            error => Err(error),
        })?;
        let first = |name: &str| root.as_ref().and_then(|root| texts(root, name).next().map(str::to_owned));
        let capabilities = root.iter().flat_map(|root| texts(root, "supportedcapabilities"));
        let directory = DirectoryKind::from_capabilities(capabilities);
        let vendor = first("vendorname");
        // 389 Directory Server and what became of it, or what it came from.
        let counts_candidates = vendor.as_deref().is_some_and(|vendor| {
            let vendor = vendor.to_lowercase();
            ["389", "red hat", "fedora", "netscape", "sun", "oracle"].iter().any(|name| vendor.contains(name))
        });
        let mut warnings = Vec::new();
        let configured = settings.configured();
        let schema = if configured.is_empty() {
            Schema::default()
        } else {
            read_schema(&mut client, first("subschemasubentry").as_deref())?
        };
        if schema.is_empty() && !configured.is_empty() {
            warnings.push(
                "the account cannot read the schema of the directory, so that the attributes in the mapping were not checked".to_owned(),
            );
        } else if let Some((field, attribute)) = configured.iter().find(|(_, name)| !schema.has(name)) {
            let near = schema.nearest(attribute).map(str::to_owned);
            return Err(LdapError::UnknownAttribute {
                field: field.clone(),
                attribute: (*attribute).to_owned(),
                near,
            });
        }
        Ok(Self {
            client,
            directory,
            vendor,
            counts_candidates,
            users: settings.users.into_plan(directory, &schema),
            groups: settings.groups.map(|groups| groups.into_plan(directory, &schema)),
            warnings,
        })
    }

    fn search_users(&mut self, only_first: bool) -> Result<Found, LdapError> {
        self.client.search(subject(&self.users), only_first)
    }

    fn search_groups(&mut self, only_first: bool) -> Result<Option<Found>, LdapError> {
        let Some(plan) = &self.groups else { return Ok(None) };
        self.client.search(subject(plan), only_first).map(Some)
    }
}

fn subject<F>(plan: &SearchPlan<F>) -> Subject<'_> {
    Subject { section: plan.section, base: &plan.base, filter: &plan.filter, attributes: &plan.requested }
}

/// A name without a password would be accepted as anonymous by many servers (RFC 4513, section 5.1.2).
fn check_password(settings: &Settings, access: &LdapAccess<'_>) -> Result<(), LdapError> {
    let has_password = access.password.as_ref().is_some_and(|password| !password.expose_secret().is_empty());
    match (&settings.bind_dn, has_password) {
        (Some(_), false) => {
            Err(LdapError::configuration("password", "`bindDn` is set, but there is no password"))
        }
        (None, true) => {
            Err(LdapError::configuration("bindDn", "there is a password, but no name to sign in with"))
        }
        _ => Ok(()),
    }
}

fn read_schema(client: &mut Client, dn: Option<&str>) -> Result<Schema, LdapError> {
    let Some(dn) = dn else { return Ok(Schema::default()) };
    let entry = match client.entry(dn, &["attributeTypes".to_owned()]) {
        Ok(Some(entry)) => entry,
        Ok(None) | Err(LdapError::Refused { .. } | LdapError::UnknownBase { .. }) => {
            return Ok(Schema::default());
        }
        Err(error) => return Err(error),
    };
    Ok(Schema::parse(entry.values_of("attributetypes")))
}

fn texts<'e>(entry: &'e Entry, attribute: &'e str) -> impl Iterator<Item = &'e str> {
    entry.values_of(attribute).filter_map(|value| std::str::from_utf8(value).ok())
}

/// Refuses a search that found fewer entries than the server itself counted.
fn check_estimate(section: &str, found: &Found, counts_candidates: bool) -> Result<(), LdapError> {
    if counts_candidates || found.entries.len() as u64 >= found.estimate {
        return Ok(());
    }
    let (counted, sent) = (found.estimate, found.entries.len());
    Err(LdapError::Incomplete(format!("it counts {counted} entries for `{section}` and sent {sent}")))
}

/// Names the servers that a search refers to, other than the partitions of Active Directory that have no people.
fn reference_warning(section: &str, directory: DirectoryKind, references: &[String]) -> Option<String> {
    let is_elsewhere = |url: &&String| {
        let url = url.to_lowercase();
        let partitions = ["/cn=configuration,", "/dc=domaindnszones,", "/dc=forestdnszones,"];
        directory != DirectoryKind::ActiveDirectory || !partitions.iter().any(|name| url.contains(name))
    };
    let references: Vec<&String> = references.iter().filter(is_elsewhere).collect();
    let first = references.first()?;
    let further = match references.len() - 1 {
        0 => String::new(),
        further => format!(" and to at least {further} more"),
    };
    Some(format!(
        "the search of `{section}` refers to {}{further}; referrals are not followed, so what is there is missing",
        domesday_model::Excerpt(first)
    ))
}

/// Leaves one of the entries that are the same: one that is moved during a paged search can appear on two pages.
fn unique<F>(entries: Vec<Entry>, plan: &SearchPlan<F>) -> Vec<(Option<String>, Entry)> {
    let mut places = std::collections::HashMap::new();
    let mut kept: Vec<(Option<String>, Entry)> = Vec::with_capacity(entries.len());
    for entry in entries {
        let key = plan.key.iter().find_map(|attribute| {
            convert::key(&attribute.name.to_lowercase(), entry.values(attribute).next()?)
        });
        let identity = key.clone().or_else(|| dn::normalize(&entry.dn)).unwrap_or_else(|| entry.dn.clone());
        match places.entry(identity) {
            std::collections::hash_map::Entry::Occupied(place) => kept[*place.get()] = (key, entry),
            std::collections::hash_map::Entry::Vacant(place) => {
                place.insert(kept.len());
                kept.push((key, entry));
            }
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_are_named_unless_nobody_can_be_there() {
        let references =
            ["ldap://acme/CN=Configuration,DC=acme", "ldap://acme/DC=ForestDnsZones,DC=acme", "ldap://eu/"];
        let references = references.map(str::to_owned);
        let warning = |directory, count| reference_warning("users", directory, &references[..count]);
        assert_eq!(warning(DirectoryKind::ActiveDirectory, 2), None);
        let elsewhere = warning(DirectoryKind::ActiveDirectory, 3).unwrap();
        assert!(
            elsewhere.starts_with("the search of `users` refers to ldap://eu/; referrals"),
            "{elsewhere}"
        );
        assert!(warning(DirectoryKind::Standard, 3).unwrap().contains("and to at least 2 more"));
    }

    #[test]
    fn fewer_entries_than_the_server_counts_are_an_error() {
        let found = |estimate| Found { estimate, ..Found::default() };
        assert_eq!(check_estimate("users", &found(0), false), Ok(()));
        // A count of candidates is no promise.
        assert_eq!(check_estimate("users", &found(7), true), Ok(()));
        let error = check_estimate("users", &found(7), false).unwrap_err();
        assert_eq!(
            error.to_string(),
            "the answer of the directory is not complete: it counts 7 entries for `users` and sent 0; nothing was read"
        );
    }
}
