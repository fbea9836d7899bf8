//! The schemas of users and groups (RFC 7643, sections 3.1, 4 and 8.7).

use super::super::urns::{ENTERPRISE_SCHEMA, GROUP_SCHEMA, USER_SCHEMA};
use super::types::{Attribute, DataType, Mutability, Returned, Schema};

/// The attributes that resources of every kind have. No schema lists them.
pub(super) fn common() -> Vec<Attribute> {
    let read_only = |attribute: Attribute| attribute.mutability(Mutability::ReadOnly);
    let id = read_only(Attribute::string("id", "Identifies the resource; it never changes").case_exact());
    let times = |name, description| read_only(Attribute::new(name, DataType::DateTime, description));
    vec![
        Attribute { returned: Returned::Always, is_unique: true, ..id },
        Attribute::string("externalId", "Identifies the resource in the provisioning client").case_exact(),
        read_only(Attribute::complex(
            "meta",
            "Facts about the resource",
            vec![
                read_only(Attribute::string("resourceType", "The name of the resource's type").case_exact()),
                times("created", "When the resource was created"),
                times("lastModified", "When the resource last changed"),
                read_only(Attribute::new("location", DataType::Reference, "The address of the resource"))
                    .refers_to(&["uri"]),
                read_only(Attribute::string("version", "The entity tag of the resource").case_exact()),
            ],
        )),
    ]
}

/// A list of values with a type, of which one is the primary one (RFC 7643, section 2.4).
fn list(name: &str, description: &str, value: Attribute, types: &'static [&'static str]) -> Attribute {
    let display = Attribute::string("display", "The value for people to read");
    let kind = Attribute::string("type", "What the value is used for").canonical(types);
    let primary = Attribute::new("primary", DataType::Boolean, "Whether this value is the preferred one");
    Attribute::complex(name, description, vec![value, display, kind, primary]).multi_valued()
}

fn value(description: &str) -> Attribute {
    Attribute::string("value", description)
}

/// The schema of users.
pub(super) fn user() -> Schema {
    let text = Attribute::string;
    let user_name = text("userName", "The name that the user signs in with, unique in any case of letters");
    let attributes = vec![
        Attribute { is_unique: true, ..user_name.required() },
        Attribute::complex(
            "name",
            "The parts of the user's name",
            vec![
                text("formatted", "The whole name for people to read"),
                text("familyName", "The family name"),
                text("givenName", "The given name"),
                text("middleName", "The middle names"),
                text("honorificPrefix", "What precedes the name, such as `Dr.`"),
                text("honorificSuffix", "What follows the name, such as `III`"),
            ],
        ),
        text("displayName", "The name of the user for people to read"),
        text("nickName", "How the user is called"),
        Attribute::new("profileUrl", DataType::Reference, "The address of a page about the user")
            .refers_to(&["external"]),
        text("title", "The job title"),
        text("userType", "The relation to the organisation, such as `Employee`"),
        text("preferredLanguage", "The language that the user prefers, as in Accept-Language"),
        text("locale", "Where the user is, for the format of numbers and dates"),
        text("timezone", "The IANA time zone of the user"),
        Attribute::new("active", DataType::Boolean, "Whether the user may have access"),
        Attribute {
            returned: Returned::Never,
            ..text("password", "Taken and dropped: nobody signs in here with it")
                .case_exact()
                .mutability(Mutability::WriteOnly)
        },
        list("emails", "The e-mail addresses", value("An e-mail address"), &["work", "home", "other"]),
        list(
            "phoneNumbers",
            "The telephone numbers",
            value("A telephone number"),
            &["work", "home", "mobile", "fax", "pager", "other"],
        ),
        list(
            "ims",
            "The addresses of instant messaging",
            value("An address"),
            &["aim", "gtalk", "icq", "xmpp", "msn", "skype", "qq", "yahoo"],
        ),
        list(
            "photos",
            "Pictures of the user",
            Attribute::new("value", DataType::Reference, "The address of a picture").refers_to(&["external"]),
            &["photo", "thumbnail"],
        ),
        addresses(),
        groups(),
        list("entitlements", "What the user is entitled to", value("An entitlement"), &[]),
        list("roles", "The roles of the user", value("A role"), &[]),
        list(
            "x509Certificates",
            "Certificates of the user",
            Attribute::new("value", DataType::Binary, "A certificate in DER, as Base64"),
            &[],
        ),
    ];
    Schema {
        id: USER_SCHEMA.to_owned(),
        name: "User".to_owned(),
        description: "A person or service".to_owned(),
        attributes,
    }
}

fn addresses() -> Attribute {
    let text = Attribute::string;
    let parts = vec![
        text("formatted", "The whole address for people to read"),
        text("streetAddress", "The street with the house number"),
        text("locality", "The city"),
        text("region", "The state or region"),
        text("postalCode", "The postal code"),
        text("country", "The country, as two letters"),
        text("type", "What the address is used for").canonical(&["work", "home", "other"]),
        Attribute::new("primary", DataType::Boolean, "Whether this address is the preferred one"),
    ];
    Attribute::complex("addresses", "The postal addresses", parts).multi_valued()
}

/// The groups of a user, which follow from the members of groups.
fn groups() -> Attribute {
    let read_only = |attribute: Attribute| attribute.mutability(Mutability::ReadOnly);
    let parts = vec![
        read_only(Attribute::string("value", "The id of the group").case_exact()),
        read_only(Attribute::new("$ref", DataType::Reference, "The address of the group"))
            .refers_to(&["Group"]),
        read_only(Attribute::string("display", "The name of the group")),
        read_only(Attribute::string("type", "Whether the user is a member itself or by another group"))
            .canonical(&["direct", "indirect"]),
    ];
    read_only(Attribute::complex("groups", "The groups of the user, by other groups too", parts))
        .multi_valued()
}

/// The schema of groups.
pub(super) fn group() -> Schema {
    let immutable = |attribute: Attribute| attribute.mutability(Mutability::Immutable);
    let name = Attribute::string("displayName", "The name of the group, unique in any case of letters");
    let parts = vec![
        immutable(Attribute::string("value", "The id of the member").case_exact()),
        immutable(Attribute::new("$ref", DataType::Reference, "The address of the member"))
            .refers_to(&["User", "Group"]),
        immutable(Attribute::string("type", "The resource type of the member")).canonical(&["User", "Group"]),
        Attribute::string("display", "The name of the member for people to read"),
    ];
    let members = Attribute::complex("members", "Who belongs to the group", parts).multi_valued();
    let attributes = vec![Attribute { is_unique: true, ..name.required() }, members];
    Schema {
        id: GROUP_SCHEMA.to_owned(),
        name: "Group".to_owned(),
        description: "A group of users and groups".to_owned(),
        attributes,
    }
}

/// The enterprise extension.
pub(super) fn enterprise() -> Schema {
    let text = Attribute::string;
    let manager = vec![
        Attribute::string("value", "The id of the manager").case_exact(),
        Attribute::new("$ref", DataType::Reference, "The address of the manager").refers_to(&["User"]),
        Attribute::string("displayName", "The name of the manager").mutability(Mutability::ReadOnly),
    ];
    Schema {
        id: ENTERPRISE_SCHEMA.to_owned(),
        name: "EnterpriseUser".to_owned(),
        description: "What an organisation knows of its people".to_owned(),
        attributes: vec![
            text("employeeNumber", "The number of the employee"),
            text("costCenter", "The cost centre"),
            text("organization", "The organisation"),
            text("division", "The division"),
            text("department", "The department"),
            Attribute::complex("manager", "The manager of the user", manager),
        ],
    }
}
