//! The kinds of directory, with the filters and attributes that each has by default.

/// A kind of directory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DirectoryKind {
    /// A directory with the classes of RFC 2798 and RFC 4519: OpenLDAP, 389 Directory Server and many others.
    Standard,
    /// Active Directory, or Samba as one.
    ActiveDirectory,
}

/// The capability by which Active Directory is recognised.
const ACTIVE_DIRECTORY: &str = "1.2.840.113556.1.4.800";

/// A field of the catalog's users that an attribute can give.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum UserField {
    Username,
    Name,
    Email,
    EmployeeNumber,
    Department,
    Title,
    Manager,
    Status,
    LeavingDate,
}

impl UserField {
    /// Every field with its name in a mapping.
    pub(super) const ALL: [(&'static str, Self); 9] = [
        ("username", Self::Username),
        ("name", Self::Name),
        ("email", Self::Email),
        ("employeeNumber", Self::EmployeeNumber),
        ("department", Self::Department),
        ("title", Self::Title),
        ("manager", Self::Manager),
        ("status", Self::Status),
        ("leavingDate", Self::LeavingDate),
    ];
}

/// A field of the catalog's groups that an attribute can give.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum GroupField {
    Name,
    Description,
    Member,
}

impl GroupField {
    /// Every field with its name in a mapping.
    pub(super) const ALL: [(&'static str, Self); 3] =
        [("name", Self::Name), ("description", Self::Description), ("member", Self::Member)];
}

impl DirectoryKind {
    /// Returns the kind by the capabilities in the root entry.
    pub(super) fn from_capabilities<'c>(mut capabilities: impl Iterator<Item = &'c str>) -> Self {
        if capabilities.any(|capability| capability == ACTIVE_DIRECTORY) {
            Self::ActiveDirectory
        } else {
            Self::Standard
        }
    }

    /// Returns the filter of people where none is configured.
    #[must_use]
    pub fn default_user_filter(self) -> &'static str {
        match self {
            Self::Standard => "(objectClass=inetOrgPerson)",
            // Contacts are persons too, but not users; computers are users, but not persons.
            Self::ActiveDirectory => "(&(objectCategory=person)(objectClass=user))",
        }
    }

    /// Returns the filter of groups where none is configured.
    #[must_use]
    pub fn default_group_filter(self) -> &'static str {
        match self {
            Self::Standard => "(|(objectClass=groupOfNames)(objectClass=groupOfUniqueNames))",
            Self::ActiveDirectory => "(objectClass=group)",
        }
    }

    /// Returns the attributes that give a field of users where none is configured. The first that an entry has counts.
    pub(super) fn default_user_attributes(self, field: UserField) -> &'static [&'static str] {
        match (self, field) {
            (Self::Standard, UserField::Username) => &["uid"],
            (Self::ActiveDirectory, UserField::Username) => &["sAMAccountName"],
            (_, UserField::Name) => &["displayName", "cn"],
            (_, UserField::Email) => &["mail"],
            (_, UserField::EmployeeNumber) => &["employeeNumber"],
            (Self::Standard, UserField::Department) => &["departmentNumber", "ou"],
            (Self::ActiveDirectory, UserField::Department) => &["department"],
            (_, UserField::Title) => &["title"],
            (_, UserField::Manager) => &["manager"],
            (Self::Standard, UserField::Status) => &["pwdAccountLockedTime"],
            (Self::ActiveDirectory, UserField::Status) => &["userAccountControl"],
            (Self::Standard, UserField::LeavingDate) => &[],
            (Self::ActiveDirectory, UserField::LeavingDate) => &["accountExpires"],
        }
    }

    /// Returns the attributes that give a field of groups where none is configured. All values of members count; of the
    /// others the first that an entry has.
    pub(super) fn default_group_attributes(self, field: GroupField) -> &'static [&'static str] {
        match (self, field) {
            (Self::Standard, GroupField::Name) => &["cn"],
            // Unique in the domain, which a common name is not.
            (Self::ActiveDirectory, GroupField::Name) => &["sAMAccountName"],
            (_, GroupField::Description) => &["description"],
            (Self::Standard, GroupField::Member) => &["member", "uniqueMember"],
            (Self::ActiveDirectory, GroupField::Member) => &["member"],
        }
    }

    /// Returns the attributes that identify an entry when it is renamed or moved. The first that an entry has counts.
    pub(super) fn key_attributes(self) -> &'static [&'static str] {
        match self {
            Self::Standard => &["entryUUID", "nsUniqueId"],
            Self::ActiveDirectory => &["objectGUID"],
        }
    }

    /// Returns the name that people know.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Standard => "LDAP directory",
            Self::ActiveDirectory => "Active Directory",
        }
    }
}
