//! The tenant, tags, groups and users.

use domesday_model::{Excerpt, Group, Permission, Tag, Tenant, User, UserStatus};

use super::decoder::Decoder;
use super::field_path::FieldPath;
use super::fields::Fields;
use super::values::either;
use crate::document::{Node, Value};

impl Decoder<'_> {
    pub(super) fn tenant(&mut self, node: &Node, path: FieldPath<'_>) -> Option<Tenant> {
        let mut fields = Fields::new(self, node, &path)?;
        let name = fields.required(self, "name", Self::text);
        let time_zone = fields.required(self, "timeZone", Self::text);
        let id = fields.optional(self, "id", Self::uuid);
        fields.finish(self);
        Some(Tenant { name: name?, time_zone: time_zone?, id })
    }

    pub(super) fn tag(&mut self, node: &Node, path: FieldPath<'_>) -> Option<Tag> {
        if !matches!(node.value, Value::Mapping(_)) {
            return Some(Tag { name: self.text(node, path)?, description: None });
        }
        let mut fields = Fields::new(self, node, &path)?;
        let name = fields.required(self, "name", Self::text);
        let description = fields.optional(self, "description", Self::text);
        fields.finish(self);
        Some(Tag { name: name?, description })
    }

    pub(super) fn group(&mut self, node: &Node, path: FieldPath<'_>) -> Option<Group> {
        let mut fields = Fields::new(self, node, &path)?;
        let name = fields.required(self, "name", Self::text);
        let description = fields.optional(self, "description", Self::text);
        let attributes = fields.attributes(self);
        fields.finish(self);
        Some(Group { name: name?, description, attributes })
    }

    pub(super) fn user(&mut self, node: &Node, path: FieldPath<'_>) -> Option<User> {
        let mut fields = Fields::new(self, node, &path)?;
        let username = fields.required(self, "username", Self::text);
        let mut user = User::named(username.as_deref().unwrap_or_default());
        user.name = fields.optional(self, "name", Self::text);
        user.email = fields.optional(self, "email", Self::text);
        user.id = fields.optional(self, "id", Self::uuid);
        if let Some(provider) = fields.optional(self, "identityProvider", Self::text) {
            user.identity_provider = provider;
        }
        let statuses = [("active", UserStatus::Active), ("disabled", UserStatus::Disabled)];
        user.status = fields.choice(self, "status", &statuses);
        user.groups = fields.names(self, "groups");
        user.attributes = fields.attributes(self);
        if let Some(permissions) = fields.take(self, "permissions") {
            user.permissions = self.set(permissions, FieldPath::Key(&path, "permissions"), Self::permission);
        }
        // Written as a number, but not a quantity.
        user.employee_number = fields.optional(self, "employeeNumber", Self::scalar_text);
        user.department = fields.optional(self, "department", Self::text);
        user.title = fields.optional(self, "title", Self::text);
        user.manager = fields.optional(self, "manager", Self::text);
        user.leaving_date = fields.optional(self, "leavingDate", Self::instant);
        user.created_at = fields.optional(self, "createdAt", Self::instant);
        fields.finish(self);
        username.map(|_| user)
    }

    pub(super) fn permission(&mut self, node: &Node, path: FieldPath<'_>) -> Option<Permission> {
        let text = self.text(node, path)?;
        let permission = text.parse().ok();
        if permission.is_none() {
            let words: Vec<_> = Permission::ALL.iter().map(|known| format!("`{known}`")).collect();
            self.error(node.at, path, format!("expected {}, found `{}`", either(&words), Excerpt(&text)));
        }
        permission
    }
}
