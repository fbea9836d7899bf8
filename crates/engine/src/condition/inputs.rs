//! What a condition reads of a data source: its fields and its tags.

use domesday_model::condition::{Atom, TagTarget, Template, Variable};
use domesday_model::{Condition, DataSourceIx, FastMap, Snapshot, SnapshotDataSource, TagIx};

use super::tags::column_tags;

/// The values of everything that a condition can read of a data source, interned.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct SourceInputs {
    /// Host, database, schema, table; `None` where the source has none.
    fields: [Option<u32>; 4],
    source_tags: u32,
    column_tags: u32,
}

/// Which inputs a condition reads.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct ConditionInputs {
    /// Host, database, schema, table.
    pub(crate) fields: [bool; 4],
    pub(crate) source_tags: bool,
    pub(crate) column_tags: bool,
}

impl ConditionInputs {
    /// Finds which inputs a condition reads.
    pub(crate) fn find(condition: &Condition) -> Self {
        let mut inputs = Self::default();
        for atom in condition.atoms() {
            match atom {
                Atom::InGroups(groups) => groups.iter().for_each(|group| inputs.add_template(group)),
                Atom::HasAttribute { value, .. } => inputs.add_template(value),
                Atom::HasTagAsAttribute { target, .. } | Atom::HasTagAsGroup { target } => match target {
                    TagTarget::DataSource => inputs.source_tags = true,
                    TagTarget::Column => inputs.column_tags = true,
                },
            }
        }
        inputs
    }

    fn add_template(&mut self, template: &Template) {
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

    /// Returns the inputs of a source without those that the condition does not read. Where two sources agree in the
    /// result, they agree in the users for whom the condition holds.
    pub(crate) fn select(self, mut source: SourceInputs) -> SourceInputs {
        for (field, is_read) in source.fields.iter_mut().zip(self.fields) {
            if !is_read {
                *field = None;
            }
        }
        if !self.source_tags {
            source.source_tags = 0;
        }
        if !self.column_tags {
            source.column_tags = 0;
        }
        source
    }
}

impl SourceInputs {
    /// Interns the inputs of every data source of a snapshot.
    pub(crate) fn of_sources(snapshot: &Snapshot) -> Vec<Self> {
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
                let mut intern = |mut tags: Vec<TagIx>| {
                    tags.sort_unstable();
                    let next = u32::try_from(tag_sets.len()).expect("fewer than 2^32 sets of tags") + 1;
                    *tag_sets.entry(tags).or_insert(next)
                };
                let source_tags = intern(source.tags.to_vec());
                Self { fields, source_tags, column_tags: intern(column_tags(snapshot, ix)) }
            })
            .collect()
    }
}

/// Returns the field of a data source that a variable stands for; `None` for a variable of the user, and where the
/// source has no such field.
pub(crate) fn data_source_field(source: &SnapshotDataSource, variable: Variable) -> Option<&str> {
    match variable {
        Variable::Hostname => source.host.as_deref(),
        Variable::Database => source.database.as_deref(),
        Variable::Schema => source.schema.as_deref(),
        Variable::Table => source.table.as_deref(),
        Variable::Username | Variable::Iam => None,
    }
}
