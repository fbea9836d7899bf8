//! The fields of the forms, by kind.

use super::form_kind::FormKind;

/// How a field is edited.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Control {
    /// One line.
    Line,
    /// Names and values, or entries of a list, one a line.
    Pairs,
    /// The password.
    Password,
}

/// A field of a form.
#[derive(Debug)]
pub(super) struct Field {
    pub(super) name: &'static str,
    pub(super) label: &'static str,
    pub(super) hint: &'static str,
    pub(super) control: Control,
    pub(super) is_required: bool,
}

const fn line(name: &'static str, label: &'static str, hint: &'static str) -> Field {
    Field { name, label, hint, control: Control::Line, is_required: false }
}

const fn required(name: &'static str, label: &'static str, hint: &'static str) -> Field {
    Field { is_required: true, ..line(name, label, hint) }
}

const fn pairs(name: &'static str, label: &'static str, hint: &'static str) -> Field {
    Field { control: Control::Pairs, ..line(name, label, hint) }
}

const MAX_GONE: Field = line(
    "maxGone",
    "May be gone at once",
    "A percentage of its users or data sources, 10% when empty. A sync that finds more gone, and more than ten, changes \
     nothing until somebody accepts it.",
);

const MAX_AGE: Field =
    line("maxAge", "Stale after", "Such as 30m, 24h or 7d. A run with a stale connection warns of it.");

const SCHEDULE: Field = line(
    "schedule",
    "Schedule",
    "A cron expression in the tenant's time zone: minute, hour, day of month, month, day of week. Every hour when empty.",
);

const MAX_AGE_OF_READ: Field = Field {
    hint: "Such as 30m, 24h or 7d; 24h when empty. A run with a stale connection warns of it.",
    ..MAX_AGE
};

const SCIM: &[Field] = &[
    pairs(
        "attributes",
        "Attributes",
        "Attributes of users beside the usual ones, one a line: Region = urn:acme:params:scim:schemas:hr:2.0:User:region, or \
         a plain name of the core schema such as Title = title.",
    ),
    MAX_AGE,
];

const LDAP: &[Field] = &[
    required(
        "url",
        "Address",
        "ldaps://dc1.acme.example, or ldap:// with StartTLS. The operator must allow the host.",
    ),
    line("bindDn", "Bind name", "Such as cn=reader,dc=acme,dc=example. Anonymous when empty."),
    Field {
        control: Control::Password,
        ..line("password", "Password", "It is stored sealed, and never shown again.")
    },
    required(
        "usersBase",
        "Base of users",
        "The entry below which people are, such as ou=People,dc=acme,dc=example.",
    ),
    line("usersFilter", "Filter of users", "RFC 4515. A default for the kind of directory when empty."),
    pairs(
        "usersAttributes",
        "Fields of users",
        "Where a field is not in its usual attribute, one a line: username = uid, attributes.Region = l.",
    ),
    line("groupsBase", "Base of groups", "Nobody has groups from this directory when empty."),
    line("groupsFilter", "Filter of groups", "A default for the kind of directory when empty."),
    pairs("groupsAttributes", "Fields of groups", "One a line: name = cn, description = info."),
    SCHEDULE,
    MAX_GONE,
    MAX_AGE_OF_READ,
];

const POSTGRES: &[Field] = &[
    required(
        "url",
        "Address",
        "postgres://reader@db.acme.example/fin?sslmode=verify-full. The operator must allow the host. The role needs nothing \
         but CONNECT.",
    ),
    Field {
        control: Control::Password,
        ..line("password", "Password", "It is stored sealed, and never shown again.")
    },
    pairs("schemas", "Schemas", "Such as fin*, one a line. All but PostgreSQL's own when empty."),
    line(
        "naming",
        "Names of data sources",
        "A template with {database}, {schema} and {table}; all three with dots between them when empty.",
    ),
    pairs(
        "identify",
        "Users of roles",
        "How a role is found to be a user's, the first that fits, one a line: username, email, role etl = etl-service, or \
         template {username}_ro. The username, then the e-mail address, when empty.",
    ),
    pairs(
        "tagRules",
        "Tags of columns",
        "One a line: PII.Contact.Email = *email*, *mail*; tables person*; types text | character varying(255). Tables and \
         types may be left out.",
    ),
    SCHEDULE,
    MAX_GONE,
    MAX_AGE_OF_READ,
];

const DBT: &[Field] = &[
    pairs(
        "tags",
        "Tags",
        "Tags of dbt and the tags of Domesday that they stand for, one a line: pii = PII, contains_email = PII.Contact.Email.",
    ),
    line(
        "tagPrefix",
        "Prefix of other tags",
        "What is put before the name of every other tag, such as dbt. with a dot at its end. Other tags are left out when \
         empty.",
    ),
    line("naming", "Names", "What new data sources are called: {database}.{schema}.{table} when empty."),
    line(
        "host",
        "Host",
        "The host of the database, which the project does not name. Needed where several hosts have the same database, schema \
         and table.",
    ),
    MAX_GONE,
    Field { hint: "Such as 24h or 7d; never when empty.", ..MAX_AGE },
];

const CSV: &[Field] = &[
    pairs(
        "map",
        "Columns",
        "Fields whose column has another header, one a line: username = Login, email = Mail.",
    ),
    MAX_GONE,
    Field { hint: "Such as 24h or 7d; never when empty.", ..MAX_AGE },
];

impl FormKind {
    /// The fields of the form.
    pub(super) fn fields(self) -> &'static [Field] {
        match self {
            Self::Scim => SCIM,
            Self::Ldap => LDAP,
            Self::Dbt => DBT,
            Self::Postgres => POSTGRES,
            Self::Csv => CSV,
        }
    }
}
