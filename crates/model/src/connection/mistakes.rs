//! What is wrong with the configuration of a connection, as far as that can be said without connecting.

use super::{ConnectionKind, DbtConnection, Identification, LdapConnection, PostgresConnection};
use crate::is_tag_name;
use crate::limits::check_name;

/// How many entries a list of a connection may have.
const MOST_ENTRIES: usize = 1000;

/// How long each of its texts may be, in bytes.
const LONGEST: usize = 4096;

/// A mistake: the field, and what was expected.
type Mistake = (&'static str, String);

impl ConnectionKind {
    /// Returns the mistakes of the kind's own fields.
    #[must_use]
    pub fn mistakes(&self) -> Vec<Mistake> {
        let mut mistakes = Vec::new();
        match self {
            Self::Scim(scim) => {
                texts(
                    &mut mistakes,
                    "attributes",
                    scim.attributes.iter().flat_map(|(key, path)| [key, path]),
                );
            }
            Self::Ldap(ldap) => of_ldap(ldap, &mut mistakes),
            Self::Postgres(postgres) => of_postgres(postgres, &mut mistakes),
            Self::Dbt(dbt) => of_dbt(dbt, &mut mistakes),
            Self::Csv(csv) => {
                texts(&mut mistakes, "map", csv.map.iter().flat_map(|(key, header)| [key, header]));
            }
        }
        mistakes
    }
}

fn texts<'t>(mistakes: &mut Vec<Mistake>, field: &'static str, texts: impl IntoIterator<Item = &'t String>) {
    let mut count = 0;
    for text in texts {
        count += 1;
        if text.trim().is_empty() || text.len() > LONGEST || text.contains('\0') {
            mistakes.push((field, format!("expected texts of 1 to {LONGEST} bytes without U+0000")));
            return;
        }
    }
    if count > MOST_ENTRIES {
        mistakes.push((field, format!("expected at most {MOST_ENTRIES} entries, found {count}")));
    }
}

/// Checks an address: its scheme, a host, and no password, which would be shown to everybody who may see the connection.
fn url(url: &str, schemes: &[&str], mistakes: &mut Vec<Mistake>) {
    let rest = schemes.iter().find_map(|scheme| url.strip_prefix(scheme));
    let Some(rest) = rest.filter(|rest| url.len() <= LONGEST && !rest.is_empty() && !rest.contains('\0'))
    else {
        let expected: Vec<_> = schemes.iter().map(|scheme| format!("`{scheme}HOST`")).collect();
        mistakes.push(("url", format!("expected an address such as {}", expected.join(" or "))));
        return;
    };
    let authority = rest.split(['/', '?']).next().unwrap_or_default();
    let user = authority.rsplit_once('@').map(|(user, _)| user);
    if user.is_some_and(|user| user.contains(':')) || rest.contains("password=") {
        let message = "the address contains a password; give it as `password` instead, which is never shown";
        mistakes.push(("url", message.to_owned()));
    }
    if authority.rsplit('@').next().is_none_or(str::is_empty) {
        mistakes.push(("url", "the address names no host".to_owned()));
    }
}

fn of_ldap(ldap: &LdapConnection, mistakes: &mut Vec<Mistake>) {
    url(&ldap.url, &["ldaps://", "ldap://"], mistakes);
    texts(mistakes, "bindDn", &ldap.bind_dn);
    for (field, search) in [("users", Some(&ldap.users)), ("groups", ldap.groups.as_ref())] {
        let Some(search) = search else { continue };
        let attributes = search.attributes.iter().flat_map(|(key, attribute)| [key, attribute]);
        texts(mistakes, field, attributes.chain(&search.filter).chain([&search.base]));
    }
}

fn of_postgres(postgres: &PostgresConnection, mistakes: &mut Vec<Mistake>) {
    url(&postgres.url, &["postgres://", "postgresql://"], mistakes);
    texts(mistakes, "schemas", &postgres.schemas);
    naming(&postgres.naming, mistakes);
    for identification in &postgres.identify {
        match identification {
            Identification::Username | Identification::Email => {}
            Identification::Roles { roles } => {
                texts(mistakes, "identify", roles.iter().flat_map(|(role, user)| [role, user]));
            }
            Identification::Template { template } => {
                texts(mistakes, "identify", [template]);
                let known = ["{username}", "{email}", "{localPart}"];
                if !known.iter().any(|field| template.contains(field)) {
                    let message = "a template names `{username}`, `{email}` or `{localPart}`";
                    mistakes.push(("identify", message.to_owned()));
                }
            }
        }
    }
    if postgres.tag_rules.len() > MOST_ENTRIES {
        mistakes.push(("tagRules", format!("expected at most {MOST_ENTRIES} rules")));
    }
    for rule in &postgres.tag_rules {
        let lists = [Some(&rule.columns), rule.types.as_ref(), rule.tables.as_ref()];
        texts(mistakes, "tagRules", lists.into_iter().flatten().flatten().chain([&rule.tag]));
        if rule.columns.is_empty() {
            mistakes.push(("tagRules", "a rule names at least one glob of columns".to_owned()));
        }
        if !is_tag_name(&rule.tag) {
            mistakes.push(("tagRules", EXPECTED_TAG.to_owned()));
        }
    }
}

fn of_dbt(dbt: &DbtConnection, mistakes: &mut Vec<Mistake>) {
    naming(&dbt.naming, mistakes);
    texts(mistakes, "host", &dbt.host);
    texts(mistakes, "tagPrefix", &dbt.tag_prefix);
    texts(mistakes, "tags", dbt.tags.iter().flat_map(|(key, tag)| [key, tag]));
    if dbt.host.as_ref().is_some_and(|host| check_name(host).is_err()) {
        mistakes.push(("host", "expected a host such as `db.acme.example`".to_owned()));
    }
    // A tag has the rest of the name, so that a dot may be last.
    if dbt.tag_prefix.as_ref().is_some_and(|prefix| !is_tag_name(&format!("{prefix}x"))) {
        mistakes.push(("tagPrefix", "expected the beginning of a tag, such as `dbt.`".to_owned()));
    }
    if !dbt.tags.values().all(|tag| is_tag_name(tag)) {
        mistakes.push(("tags", EXPECTED_TAG.to_owned()));
    }
}

const EXPECTED_TAG: &str = "expected the dotted name of a tag, such as `PII.Email`";

fn naming(template: &str, mistakes: &mut Vec<Mistake>) {
    texts(mistakes, "naming", [&template.to_owned()]);
    if !template.contains("{table}") {
        let message = "the template must contain `{table}`; it may contain `{database}` and `{schema}`";
        mistakes.push(("naming", message.to_owned()));
    }
}
