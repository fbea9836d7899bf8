//! Conditions on users, evaluated for all users at once (design.md, "Condition language").
//!
//! What a condition says of a user depends on the data source only through the variables and tag functions
//! it uses. Those form its *binding*; two sources with the same binding share one set of users.

use std::sync::OnceLock;

use domesday_model::condition::{Atom, TagTarget, Template, Variable, value_matches};
use domesday_model::{
    Condition, DataPolicyIx, DataSourceIx, FastMap, Level, PolicyIx, Snapshot, SnapshotDataSource, TagIx,
    UserIx, dotted_ancestors,
};

use crate::users::{UserIndex, UserSet};

/// The bindings' sets are kept while together they stay below this many bytes; past it they are computed
/// whenever they are asked for.
const KEPT_BYTES: usize = 256 << 20;

/// What a data source brings to conditions: its field values and tags, interned.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Surroundings {
    /// Host, database, schema, table; `None` where the source has none.
    fields: [Option<u32>; 4],
    source_tags: u32,
    column_tags: u32,
}

/// Which parts of its surroundings a condition looks at.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Needs {
    /// Host, database, schema, table.
    pub(crate) fields: [bool; 4],
    pub(crate) source_tags: bool,
    pub(crate) column_tags: bool,
}

/// One condition with what it looks at in one or more data sources.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct BindingIx(pub(crate) u32);

/// A condition's position in [`Conditions`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct ConditionIx(u32);

/// Where a condition is in its snapshot.
#[derive(Debug, Clone, Copy)]
pub(crate) enum ConditionPlace {
    /// The level of a subscription policy.
    Policy(PolicyIx),
    /// The `except` of a data policy.
    DataPolicy(DataPolicyIx),
}

impl ConditionPlace {
    fn condition(self, snapshot: &Snapshot) -> Option<&Condition> {
        match self {
            Self::Policy(policy) => match &snapshot.policies[policy.get()].spec.level {
                Level::Entitlements { condition } => Some(condition),
                Level::Anyone | Level::Approval | Level::Individuals { .. } => None,
            },
            Self::DataPolicy(policy) => snapshot.data_policies[policy.get()].spec.except.as_ref(),
        }
    }
}

#[derive(Debug)]
struct Binding {
    condition: ConditionIx,
    /// A source that has this binding.
    example: DataSourceIx,
    users: OnceLock<UserSet>,
}

/// The conditions of a snapshot's policies, their bindings, and who satisfies each.
#[derive(Debug)]
pub(crate) struct Conditions {
    users: UserIndex,
    conditions: Vec<(ConditionPlace, Needs)>,
    bindings: Vec<Binding>,
    by_key: FastMap<(ConditionIx, Surroundings), BindingIx>,
    surroundings: Vec<Surroundings>,
    keep: bool,
}

impl Conditions {
    pub(crate) fn of(snapshot: &Snapshot) -> Self {
        let (users, surroundings) = rayon::join(|| UserIndex::of(snapshot), || surroundings(snapshot));
        Self {
            users,
            conditions: Vec::new(),
            bindings: Vec::new(),
            by_key: FastMap::default(),
            surroundings,
            keep: true,
        }
    }

    /// Adds the condition of a policy, if it has one, to be bound to data sources.
    pub(crate) fn add(&mut self, snapshot: &Snapshot, place: ConditionPlace) -> Option<ConditionIx> {
        let condition = place.condition(snapshot)?;
        let ix = ConditionIx(u32::try_from(self.conditions.len()).expect("fewer than 2^32 policies"));
        self.conditions.push((place, Needs::of(condition)));
        Some(ix)
    }

    /// The binding of a condition to a data source.
    pub(crate) fn bind(&mut self, condition: ConditionIx, source: DataSourceIx) -> BindingIx {
        let needs = self.conditions[condition.0 as usize].1;
        let key = (condition, needs.of_surroundings(self.surroundings[source.get()]));
        let bindings = &mut self.bindings;
        let ix = *self.by_key.entry(key).or_insert_with(|| {
            bindings.push(Binding { condition, example: source, users: OnceLock::new() });
            BindingIx(u32::try_from(bindings.len() - 1).expect("fewer than 2^32 bindings"))
        });
        self.keep = self.bindings.len() * UserSet::bytes(self.users.count) <= KEPT_BYTES;
        ix
    }

    /// What a condition with these needs sees of a data source: where it is the same, so are the users.
    pub(crate) fn surroundings_seen(&self, needs: Needs, source: DataSourceIx) -> Surroundings {
        needs.of_surroundings(self.surroundings[source.get()])
    }

    /// Applies `with` to the active users who satisfy a binding.
    pub(crate) fn with_users<R>(
        &self,
        snapshot: &Snapshot,
        binding: BindingIx,
        with: impl FnOnce(&UserSet) -> R,
    ) -> R {
        let binding = &self.bindings[binding.0 as usize];
        let compute = || {
            let (place, _) = self.conditions[binding.condition.0 as usize];
            let condition = place.condition(snapshot).expect("what was added has a condition");
            self.evaluator(snapshot).evaluate(condition, binding.example)
        };
        if self.keep { with(binding.users.get_or_init(compute)) } else { with(&compute()) }
    }

