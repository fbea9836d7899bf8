//! Subscription and data policies, and what they apply to.

use domesday_model::{
    AppliesTo, ColumnSelector, DataPolicy, Excerpt, Individuals, Level, LevelKind, Mask, Policy, PolicyKind,
    PolicyState, Scope, Selector,
};

use super::decoder::Decoder;
use super::field_path::FieldPath;
use super::fields::Fields;
use crate::document::{Node, Value};

/// The scopes in the catalog format.
pub(super) const SCOPES: [(&str, Scope); 2] = [("read", Scope::Read), ("write", Scope::Write)];

const STATES: [(&str, PolicyState); 3] =
    [("active", PolicyState::Active), ("staged", PolicyState::Staged), ("disabled", PolicyState::Disabled)];

const LEVELS: [(&str, LevelKind); 4] = [
    ("entitlements", LevelKind::Entitlements),
    ("anyone", LevelKind::Anyone),
    ("approval", LevelKind::Approval),
    ("individuals", LevelKind::Individuals),
];

impl Decoder<'_> {
    pub(super) fn policy(&mut self, node: &Node, path: FieldPath<'_>) -> Option<Policy> {
        let mut fields = Fields::new(self, node, &path)?;
        let name = fields.required(self, "name", Self::text);
        let kinds = [("grant", PolicyKind::Grant), ("guardrail", PolicyKind::Guardrail)];
        let kind = fields.required_choice(self, "type", &kinds);
        let scope = fields.choice(self, "scope", &SCOPES);
        let level = self.level(&mut fields, kind);
        let applies_to = fields.required(self, "appliesTo", Self::applies_to);
        let owner = fields.optional(self, "owner", Self::text);
        let state = fields.choice(self, "state", &STATES);
        let created_at = fields.optional(self, "createdAt", Self::instant);
        fields.finish(self);
        let (name, kind, level, applies_to) = (name?, kind?, level?, applies_to?);
        Some(Policy { name, kind, scope, level, applies_to, owner, state, created_at })
    }

    /// Decodes the level with the keys that it requires, and rejects keys of other levels.
    fn level(&mut self, fields: &mut Fields<'_, '_>, kind: Option<PolicyKind>) -> Option<Level> {
        let (at, path) = (fields.node.at, *fields.path);
        let (has_condition, has_individuals) = (fields.has("condition"), fields.has("individuals"));
        let level_node = fields.take(self, "level");
        let level = match level_node {
            Some(node) => self.choice(node, FieldPath::Key(&path, "level"), &LEVELS),
            None if fields.has("level") => None,
            None => Some(LevelKind::Entitlements),
        };
        let condition = fields.optional(self, "condition", Self::condition);
        let individuals = fields.optional(self, "individuals", Self::individuals);
        let level = level?;
        let word = LEVELS.iter().find(|(_, known)| *known == level).map_or("", |(word, _)| word);
        if kind == Some(PolicyKind::Guardrail) && matches!(level, LevelKind::Anyone | LevelKind::Approval) {
            let at = level_node.map_or(at, |node| node.at);
            let message = format!("a guardrail's level is `entitlements` or `individuals`, found `{word}`");
            self.error(at, FieldPath::Key(&path, "level"), message);
            return None;
        }
        if has_individuals && level != LevelKind::Individuals {
            let hint = if level_node.is_none() { "; write `level: individuals`" } else { "" };
            let message = format!(
                "`individuals` belongs to the level `individuals`, and this policy's is `{word}`{hint}"
            );
            self.error(at, FieldPath::Key(&path, "individuals"), message);
            return None;
        }
        if has_condition && level != LevelKind::Entitlements {
            let message =
                format!("`condition` belongs to the level `entitlements`, and this policy's is `{word}`");
            self.error(at, FieldPath::Key(&path, "condition"), message);
            return None;
        }
        match level {
            LevelKind::Anyone => Some(Level::Anyone),
            LevelKind::Approval => Some(Level::Approval),
            LevelKind::Entitlements => {
                if !has_condition {
                    let message =
                        "`condition` is missing; the level `entitlements` (the default) requires it";
                    self.error(at, path, message);
                }
                Some(Level::Entitlements { condition: condition? })
            }
            LevelKind::Individuals => {
                if !has_individuals {
                    let message = "`individuals` is missing; the level `individuals` requires it";
                    self.error(at, path, message);
                }
                Some(Level::Individuals { individuals: individuals? })
            }
        }
    }

    fn individuals(&mut self, node: &Node, path: FieldPath<'_>) -> Option<Individuals> {
        let mistakes = self.collector.mistakes();
        let mut fields = Fields::new(self, node, &path)?;
        let users = fields.names(self, "users");
        let groups = fields.names(self, "groups");
        fields.finish(self);
        self.unless_emptied(Individuals { users, groups }, mistakes)
    }

    pub(super) fn data_policy(&mut self, node: &Node, path: FieldPath<'_>) -> Option<DataPolicy> {
        let mut fields = Fields::new(self, node, &path)?;
        let name = fields.required(self, "name", Self::text);
        let mask = fields.required(self, "mask", Self::mask);
        let columns = fields.required(self, "columns", |decoder, node, path| {
            let mistakes = decoder.collector.mistakes();
            let mut fields = Fields::new(decoder, node, &path)?;
            let tagged = fields.list(decoder, "tagged", Decoder::text);
            let names = fields.list(decoder, "names", Decoder::text);
            fields.finish(decoder);
            decoder.unless_emptied(ColumnSelector { tagged, names }, mistakes)
        });
        let applies_to = fields.required(self, "appliesTo", Self::applies_to);
        let except = fields.optional(self, "except", Self::condition);
        let state = fields.choice(self, "state", &STATES);
        let owner = fields.optional(self, "owner", Self::text);
        let created_at = fields.optional(self, "createdAt", Self::instant);
        fields.finish(self);
        let (name, mask, columns, applies_to) = (name?, mask?, columns?, applies_to?);
        Some(DataPolicy { name, mask, columns, applies_to, except, state, owner, created_at })
    }

    fn mask(&mut self, node: &Node, path: FieldPath<'_>) -> Option<Mask> {
        #[derive(Clone, Copy)]
        enum Kind {
            Null,
            Hash,
            Constant,
            Rounding,
        }
        let mut fields = Fields::new(self, node, &path)?;
        let kinds = [
            ("null", Kind::Null),
            ("hash", Kind::Hash),
            ("constant", Kind::Constant),
            ("rounding", Kind::Rounding),
        ];
        let mask = match fields.required_choice(self, "kind", &kinds)? {
            Kind::Null => Some(Mask::Null),
            Kind::Hash => Some(Mask::Hash),
            Kind::Constant => {
                fields.required(self, "value", Self::json).map(|value| Mask::Constant { value })
            }
            Kind::Rounding => {
                fields.required(self, "precision", Self::number).map(|precision| Mask::Rounding { precision })
            }
        };
        fields.finish(self);
        mask
    }

    fn applies_to(&mut self, node: &Node, path: FieldPath<'_>) -> Option<AppliesTo> {
        match &node.value {
            Value::Text(text, _) if text == "all" => Some(AppliesTo::All),
            Value::Text(text, _) if text == "optIn" => Some(AppliesTo::OptIn),
            Value::Text(text, _) => {
                let message = format!(
                    "expected `all`, `optIn`, a mapping or a list of mappings, found `{}`",
                    Excerpt(text)
                );
                self.error(node.at, path, message);
                None
            }
            _ => self.selectors(node, path).map(AppliesTo::Any),
        }
    }

    /// Decodes a mapping, or a list of mappings.
    fn selectors(&mut self, node: &Node, path: FieldPath<'_>) -> Option<Vec<Selector>> {
        match &node.value {
            Value::Mapping(_) => Some(self.selector(node, path).into_iter().collect()),
            Value::List(_) => Some(self.list(node, path, Self::selector)),
            _ => self.wrong(node, path, "a mapping or a list of mappings"),
        }
    }

    /// Returns what was decoded, unless it is empty only because of mistakes.
    fn unless_emptied<T: Default + PartialEq>(&self, read: T, mistakes_before: usize) -> Option<T> {
        (read != T::default() || self.collector.mistakes() == mistakes_before).then_some(read)
    }

    fn selector(&mut self, node: &Node, path: FieldPath<'_>) -> Option<Selector> {
        let mistakes = self.collector.mistakes();
        let mut fields = Fields::new(self, node, &path)?;
        let selector = Selector {
            tagged: fields.optional_list(self, "tagged", Self::text),
            columns_tagged: fields.optional_list(self, "columnsTagged", Self::text),
            domains: fields.optional_list(self, "domains", Self::text),
            owners: fields.optional_list(self, "owners", Self::text),
            platforms: fields.optional_list(self, "platforms", Self::text),
            hosts: fields.optional_list(self, "hosts", Self::text),
            databases: fields.optional_list(self, "databases", Self::text),
            schemas: fields.optional_list(self, "schemas", Self::text),
            tables: fields.optional_list(self, "tables", Self::text),
            names: fields.optional_list(self, "names", Self::text),
            data_sources: fields.optional_list(self, "dataSources", Self::text),
            except: fields.optional(self, "except", Self::selectors).unwrap_or_default(),
        };
        fields.finish(self);
        self.unless_emptied(selector, mistakes)
    }
}
