//! What a draft policy would do, before anybody saves it: who would gain, lose, be blocked or see other columns.

use std::collections::HashSet;

use axum::extract::State;
use axum::http::Method;
use axum::response::Response;
use domesday_engine::{
    Counts, Difference, Notice, Outcomes, data_policy_notices, diff, evaluate, policy_notices,
};
use domesday_model::validate::{Severity, validate};
use domesday_model::{
    Catalog, DataPolicy, DataPolicyIx, DataSource, Declared, Domain, Group, Kind, Permission, Policy,
    PolicyId, PolicyIx, PolicyState, Provenance, Record, Since, Snapshot, Tag, User,
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::caller::Caller;
use crate::openapi::reference;
use crate::problem::Problem;
use crate::route::{Permit, Query, Route, Text, schema};
use crate::service::App;

use super::objects::read_document;

/// How many changes are listed; the counts are of all.
const LISTED: usize = 1000;

/// How many new conflicts of levels are listed.
const LISTED_CONFLICTS: usize = 100;

pub(super) fn routes() -> Vec<Route> {
    let answer = || {
        schema(json!({
            "type": "object",
            "required": ["counts", "gained", "access", "columns", "listedInFull"],
            "properties": {
                "counts": {
                    "type": "object",
                    "description": "Changes by effect: of access `added`, `unblocked`, `removed`, `blocked`, `idle`; of columns `columnsClear`, `columnsMasked`. What there is none of is left out.",
                    "additionalProperties": { "type": "integer" }
                },
                "gained": { "type": "integer", "description": "How many outcomes give what was not there." },
                "access": { "type": "array", "items": { "type": "object" } },
                "columns": { "type": "array", "items": { "type": "object" } },
                "listedInFull": {
                    "type": "boolean",
                    "description": "Whether the lists hold every change; the counts always do."
                },
                "warnings": crate::notices::schema()
            }
        }))
    };
    let governance = Permit::AnyOf(&[Permission::Governance]);
    let route = |path: &str, id: &str, kind: Kind, name: &str| {
        Route::new(Method::POST, path, governance, id, move |app, caller, query, text| {
            preview(kind, app, caller, query, text)
        })
        .tag("catalog")
        .about(
            "What the draft of a policy would change, compared with now: a policy of that name is replaced, \
             another is new. With `remove`, what removing the policy of that name would change. Nothing is saved.",
        )
        .query::<bool>("remove", "Preview the removal instead.")
        .body_of("application/json", schema(reference(name)))
        .answers_as(200, "What would change.", "application/json", Some(answer()))
        .fails(&[400, 404, 413, 415, 422])
    };
    vec![
        route("/api/v1/policy-preview", "previewPolicy", Kind::Policy, "Policy"),
        route("/api/v1/data-policy-preview", "previewDataPolicy", Kind::DataPolicy, "DataPolicy"),
    ]
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct PreviewQuery {
    remove: bool,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Answer<'a> {
    counts: &'a Counts,
    gained: usize,
    #[serde(flatten)]
    lists: &'a Difference<'a>,
    listed_in_full: bool,
    warnings: Vec<Notice>,
}

async fn preview(
    kind: Kind,
    State(app): State<App>,
    caller: Caller,
    Query(query): Query<PreviewQuery>,
    Text(text): Text,
) -> Result<Response, Problem> {
    let document = read_document(kind, &text)?;
    let evaluated = app.evaluated(caller.revision).await?;
    let work = move || -> Result<Value, Problem> {
        let before = &*evaluated.outcomes;
        let name = super::objects::name_of(kind, &document).to_owned();
        let draft = draft(kind, document, before.snapshot(), query.remove)?;
        let after = evaluate(draft);
        let difference = diff(before, &after, LISTED);
        serde_json::to_value(Answer {
            counts: difference.counts(),
            gained: difference.gained(),
            lists: &difference,
            listed_in_full: difference.is_listed_in_full(),
            warnings: warnings(kind, &name, before, &after),
        })
        .map_err(|error| Problem::internal(&error))
    };
    let _turn = app.previews.acquire().await.map_err(|error| Problem::internal(&error))?;
    let answer = tokio::task::spawn_blocking(work).await.map_err(|error| Problem::internal(&error))??;
    Ok(crate::route::json(answer))
}

/// What is most likely not meant in the draft, and the conflicts of levels that come with it.
fn warnings(kind: Kind, name: &str, before: &Outcomes, after: &Outcomes) -> Vec<Notice> {
    let known: HashSet<String> = before.level_notices().iter().map(Notice::to_string).collect();
    let conflicts = after.level_notices().into_iter().filter(|notice| !known.contains(&notice.to_string()));
    let snapshot = after.snapshot();
    // A removed policy is a disabled one, about which nothing is said.
    let own = match kind {
        Kind::DataPolicy => snapshot
            .data_policy(name)
            .or_else(|| snapshot.data_policies.len().checked_sub(1).map(DataPolicyIx::at))
            .map(|ix| data_policy_notices(snapshot, &snapshot.data_policies[ix.get()].spec)),
        _ => snapshot
            .policy(name)
            .or_else(|| snapshot.policies.len().checked_sub(1).map(PolicyIx::at))
            .map(|ix| policy_notices(snapshot, &snapshot.policies[ix.get()].spec)),
    };
    own.unwrap_or_default().into_iter().chain(conflicts.take(LISTED_CONFLICTS)).collect()
}

/// The snapshot as the draft would make it.
fn draft(kind: Kind, document: Value, before: &Snapshot, remove: bool) -> Result<Snapshot, Problem> {
    let misread = |error: serde_json::Error| Problem::internal(&error);
    let none = |name: &str| Problem::not_found(format!("there is no {kind} `{name}`"));
    // One id space for both kinds of policy.
    let ids = before.policies.iter().map(|policy| policy.id.0);
    let last = ids.chain(before.data_policies.iter().map(|policy| policy.id.0)).max().unwrap_or(0);
    let provenance = Provenance {
        created_at: before.at,
        updated_at: before.at,
        origin: "api".into(),
        since: Since::default(),
    };
    let mut snapshot = before.clone();
    if kind == Kind::DataPolicy {
        let spec: DataPolicy = serde_json::from_value(document).map_err(misread)?;
        let place = before.data_policy(&spec.name);
        let declared = vec![Declared::new(spec.clone(), "")];
        check(before, Catalog { data_policies: declared, ..Catalog::default() })?;
        if remove {
            let place = place.ok_or_else(|| none(&spec.name))?;
            snapshot.data_policies[place.get()].spec.state = PolicyState::Disabled;
            return Ok(snapshot);
        }
        match place {
            Some(place) => snapshot.data_policies[place.get()].spec = spec,
            None => snapshot.data_policies.push(Record { id: PolicyId(last + 1), spec, provenance }),
        }
    } else {
        let spec: Policy = serde_json::from_value(document).map_err(misread)?;
        let place = before.policy(&spec.name);
        check(before, Catalog { policies: vec![Declared::new(spec.clone(), "")], ..Catalog::default() })?;
        if remove {
            let place = place.ok_or_else(|| none(&spec.name))?;
            snapshot.policies[place.get()].spec.state = PolicyState::Disabled;
            return Ok(snapshot);
        }
        match place {
            Some(place) => snapshot.policies[place.get()].spec = spec,
            None => snapshot.policies.push(Record { id: PolicyId(last + 1), spec, provenance }),
        }
    }
    Ok(snapshot)
}

/// Whether every name that the draft refers to exists: it is validated among bare objects of those names.
fn check(before: &Snapshot, mut catalog: Catalog) -> Result<(), Problem> {
    let bare_tag = |name: &str| Tag { name: name.to_owned(), description: None };
    catalog.tags = before.tags.iter().map(|tag| Declared::new(bare_tag(&tag.spec.name), "")).collect();
    let bare_group =
        |name: &str| Group { name: name.to_owned(), description: None, attributes: Default::default() };
    // The first is `All Users`, which cannot be declared.
    let groups = before.groups.iter().skip(1);
    catalog.groups = groups.map(|group| Declared::new(bare_group(&group.name), "")).collect();
    catalog.users = before.users.iter().map(|user| Declared::new(User::named(&user.username), "")).collect();
    let bare_domain =
        |name: &str| Domain { name: name.to_owned(), description: None, permissions: Vec::new() };
    catalog.domains =
        before.domains.iter().map(|domain| Declared::new(bare_domain(&domain.spec.name), "")).collect();
    let sources = before.data_sources.iter().map(|source| {
        let bare = json!({ "name": source.name, "platform": source.platform });
        serde_json::from_value::<DataSource>(bare).map(|source| Declared::new(source, ""))
    });
    catalog.data_sources = sources.collect::<Result<_, _>>().map_err(|error| Problem::internal(&error))?;
    let problems = validate(&catalog).into_iter().filter(|problem| {
        problem.severity == Severity::Error && matches!(problem.kind, Kind::Policy | Kind::DataPolicy)
    });
    let problems: Vec<_> =
        problems.map(|one| json!({ "field": one.path.to_string(), "message": one.message })).collect();
    let count = problems.len();
    if problems.is_empty() {
        return Ok(());
    }
    Err(Problem::invalid("the draft is not valid").with_problems(problems, count))
}
