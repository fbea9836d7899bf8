//! The configuration of a connection, checked before anything is connected to.

use std::collections::BTreeMap;

use domesday_model::limits::check_name;
use domesday_model::{Excerpt, LdapConnection, LdapSearch, nearest_names};

use super::address::Address;
use super::dn;
use super::error::LdapError;
use super::filter::Filter;
use super::profile::{DirectoryKind, GroupField, UserField};
use super::schema::Schema;

/// The prefix of the fields that become attributes of a user.
const ATTRIBUTE_PREFIX: &str = "attributes.";

/// A valid configuration.
pub(super) struct Settings {
    pub(super) address: Address,
    pub(super) bind_dn: Option<String>,
    pub(super) users: SearchSettings<UserField>,
    pub(super) groups: Option<SearchSettings<GroupField>>,
}

/// What is configured of a search.
pub(super) struct SearchSettings<F> {
    /// The field of the connection: `users` or `groups`.
    section: &'static str,
    base: String,
    filter: Option<Filter>,
    fields: BTreeMap<F, String>,
    /// Attributes of Domesday by name, each with the directory's.
    attributes: BTreeMap<String, String>,
}

/// A search with nothing left open.
pub(super) struct SearchPlan<F> {
    pub(super) section: &'static str,
    pub(super) base: String,
    pub(super) filter: Filter,
    /// Each field with the attributes that may give it, best first.
    pub(super) fields: BTreeMap<F, Vec<Attribute>>,
    pub(super) attributes: BTreeMap<String, Attribute>,
    pub(super) key: Vec<Attribute>,
    /// The names of all attributes that are asked for.
    pub(super) requested: Vec<String>,
}

/// An attribute of the directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Attribute {
    /// As it is configured.
    pub(super) name: String,
    /// Every name by which the directory may answer, in lower case.
    pub(super) aliases: Vec<String>,
}

impl Settings {
    /// Checks a configuration.
    ///
    /// # Errors
    /// The first field that is invalid.
    pub(super) fn parse(connection: &LdapConnection) -> Result<Self, LdapError> {
        let LdapConnection { url, bind_dn, password: _, users, groups } = connection;
        if bind_dn.as_deref().is_some_and(|name| name.trim().is_empty()) {
            return Err(LdapError::configuration("bindDn", "expected a name, found an empty text"));
        }
        Ok(Self {
            address: Address::parse(url)?,
            bind_dn: bind_dn.clone(),
            users: SearchSettings::parse("users", users, &UserField::ALL, true)?,
            groups: match groups {
                Some(groups) => Some(SearchSettings::parse("groups", groups, &GroupField::ALL, false)?),
                None => None,
            },
        })
    }

    /// Returns the attributes that are configured, each with its field.
    pub(super) fn configured(&self) -> Vec<(String, &str)> {
        let mut configured = self.users.configured(&UserField::ALL);
        configured.extend(self.groups.iter().flat_map(|groups| groups.configured(&GroupField::ALL)));
        configured
    }
}

