//! The kinds of object that have these pages: their paths, their words and the fields of their forms.

use domesday_model::Kind;
use domesday_service::ServiceError;
use domesday_service::caller::Caller;
use domesday_service::permissions::objects::check_read;
use domesday_store::{Store, StoredObject};

use super::field::{Field, FieldKind};
use crate::console::paths::named_path;

/// A kind of object with its pages.
#[derive(Debug)]
pub(super) struct Subject {
    pub(super) kind: Kind,
    pub(super) path: &'static str,
    pub(super) title: &'static str,
    pub(super) about: &'static str,
    /// Whether the path of an object ends with its id; otherwise it ends with its name.
    pub(super) is_numbered: bool,
    /// The words for the two states, when objects can be disabled.
    pub(super) states: Option<[&'static str; 2]>,
    pub(super) fields: &'static [Field],
}

/// Every kind with these pages.
pub(super) static SUBJECTS: [Subject; 5] = [
    Subject {
        kind: Kind::DataSource,
        path: "/console/data-sources",
        title: "Data sources",
        about: "Tables, views and files whose access is governed.",
        is_numbered: true,
        states: Some(["enabled", "disabled"]),
        fields: &[
            Field::new("name", "Name", FieldKind::Name, ""),
            Field::new("platform", "Platform", FieldKind::Required, "In lower case, such as snowflake."),
            Field::new("host", "Host", FieldKind::Line, ""),
            Field::new("database", "Database", FieldKind::Line, "Database or catalog."),
            Field::new("schema", "Schema", FieldKind::Line, ""),
            Field::new("table", "Table", FieldKind::Line, ""),
            Field::new("domain", "Domain", FieldKind::Domain, ""),
            Field::new("status", "Status", FieldKind::Status, "Nobody reaches a disabled data source."),
            Field::new("owners", "Owners", FieldKind::Lines, "Usernames, one a line."),
            Field::new("tags", "Tags", FieldKind::Lines, "One a line, such as PII.Contact."),
            Field::new(
                "optInPolicies",
                "Policies that it opts into",
                FieldKind::Lines,
                "Policies with appliesTo: optIn, one a line.",
            ),
            Field::new(
                "levelChoice",
                "Level choice",
                FieldKind::Line,
                "The policy whose level counts when policies grant with different levels.",
            ),
            Field::new("columns", "Columns", FieldKind::Columns, ""),
        ],
    },
    Subject {
        kind: Kind::User,
        path: "/console/users",
        title: "Users",
        about: "People and service accounts whose access is governed.",
        is_numbered: true,
        states: Some(["active", "disabled"]),
        fields: &[
            Field::new("username", "Username", FieldKind::Name, "It never changes."),
            Field::new("name", "Name", FieldKind::Line, "As shown; the username when empty."),
            Field::new("email", "E-mail", FieldKind::Line, ""),
            Field::new("title", "Title", FieldKind::Line, ""),
            Field::new("department", "Department", FieldKind::Line, ""),
            Field::new("employeeNumber", "Employee number", FieldKind::Line, ""),
            Field::new("manager", "Manager", FieldKind::Line, "A username."),
            Field::new("identityProvider", "Identity provider", FieldKind::Line, "builtin when empty."),
            Field::new("status", "Status", FieldKind::Status, "A disabled user reaches nothing."),
            Field::new("groups", "Groups", FieldKind::Lines, "One a line."),
            Field::new("attributes", "Attributes", FieldKind::Pairs, "One a line: key = value."),
            Field::new("permissions", "Permissions", FieldKind::Permissions, ""),
        ],
    },
    Subject {
        kind: Kind::Group,
        path: "/console/groups",
        title: "Groups",
        about: "Sets of users, with attributes that their members inherit.",
        is_numbered: false,
        states: None,
        fields: &[
            Field::new("name", "Name", FieldKind::Name, "It never changes."),
            Field::new("description", "Description", FieldKind::Text, ""),
            Field::new(
                "attributes",
                "Attributes",
                FieldKind::Pairs,
                "Every member has them. One a line: key = value.",
            ),
        ],
    },
    Subject {
        kind: Kind::Tag,
        path: "/console/tags",
        title: "Tags",
        about: "Labels by which policies select data sources and columns: PII.Contact is below PII.",
        is_numbered: false,
        states: None,
        fields: &[
            Field::new("name", "Name", FieldKind::Name, "With dots between levels, such as PII.Contact."),
            Field::new("description", "Description", FieldKind::Text, ""),
        ],
    },
    Subject {
        kind: Kind::Domain,
        path: "/console/domains",
        title: "Domains",
        about: "Who answers for which part of the data.",
        is_numbered: false,
        states: None,
        fields: &[
            Field::new("name", "Name", FieldKind::Name, "It never changes."),
            Field::new("description", "Description", FieldKind::Text, ""),
            Field::new(
                "permissions",
                "Permissions inside it",
                FieldKind::Grants,
                "One a line: username = permission. MANAGE_POLICIES lets a user write policies for the domain.",
            ),
        ],
    },
];

impl Subject {
    /// The page of an object.
    pub(super) fn object_path(&self, object: &StoredObject) -> String {
        if self.is_numbered {
            format!("{}/{}", self.path, object.id)
        } else {
            named_path(self.path, &object.name)
        }
    }

    /// Finds the object that the end of a path names, as far as the caller may read it.
    pub(super) fn find(
        &self,
        store: &mut Store,
        caller: &Caller,
        key: &str,
    ) -> Result<StoredObject, ServiceError> {
        let found = match (self.is_numbered, key.parse()) {
            (true, Ok(id)) => store.object_by_id(self.kind, id)?,
            (true, Err(_)) => None,
            (false, _) => store.object(self.kind, key)?,
        };
        let found = check_read(caller, self.kind, found)?;
        found.ok_or_else(|| {
            let id = if self.is_numbered { " with the id" } else { "" };
            ServiceError::not_found(format!("there is no {}{id} `{key}`", self.kind))
        })
    }

    /// Whether an object of this kind is disabled.
    pub(super) fn is_disabled(&self, object: &StoredObject) -> bool {
        self.states.is_some() && object.document["status"].as_str() == Some("disabled")
    }
}

/// The display name in a document.
pub(super) fn display_name(object: &StoredObject) -> &str {
    object.document["name"].as_str().unwrap_or(&object.name)
}
