//! The rows of access-drift.

use domesday_drift::{Drift, Finding, RelationGroup, RelationNames, Template};
use domesday_model::Snapshot;
use rayon::prelude::*;

use super::table_rows::{ClassRows, CodesBuilder, Piece, SourceRows, TableRows};
use crate::json;
use crate::rows::RowContext;
use crate::schema::{self, Table};

/// The rows of access-drift, in the order of [`Drift::findings`].
pub(crate) struct FindingRows<'a> {
    snapshot: &'a Snapshot,
    drifts: &'a [Drift],
    /// See [`TableRows::row_bytes`]: by database, then group.
    row_bytes: Vec<Vec<usize>>,
}

/// The positions of the fields among the texts.
const DETAIL: usize = 0;

/// The bytes of a sentence without names, and of the length of a text.
const SENTENCE_BYTES: usize = 100;

/// The bytes of a name that is inserted, roughly.
const NAME_BYTES: usize = 32;

impl<'a> FindingRows<'a> {
    /// Works out every repair, unless that was done before.
    pub(crate) fn new(world: &RowContext<'a>) -> Self {
        // Here and not where the first of many threads asks: working them out uses all threads.
        world.drifts.iter().filter(|drift| drift.total() > 0).for_each(Drift::work_out_repairs);
        let (snapshot, drifts) = (world.snapshot, world.drifts);
        let row_bytes = |drift: &Drift| {
            let groups = (0..drift.groups().len()).into_par_iter();
            groups.map(|group| text_bytes(snapshot, drift, group)).collect()
        };
        Self { snapshot, drifts, row_bytes: drifts.iter().map(row_bytes).collect() }
    }

    /// Returns the findings of a piece, about the first relation of their group.
    fn findings(&self, piece: &Piece) -> impl Iterator<Item = Finding<'_>> {
        let (drift, group) = (&self.drifts[piece.of.drift], piece.of.group);
        piece.rows.clone().map(move |position| drift.group_finding(group, position))
    }
}

/// Estimates the bytes of the texts in a row of a group.
fn text_bytes(snapshot: &Snapshot, drift: &Drift, group: usize) -> usize {
    let count = drift.groups()[group].findings_per_relation();
    let group = u32::try_from(group).expect("groups have positions in 32 bits");
    let roles = &drift.database().privileges.roles;
    let of_finding = |position: usize| {
        let finding = drift.group_finding(group, position);
        let user = finding.user.map_or(0, |user| snapshot.users[user.get()].username.len());
        let role = finding.role.map_or(0, |role| roles[role.get()].name.len());
        let guardrails = finding.guardrails().iter();
        let guardrails: usize = guardrails.map(|it| snapshot.policies[it.get()].spec.name.len() + 4).sum();
        let repair = finding.repair_template().map_or(0, |repair| {
            let (text, names) = repair.size();
            text + NAME_BYTES * names
        });
        SENTENCE_BYTES + 2 * NAME_BYTES + 2 * user + role + guardrails + repair
    };
    (0..count).map(of_finding).sum::<usize>() / count.max(1) + 1
}

impl TableRows for FindingRows<'_> {
    const CODED_FIELDS: &'static [&'static str] = &["kind", "scope", "via", "guardrail_policy_ids"];
    const COLUMN_FIELD: &'static str = "column_id";
    const FLAG_FIELD: Option<&'static str> = None;
    const TEXT_FIELDS: &'static [&'static str] = &["detail", "repair"];

    fn table() -> &'static Table {
        schema::ACCESS_DRIFT
    }

    fn snapshot(&self) -> &Snapshot {
        self.snapshot
    }

    fn drifts(&self) -> &[Drift] {
        self.drifts
    }

    fn rows_per_relation(&self, _: &Drift, group: &RelationGroup) -> usize {
        group.findings_per_relation()
    }

    fn row_bytes(&self, source: &SourceRows) -> usize {
        self.row_bytes[source.drift][source.group as usize]
    }

    fn class_rows(&self, piece: &Piece) -> ClassRows {
        let roles_of = &self.drifts[piece.of.drift].database().privileges.roles;
        let count = piece.rows.len();
        let mut kinds = CodesBuilder::new(count);
        let mut scopes = CodesBuilder::new(count);
        let mut paths = CodesBuilder::new(count);
        let mut guardrails = CodesBuilder::new(count);
        let mut columns = CodesBuilder::new(count);
        let (mut roles, mut users) = (Vec::with_capacity(count), Vec::with_capacity(count));
        for finding in self.findings(piece) {
            roles.push(finding.role);
            users.push(finding.user);
            kinds.push(Some(finding.kind), |kind| kind.as_str().into());
            scopes.push(Some(finding.scope), |scope| scope.as_str().into());
            paths.push(finding.via(), |path| {
                json::strings(path.words(|role| roles_of[role.get()].name.as_str())).into()
            });
            guardrails.push(Some(finding.guardrails()), |_| {
                json::numbers(finding.guardrail_ids().iter().map(|id| id.0)).into()
            });
            columns.push(finding.column_position(), |column| [*column].into());
        }
        let coded = vec![kinds.finish(), scopes.finish(), paths.finish(), guardrails.finish()];
        ClassRows { roles, users, coded, columns: columns.finish(), flags: Vec::new() }
    }

    fn column_value(&self, source: &SourceRows, columns: &[u32]) -> Option<Vec<u8>> {
        let group = &self.drifts[source.drift].groups()[source.group as usize];
        let column = group.column(self.snapshot, source.source, *columns.first()?)?;
        Some(self.snapshot.columns[column.get()].id.0.to_le_bytes().into())
    }

    fn templates(&self, field: usize, piece: &Piece) -> Vec<Option<Template>> {
        let template = |finding: Finding<'_>| {
            if field == DETAIL { Some(finding.detail_template()) } else { finding.repair_template() }
        };
        self.findings(piece).map(template).collect()
    }

    fn names(&self, field: usize, source: &SourceRows) -> RelationNames<'_> {
        let drift = &self.drifts[source.drift];
        if field == DETAIL {
            RelationNames::in_sentences(drift, source.relation)
        } else {
            RelationNames::in_sql(drift, source.relation)
        }
    }
}
