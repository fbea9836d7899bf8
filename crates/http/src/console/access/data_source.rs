//! A data source: who can reach it, who is blocked by which guardrail, how access comes about, its columns.

use askama::Template;
use axum::extract::{Path, State};
use axum::response::Response;
use domesday_model::{DataSourceIx, DataSourceStatus, PolicyIx, Snapshot};
use domesday_service::ServiceError;
use domesday_service::evaluation::{Evaluation, Selection, Selector, SourceSummary, View};

use super::list::query::{ListQuery, address};
use super::list::row::row_view;
use super::list::{ListKind, ListView};
use super::{counted_rows, current, parse_id, source_path, user_path, words};
use crate::console::assets::{Assets, assets};
use crate::console::errors::Failure;
use crate::console::form::Form;
use crate::console::link::Link;
use crate::console::page;
use crate::console::shell::Shell;
use crate::console::signed_in::SignedIn;
use crate::console::times::{counted, grouped};
use crate::state::App;

#[derive(Template)]
#[template(path = "console/access/data_source.html")]
struct DataSourcePage {
    assets: &'static Assets,
    shell: Shell,
    name: String,
    platform: String,
    place: String,
    domain: String,
    owners: Vec<Link>,
    tags: Vec<String>,
    is_disabled: bool,
    verdict: String,
    /// Shares of a hundred: granted, and where the blocked part begins.
    granted: String,
    blocked_from: String,
    blocked_width: String,
    readers: Link,
    blocked: Link,
    strip: String,
    facts: Vec<SummaryFact>,
    rows: String,
    list: ListView,
    columns: Vec<ColumnView>,
    columns_note: String,
    shows_masks: bool,
}

/// How access comes about: one way.
struct SummaryFact {
    name: &'static str,
    values: Vec<(Link, String)>,
}

struct ColumnView {
    id: i64,
    name: String,
    data_type: String,
    tags: Vec<String>,
    masks: Vec<String>,
    masked: String,
    unmasked: String,
}

const KIND: ListKind = ListKind {
    name: "Person",
    about: "Title",
    label: "Find among those who can reach it",
    placeholder: "Find a person",
    has_text: true,
    has_about: true,
};

/// Finds the data source, and whether the caller may see who reaches it.
fn select(evaluation: &Evaluation, signed_in: &SignedIn, id: &str) -> Result<(DataSourceIx, View), Failure> {
    let selection = evaluation.select(&signed_in.caller, None, Some(Selector::Id(parse_id(id)?)))?;
    let Selection { source: Some(source), view, .. } = selection else {
        return Err(ServiceError::internal(&"a data source was selected and not found").into());
    };
    Ok((source, view))
}

