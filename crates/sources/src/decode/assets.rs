//! Domains, data sources and columns.

use domesday_model::{Column, DataSource, DataSourceStatus, Domain, DomainPermission};

use super::decoder::Decoder;
use super::field_path::FieldPath;
use super::fields::Fields;
use crate::document::Node;

impl Decoder<'_> {
    pub(super) fn domain(&mut self, node: &Node, path: FieldPath<'_>) -> Option<Domain> {
        let mut fields = Fields::new(self, node, &path)?;
        let name = fields.required(self, "name", Self::text);
        let description = fields.optional(self, "description", Self::text);
        let permissions = fields.list(self, "permissions", |decoder, node, path| {
            let mut fields = Fields::new(decoder, node, &path)?;
            let user = fields.required(decoder, "user", Decoder::text);
            let permission = fields.required(decoder, "permission", Decoder::text);
            fields.finish(decoder);
            Some(DomainPermission { user: user?, permission: permission? })
        });
        fields.finish(self);
        Some(Domain { name: name?, description, permissions })
    }

    pub(super) fn data_source(&mut self, node: &Node, path: FieldPath<'_>) -> Option<DataSource> {
        let mut fields = Fields::new(self, node, &path)?;
        let name = fields.required(self, "name", Self::text);
        let platform = fields.required(self, "platform", Self::text);
        let statuses = [("enabled", DataSourceStatus::Enabled), ("disabled", DataSourceStatus::Disabled)];
        let source = DataSource {
            name: name.clone().unwrap_or_default(),
            platform: platform.clone().unwrap_or_default(),
            host: fields.optional(self, "host", Self::text),
            database: fields.optional(self, "database", Self::text),
            schema: fields.optional(self, "schema", Self::text),
            table: fields.optional(self, "table", Self::text),
            domain: fields.optional(self, "domain", Self::text),
            owners: fields.names(self, "owners"),
            status: fields.choice(self, "status", &statuses),
            tags: fields.names(self, "tags"),
            columns: fields.list(self, "columns", Self::column),
            opt_in_policies: fields.names(self, "optInPolicies"),
            level_choice: fields.optional(self, "levelChoice", Self::text),
            created_at: fields.optional(self, "createdAt", Self::instant),
        };
        fields.finish(self);
        name.and(platform).map(|_| source)
    }

    fn column(&mut self, node: &Node, path: FieldPath<'_>) -> Option<Column> {
        let mut fields = Fields::new(self, node, &path)?;
        let name = fields.required(self, "name", Self::text);
        let data_type = fields.required(self, "type", Self::text);
        let nullable = fields.optional(self, "nullable", Self::boolean).unwrap_or(true);
        let tags = fields.names(self, "tags");
        let description = fields.optional(self, "description", Self::text);
        fields.finish(self);
        Some(Column { name: name?, data_type: data_type?, nullable, tags, description })
    }
}