    /// Every binding, if their sets of users are kept.
    pub(crate) fn kept_bindings(&self) -> Option<Vec<BindingIx>> {
        let count = u32::try_from(self.bindings.len()).expect("fewer than 2^32 bindings");
        self.keep.then(|| (0..count).map(BindingIx).collect())
    }

    /// Who is active.
    pub(crate) fn index(&self) -> &UserIndex {
        &self.users
    }

    /// What evaluates conditions on the snapshot that these were made from.
    pub(crate) fn evaluator<'a>(&'a self, snapshot: &'a Snapshot) -> Evaluator<'a> {
        Evaluator { snapshot, users: &self.users }
    }
}

/// Evaluates conditions for all active users at once.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Evaluator<'a> {
    snapshot: &'a Snapshot,
    users: &'a UserIndex,
}

impl<'a> Evaluator<'a> {
    /// The active users for whom a condition holds at a data source.
    pub(crate) fn evaluate(&self, condition: &Condition, source: DataSourceIx) -> UserSet {
        match condition {
            Condition::Atom(atom) => self.atom(atom, source),
            Condition::Not(inner) => {
                let mut users = self.evaluate(inner, source);
                users.complement(&self.users.active);
                users
            }
            Condition::And(parts) => {
                let mut users = self.users.active.clone();
                parts.iter().for_each(|part| users.intersect(&self.evaluate(part, source)));
                users
            }
            Condition::Or(parts) => {
                let mut users = self.nobody();
                parts.iter().for_each(|part| users.union(&self.evaluate(part, source)));
                users
            }
        }
    }

    /// The active users for whom an atom holds at a data source.
    pub(crate) fn atom(&self, atom: &Atom, source: DataSourceIx) -> UserSet {
        let snapshot = self.snapshot;
        let data_source = &snapshot.data_sources[source.get()];
        let mut users = self.nobody();
        match atom {
            Atom::InGroups(groups) => {
                users = self.users.active.clone();
                for group in groups {
                    users.intersect(&self.resolved(
                        group,
                        data_source,
                        |name, users| self.add_group(name, users),
                        |user, name| self.is_in_group(user, name),
                    ));
                }
            }
            Atom::HasAttribute { key, value } => {
                users = self.resolved(
                    value,
                    data_source,
                    |wanted, users| self.add_attribute(key, wanted, users),
                    |user, wanted| self.has_attribute(user, key, wanted),
                );
            }
            Atom::HasTagAsAttribute { key, target } => {
                if let Some(key) = snapshot.symbols.find(key) {
                    for name in self.tag_names(source, *target) {
                        if let Some(value) = snapshot.symbols.find(name) {
                            insert_all(&mut users, self.users.with_attribute(key, value));
                        }
                    }
                }
            }
            Atom::HasTagAsGroup { target } => {
                for name in self.tag_names(source, *target) {
                    self.add_group(name, &mut users);
                }
            }
        }
        users
    }

    /// The tags of a source (or of its columns) and all their ancestors, each once.
    fn tag_names(&self, source: DataSourceIx, target: TagTarget) -> Vec<&'a str> {
        let snapshot = self.snapshot;
        let tags: Vec<TagIx> = match target {
            TagTarget::DataSource => snapshot.data_sources[source.get()].tags.to_vec(),
            TagTarget::Column => column_tags(snapshot, source),
        };
        let mut names: Vec<&str> = tags
            .into_iter()
            .map(|tag| snapshot.tags[tag.get()].spec.name.as_str())
            .flat_map(|name| std::iter::once(name).chain(dotted_ancestors(name)))
            .collect();
        names.sort_unstable();
        names.dedup();
        names
    }

    /// Resolves a template at a data source: once, then `gather`ing users, when only the source decides the
    /// text; user by user, each put to the `test`, when the user does too.
    fn resolved(
        &self,
        template: &Template,
        source: &SnapshotDataSource,
        gather: impl Fn(&str, &mut UserSet),
        test: impl Fn(UserIx, &str) -> bool,
    ) -> UserSet {
        let field = |variable: Variable| data_source_field(source, variable);
        let mut users = self.nobody();
        if template.variables().any(Variable::is_user) {
            for user in self.users.active.iter() {
                let lookup = |variable: Variable| {
                    user_field(self.snapshot, user, variable).or_else(|| field(variable))
                };
                if template.resolve(lookup).is_some_and(|text| test(user, &text)) {
                    users.insert(user);
                }
            }
        } else if let Some(text) = template.resolve(field) {
            gather(&text, &mut users);
        }
        users
    }

    fn is_in_group(&self, user: UserIx, name: &str) -> bool {
        self.snapshot
            .group(name)
            .is_some_and(|group| group.get() == 0 || self.snapshot.users[user.get()].groups.contains(&group))
    }

    fn has_attribute(&self, user: UserIx, key: &str, wanted: &str) -> bool {
        let symbols = &self.snapshot.symbols;
        symbols.find(key).is_some_and(|key| {
            let mut pairs = self.snapshot.attributes_of(user);
            pairs.any(|(held, value)| held == key && value_matches(symbols.text(value), wanted))
        })
    }

    fn add_group(&self, name: &str, users: &mut UserSet) {
        if let Some(group) = self.snapshot.group(name) {
            insert_all(users, self.users.in_group(group));
        }
    }

    /// Users with a value that is `wanted`, is `*`, or is `ANCESTOR.*` for a proper dotted ancestor of it.
    fn add_attribute(&self, key: &str, wanted: &str, users: &mut UserSet) {
        let symbols = &self.snapshot.symbols;
        let Some(key) = symbols.find(key) else { return };
        let mut add = |value: &str| {
            if let Some(value) = symbols.find(value) {
                insert_all(users, self.users.with_attribute(key, value));
            }
        };
        add(wanted);
        add("*");
        dotted_ancestors(wanted).for_each(|ancestor| add(&format!("{ancestor}.*")));
    }

    fn nobody(&self) -> UserSet {
        UserSet::empty(self.snapshot.users.len())
    }
}