/// Shows a data source.
pub(super) async fn show(
    State(app): State<App>,
    Path(id): Path<String>,
    signed_in: SignedIn,
    form: Form,
) -> Result<Response, Failure> {
    let evaluation = current(&app, &signed_in).await?;
    let (source, view) = select(&evaluation, &signed_in, &id)?;
    let snapshot = &**evaluation.snapshot();
    let path = source_path(snapshot.data_sources[source.get()].id.0);
    let query = ListQuery::read(path.clone(), &form, snapshot, view, &signed_in.caller)?;
    let summary = evaluation.source_summary(source);
    let found = evaluation.source_rows(source, &query.filter, query.range());
    let calendar = &signed_in.shell.calendar;
    let rows = found.rows.into_iter().map(|row| {
        let user = snapshot.user(row.user).map(|user| &snapshot.users[user.get()]);
        let mut shown = row_view(snapshot, row, &signed_in.caller, view, &path, calendar);
        match user {
            Some(user) if view == View::Everything => {
                shown.name = Link::new(&*user.name, user_path(user.id.0));
                shown.note = user.username.to_string();
                shown.about = user.title.as_deref().unwrap_or_default().to_owned();
            }
            // People with all of their fields are for others to read.
            Some(user) => shown.name = Link::new(&*user.username, shown.why.clone()),
            None => {}
        }
        shown
    });
    let rows = rows.collect();
    let mut choices = query.common_choices();
    if view == View::Everything {
        let name = |policy: PolicyIx| {
            let policy = &snapshot.policies[policy.get()];
            (policy.id.0.to_string(), policy.spec.name.clone())
        };
        let policies = summary.grants.iter().chain(&summary.guardrails).map(|(policy, _)| name(*policy));
        choices.push(query.choice("policy", "Policy", "Any policy", policies));
        choices.push(query.group_choice(snapshot));
    }
    let sees_all = view == View::Everything;
    let kind = ListKind { has_text: sees_all, has_about: sees_all, ..KIND };
    let list = query.view(&kind, choices, rows, found.total, found.unfiltered);
    let columns = columns(&evaluation, source, view);
    let with_masks = columns.iter().filter(|column| column.masked != "–").count();
    let record = &snapshot.data_sources[source.get()];
    let people = summary.readers + summary.blocked;
    let share = |part: u64| part as f64 * 100.0 / people.max(1) as f64;
    let owner = |user: &domesday_model::UserIx| {
        let user = &snapshot.users[user.get()];
        if view == View::Everything {
            Link::new(&*user.name, user_path(user.id.0))
        } else {
            Link::plain(&*user.username)
        }
    };
    Ok(page(&DataSourcePage {
        assets: assets(),
        name: record.name.to_string(),
        platform: record.platform.to_string(),
        place: words::place(record),
        domain: record
            .domain
            .map_or_else(String::new, |domain| snapshot.domains[domain.get()].spec.name.clone()),
        owners: record.owners.iter().map(owner).collect(),
        tags: record.tags.iter().map(|tag| snapshot.tags[tag.get()].spec.name.clone()).collect(),
        is_disabled: record.status == DataSourceStatus::Disabled,
        verdict: verdict(snapshot, &summary, view),
        granted: format!("{:.1}%", share(summary.readers)),
        blocked_from: format!("{:.1}%", share(summary.readers) + 0.3),
        blocked_width: format!("{:.1}%", share(summary.blocked)),
        readers: counted_rows(&path, summary.readers, "GRANTED", "READ"),
        blocked: counted_rows(&path, summary.blocked, "BLOCKED", "READ"),
        strip: format!("{} can read, {} blocked", grouped(summary.readers), grouped(summary.blocked)),
        facts: facts(snapshot, &summary, view, &path),
        rows: format!(
            "{}: {} to read, {} to write",
            counted(summary.rows[0] + summary.rows[1], "row", "rows"),
            grouped(summary.rows[0]),
            grouped(summary.rows[1])
        ),
        list,
        columns_note: format!(
            "{}, of which {with_masks} with a mask; how many readers see each masked or unmasked",
            counted(columns.len() as u64, "column", "columns")
        ),
        columns,
        shows_masks: view == View::Everything,
        shell: signed_in.shell,
    }))
}

/// The answer of the page in a sentence.
fn verdict(snapshot: &Snapshot, summary: &SourceSummary, view: View) -> String {
    let SourceSummary { readers, blocked, .. } = *summary;
    if readers + blocked == 0 {
        return "Nobody can reach it.".to_owned();
    }
    let first = if blocked == 0 {
        format!("{} can read it.", counted(readers, "person", "people"))
    } else {
        format!("{} of {} can read it.", grouped(readers), counted(readers + blocked, "person", "people"))
    };
    match (blocked, summary.guardrails.as_slice(), view) {
        (0, _, _) => first,
        (_, [(policy, count)], View::Everything) if *count == blocked => {
            let name = &snapshot.policies[policy.get()].spec.name;
            format!(
                "{first} {name} blocks {}.",
                if readers == 0 {
                    "all of them".to_owned()
                } else {
                    format!("the other {}", grouped(blocked))
                }
            )
        }
        _ => format!("{first} Guardrails block {}.", grouped(blocked)),
    }
}