impl<F: Copy + Ord> SearchSettings<F> {
    fn parse(
        section: &'static str,
        search: &LdapSearch,
        fields: &[(&'static str, F)],
        allows_attributes: bool,
    ) -> Result<Self, LdapError> {
        let LdapSearch { base, filter, attributes: mapping } = search;
        if dn::normalize(base).is_none() {
            let message = format!(
                "expected a distinguished name such as ou=People,dc=acme,dc=example, found `{}`",
                Excerpt(base)
            );
            return Err(LdapError::configuration(&format!("{section}.base"), message));
        }
        let filter = match filter {
            Some(filter) => Some(Filter::parse(filter).map_err(|error| {
                LdapError::configuration(&format!("{section}.filter"), error.to_string())
            })?),
            None => None,
        };
        let mut settings = Self {
            section,
            base: base.clone(),
            filter,
            fields: BTreeMap::new(),
            attributes: BTreeMap::new(),
        };
        for (field, attribute) in mapping {
            let path = format!("{section}.attributes.{field}");
            if !is_attribute(attribute) {
                let message =
                    format!("expected the name of an attribute such as mail, found `{}`", Excerpt(attribute));
                return Err(LdapError::configuration(&path, message));
            }
            if let Some((_, known)) = fields.iter().find(|(name, _)| name == field) {
                settings.fields.insert(*known, attribute.clone());
            } else if let Some(key) = field.strip_prefix(ATTRIBUTE_PREFIX).filter(|_| allows_attributes) {
                check_name(key).map_err(|error| LdapError::configuration(&path, error.to_string()))?;
                settings.attributes.insert(key.to_owned(), attribute.clone());
            } else {
                let names = fields.iter().map(|(name, _)| *name);
                let near = nearest_names(field, names.clone(), 1).into_iter().next();
                let near = near.map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
                let names: Vec<_> = names.map(|name| format!("`{name}`")).collect();
                let further = if allows_attributes { " and `attributes.NAME`" } else { "" };
                let message =
                    format!("there is no such field; there are {}{further}{near}", names.join(", "));
                return Err(LdapError::configuration(&path, message));
            }
        }
        Ok(settings)
    }

    fn configured<'s>(&'s self, fields: &[(&'static str, F)]) -> Vec<(String, &'s str)> {
        let path = |field: &str| format!("{}.attributes.{field}", self.section);
        let named = fields.iter().filter_map(|(name, field)| {
            self.fields.get(field).map(|attribute| (path(name), attribute.as_str()))
        });
        let further = self
            .attributes
            .iter()
            .map(|(key, attribute)| (path(&format!("{ATTRIBUTE_PREFIX}{key}")), attribute.as_str()));
        named.chain(further).collect()
    }

    /// Completes the configuration with the defaults of a kind of directory.
    fn plan(
        self,
        fields: &[(&'static str, F)],
        default_filter: &str,
        defaults: impl Fn(F) -> &'static [&'static str],
        kind: DirectoryKind,
        schema: &Schema,
    ) -> SearchPlan<F> {
        let attribute = |name: &str| Attribute { name: name.to_owned(), aliases: schema.aliases(name) };
        let mut plan = SearchPlan {
            section: self.section,
            base: self.base,
            filter: self.filter.unwrap_or_else(|| {
                Filter::parse(default_filter).expect("the default filters are valid, as a test checks")
            }),
            fields: BTreeMap::new(),
            attributes: self.attributes.iter().map(|(key, name)| (key.clone(), attribute(name))).collect(),
            key: kind.key_attributes().iter().map(|name| attribute(name)).collect(),
            requested: Vec::new(),
        };
        for (_, field) in fields {
            let candidates = match self.fields.get(field) {
                Some(name) => vec![attribute(name)],
                None => defaults(*field).iter().map(|name| attribute(name)).collect(),
            };
            plan.fields.insert(*field, candidates);
        }
        let all = plan.fields.values().flatten().chain(plan.attributes.values()).chain(&plan.key);
        plan.requested = all.map(|attribute| attribute.name.clone()).collect();
        plan.requested.sort_unstable_by_key(|name| name.to_lowercase());
        plan.requested.dedup_by_key(|name| name.to_lowercase());
        plan
    }
}

impl SearchSettings<UserField> {
    pub(super) fn into_plan(self, kind: DirectoryKind, schema: &Schema) -> SearchPlan<UserField> {
        let defaults = |field| kind.default_user_attributes(field);
        self.plan(&UserField::ALL, kind.default_user_filter(), defaults, kind, schema)
    }
}

impl SearchSettings<GroupField> {
    pub(super) fn into_plan(self, kind: DirectoryKind, schema: &Schema) -> SearchPlan<GroupField> {
        let defaults = |field| kind.default_group_attributes(field);
        self.plan(&GroupField::ALL, kind.default_group_filter(), defaults, kind, schema)
    }
}

/// Whether a text is an attribute description (RFC 4512, section 2.5): a name or an object identifier, with options.
fn is_attribute(text: &str) -> bool {
    let mut parts = text.split(';');
    let kind = parts.next().unwrap_or_default();
    let is_word =
        |word: &str| !word.is_empty() && word.bytes().all(|c| c.is_ascii_alphanumeric() || c == b'-');
    let is_number = |word: &str| !word.is_empty() && word.bytes().all(|c| c.is_ascii_digit());
    let is_name = kind.starts_with(|c: char| c.is_ascii_alphabetic()) && is_word(kind);
    let is_identifier = kind.contains('.') && kind.split('.').all(is_number);
    text.len() <= 255 && (is_name || is_identifier) && parts.all(is_word)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn connection() -> LdapConnection {
        let search =
            |base: &str| LdapSearch { base: base.to_owned(), filter: None, attributes: BTreeMap::new() };
        LdapConnection {
            url: "ldaps://dc1.acme.example".to_owned(),
            bind_dn: Some("cn=reader,dc=acme".to_owned()),
            password: None,
            users: search("ou=People,dc=acme"),
            groups: Some(search("ou=Groups,dc=acme")),
        }
    }

    fn refused(change: impl FnOnce(&mut LdapConnection)) -> String {
        let mut connection = connection();
        change(&mut connection);
        Settings::parse(&connection).err().unwrap().to_string()
    }

    fn map(fields: &[(&str, &str)]) -> BTreeMap<String, String> {
        fields.iter().map(|(field, attribute)| ((*field).to_owned(), (*attribute).to_owned())).collect()
    }

    #[test]
    fn invalid_fields_are_named() {
        assert!(refused(|c| c.url = "dc1".to_owned()).starts_with("`url` is invalid: expected ldaps://HOST"));
        assert!(refused(|c| c.bind_dn = Some(" ".to_owned())).starts_with("`bindDn` is invalid"));
        assert!(refused(|c| c.users.base = "People".to_owned()).starts_with("`users.base` is invalid"));
        let filter = refused(|c| c.users.filter = Some("(a=b".to_owned()));
        assert_eq!(
            filter,
            "`users.filter` is invalid: at character 5 expected `)`, found the end of the filter"
        );
        let field = refused(|c| c.users.attributes = map(&[("usrname", "uid")]));
        assert!(
            field.contains("`users.attributes.usrname`") && field.ends_with("did you mean `username`?"),
            "{field}"
        );
        let attribute = refused(|c| c.users.attributes = map(&[("email", "e mail")]));
        assert!(attribute.contains("found `e mail`"), "{attribute}");
        let group = refused(|c| c.groups.as_mut().unwrap().attributes = map(&[("attributes.x", "y")]));
        assert!(group.contains("`groups.attributes.attributes.x`"), "{group}");
        assert!(refused(|c| c.users.attributes = map(&[("attributes.", "y")])).contains("expected a name"));
    }

    #[test]
    fn defaults_complete_what_is_configured_for_every_kind() {
        for kind in [DirectoryKind::Standard, DirectoryKind::ActiveDirectory] {
            let mut connection = connection();
            connection.users.attributes = map(&[("email", "rfc822Mailbox"), ("attributes.Region", "l")]);
            let settings = Settings::parse(&connection).unwrap();
            let expected = [
                ("users.attributes.email".to_owned(), "rfc822Mailbox"),
                ("users.attributes.attributes.Region".to_owned(), "l"),
            ];
            assert_eq!(settings.configured(), expected);
            let schema = Schema::parse([b"( 1.2 NAME ( 'mail' 'rfc822Mailbox' ) )".as_slice()]);
            let plan = settings.users.into_plan(kind, &schema);
            let email = &plan.fields[&UserField::Email];
            assert_eq!(email[0].aliases, ["rfc822mailbox", "mail"]);
            assert_eq!(plan.attributes["Region"].aliases, ["l"]);
            assert!(plan.requested.contains(&"cn".to_owned()) && plan.requested.contains(&"l".to_owned()));
            let groups = settings.groups.unwrap().into_plan(kind, &schema);
            assert!(groups.requested.contains(&"member".to_owned()));
        }
    }

    #[test]
    fn attributes_are_names_or_identifiers_with_options() {
        for name in ["mail", "cn;lang-de", "2.5.4.3", "msDS-UserAccountDisabled", "x-1;a;b"] {
            assert!(is_attribute(name), "{name}");
        }
        for name in ["", "*", "+", "1x", "a b", "a;", "2.5.", "ä", "a_b"] {
            assert!(!is_attribute(name), "{name}");
        }
    }
}