impl Needs {
    pub(crate) fn of(condition: &Condition) -> Self {
        let mut needs = Self::default();
        for atom in condition.atoms() {
            match atom {
                Atom::InGroups(groups) => groups.iter().for_each(|group| needs.template(group)),
                Atom::HasAttribute { value, .. } => needs.template(value),
                Atom::HasTagAsAttribute { target, .. } | Atom::HasTagAsGroup { target } => match target {
                    TagTarget::DataSource => needs.source_tags = true,
                    TagTarget::Column => needs.column_tags = true,
                },
            }
        }
        needs
    }

    fn template(&mut self, template: &Template) {
        for variable in template.variables() {
            match variable {
                Variable::Hostname => self.fields[0] = true,
                Variable::Database => self.fields[1] = true,
                Variable::Schema => self.fields[2] = true,
                Variable::Table => self.fields[3] = true,
                Variable::Username | Variable::Iam => {}
            }
        }
    }

    /// The surroundings with everything blanked that the condition does not look at.
    fn of_surroundings(self, mut surroundings: Surroundings) -> Surroundings {
        for (field, needed) in surroundings.fields.iter_mut().zip(self.fields) {
            if !needed {
                *field = None;
            }
        }
        if !self.source_tags {
            surroundings.source_tags = 0;
        }
        if !self.column_tags {
            surroundings.column_tags = 0;
        }
        surroundings
    }
}

/// The field of a data source that a variable stands for.
pub(crate) fn data_source_field(source: &SnapshotDataSource, variable: Variable) -> Option<&str> {
    match variable {
        Variable::Hostname => source.host.as_deref(),
        Variable::Database => source.database.as_deref(),
        Variable::Schema => source.schema.as_deref(),
        Variable::Table => source.table.as_deref(),
        Variable::Username | Variable::Iam => None,
    }
}

/// The field of a user that a variable stands for.
pub(crate) fn user_field(snapshot: &Snapshot, user: UserIx, variable: Variable) -> Option<&str> {
    let user = &snapshot.users[user.get()];
    match variable {
        Variable::Username => Some(&user.username),
        Variable::Iam => Some(snapshot.symbols.text(user.identity_provider)),
        Variable::Hostname | Variable::Database | Variable::Schema | Variable::Table => None,
    }
}

/// The distinct tags of a data source's columns.
pub(crate) fn column_tags(snapshot: &Snapshot, source: DataSourceIx) -> Vec<TagIx> {
    let mut tags: Vec<_> =
        snapshot.columns_of(source).flat_map(|(_, column)| column.tags.iter().copied()).collect();
    tags.sort_unstable();
    tags.dedup();
    tags
}

fn surroundings(snapshot: &Snapshot) -> Vec<Surroundings> {
    let mut texts: FastMap<&str, u32> = FastMap::default();
    let mut tag_sets: FastMap<Vec<TagIx>, u32> = FastMap::default();
    let sources = (0..snapshot.data_sources.len()).map(DataSourceIx::at);
    sources
        .map(|ix| {
            let source = &snapshot.data_sources[ix.get()];
            let fields = [&source.host, &source.database, &source.schema, &source.table].map(|text| {
                let next = u32::try_from(texts.len()).expect("fewer than 2^32 names");
                text.as_deref().map(|text| *texts.entry(text).or_insert(next))
            });
            let mut set = |mut tags: Vec<TagIx>| {
                tags.sort_unstable();
                let next = u32::try_from(tag_sets.len()).expect("fewer than 2^32 sets of tags") + 1;
                *tag_sets.entry(tags).or_insert(next)
            };
            let source_tags = set(source.tags.to_vec());
            Surroundings { fields, source_tags, column_tags: set(column_tags(snapshot, ix)) }
        })
        .collect()
}

fn insert_all(users: &mut UserSet, more: &[UserIx]) {
    more.iter().for_each(|user| users.insert(*user));
}