/// The ways in which access comes about, with how many people each concerns.
fn facts(snapshot: &Snapshot, summary: &SourceSummary, view: View, path: &str) -> Vec<SummaryFact> {
    let filtered = |name: &'static str, value: &str| address(path, std::iter::once((name, value)));
    let none = || vec![(Link::plain("none"), String::new())];
    let policies = |list: &[(PolicyIx, u64)]| {
        if list.is_empty() {
            return none();
        }
        let link = |(policy, count): &(PolicyIx, u64)| {
            let policy = &snapshot.policies[policy.get()];
            (
                Link::new(policy.spec.name.as_str(), filtered("policy", &policy.id.0.to_string())),
                grouped(*count),
            )
        };
        list.iter().take(8).map(link).collect()
    };
    let people = |count: u64, value: &str| match count {
        0 => none(),
        count => {
            vec![(Link::new(counted(count, "person", "people"), filtered("reason", value)), String::new())]
        }
    };
    let mut facts = Vec::new();
    if view == View::Everything {
        facts.push(SummaryFact { name: "Granted by policies", values: policies(&summary.grants) });
    }
    facts.push(SummaryFact { name: "By request", values: people(summary.requests, "REQUEST") });
    facts.push(SummaryFact { name: "By ownership", values: people(summary.owners, "OWNER") });
    if view == View::Everything {
        facts.push(SummaryFact { name: "Blocked by guardrails", values: policies(&summary.guardrails) });
    }
    facts
}

fn columns(evaluation: &Evaluation, source: DataSourceIx, view: View) -> Vec<ColumnView> {
    let snapshot = evaluation.snapshot();
    let masked = evaluation.masked_columns(source);
    let columns = snapshot.columns_of(source).map(|(index, column)| {
        let mask = masked.iter().find(|mask| mask.column == index);
        let count =
            |count: Option<usize>| count.map_or_else(|| "–".to_owned(), |count| grouped(count as u64));
        let names = mask.into_iter().flat_map(|mask| &mask.masks);
        let names = names.map(|policy| snapshot.data_policies[policy.get()].spec.name.clone());
        ColumnView {
            id: column.id.0,
            name: column.name.to_string(),
            data_type: snapshot.symbols.text(column.data_type).to_owned(),
            tags: column.tags.iter().map(|tag| snapshot.tags[tag.get()].spec.name.clone()).collect(),
            masks: if view == View::Everything { names.collect() } else { Vec::new() },
            masked: count(mask.map(|mask| mask.masked)),
            unmasked: count(mask.map(|mask| mask.unmasked)),
        }
    });
    columns.collect()
}

/// Returns what the filter shows as CSV.
pub(super) async fn csv(
    State(app): State<App>,
    Path(id): Path<String>,
    signed_in: SignedIn,
    form: Form,
) -> Result<Response, Failure> {
    let evaluation = current(&app, &signed_in).await?;
    let (source, view) = select(&evaluation, &signed_in, &id)?;
    let snapshot = evaluation.snapshot();
    let id = snapshot.data_sources[source.get()].id.0;
    let query = ListQuery::read(source_path(id), &form, snapshot, view, &signed_in.caller)?;
    let found = evaluation.source_rows(source, &query.filter, query.whole());
    Ok(words::csv(snapshot, found.rows, &signed_in.caller, view, &format!("data-source-{id}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_verdict_counts_people() {
        let snapshot = Snapshot::of_catalog(
            &domesday_model::Catalog::default(),
            domesday_model::Instant::from_micros(0),
        );
        let snapshot = snapshot.unwrap();
        let verdict = |readers, blocked| {
            verdict(&snapshot, &SourceSummary { readers, blocked, ..SourceSummary::default() }, View::Owner)
        };
        assert_eq!(verdict(0, 0), "Nobody can reach it.");
        assert_eq!(verdict(1, 0), "1 person can read it.");
        assert_eq!(verdict(1_200, 34), "1,200 of 1,234 people can read it. Guardrails block 34.");
    }
}
