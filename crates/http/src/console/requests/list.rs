//! The list of requests.

use std::cmp::Ordering;

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use domesday_model::{Instant, Request, RequestType};
use domesday_service::ServiceError;
use domesday_service::evaluation::Evaluation;
use domesday_service::requests::list::RequestPart;
use domesday_service::requests::selection::{select, waiting};

use super::PATH;
use super::status::{Chip, ShownStatus, WAITS_FOR_YOU, subject, target_name};
use crate::console::assets::{Assets, assets};
use crate::console::csv::Csv;
use crate::console::directory::Directory;
use crate::console::errors::Failure;
use crate::console::form::Form;
use crate::console::link::Link;
use crate::console::page;
use crate::console::paged::{Choice, Head, ListAddress, contains};
use crate::console::pager::Pager;
use crate::console::paths::request_path;
use crate::console::shell::Shell;
use crate::console::signed_in::SignedIn;
use crate::console::times::{TimeView, counted, grouped};
use crate::state::{App, AppState};

/// How many rows a page has.
const PAGE: usize = 25;

const FIELDS: &[&str] = &["view", "q", "status", "type", "product", "sort"];

#[derive(Template)]
#[template(path = "console/requests/list.html")]
struct RequestsPage {
    assets: &'static Assets,
    shell: Shell,
    /// The parts of the list: address, name, count, and whether it is shown.
    parts: Vec<(String, &'static str, String, bool)>,
    view: &'static str,
    text: String,
    product: String,
    sort: String,
    choices: Vec<Choice>,
    is_filtered: bool,
    clear: String,
    csv: String,
    heads: Vec<Head>,
    rows: Vec<RequestRow>,
    total: String,
    unfiltered: String,
    pager: Pager,
}

struct RequestRow {
    link: Link,
    id: String,
    user: Link,
    made_by: String,
    asked: TimeView,
    chip: Chip,
    ends: Option<TimeView>,
    has_ended: bool,
}

/// Which requests are listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum View {
    Mine,
    Waiting,
    All,
}

impl View {
    const ALL: [(&'static str, Self); 3] =
        [("mine", Self::Mine), ("waiting", Self::Waiting), ("all", Self::All)];

    fn part(self) -> Option<RequestPart> {
        match self {
            Self::Mine => Some(RequestPart::Own),
            Self::Waiting => Some(RequestPart::Review),
            Self::All => None,
        }
    }

    fn as_str(self) -> &'static str {
        Self::ALL.into_iter().find(|(_, view)| *view == self).map_or("", |(name, _)| name)
    }
}

/// What an address asks for.
struct Listing {
    evaluation: std::sync::Arc<Evaluation>,
    address: ListAddress,
    view: View,
    /// How many requests the view has without the filter.
    unfiltered: usize,
    /// Positions in the snapshot, filtered and sorted.
    found: Vec<usize>,
    now: Instant,
}

async fn load(app: &AppState, signed_in: &SignedIn, form: &Form) -> Result<Listing, Failure> {
    let caller = &signed_in.caller;
    let evaluation = app.service.evaluations.current(caller.revision).await?;
    let address = ListAddress::read(PATH, form, FIELDS)?;
    let now = app.service.now();
    let view = match address.one_of("view", &View::ALL)? {
        Some(view) => view,
        None if !waiting(&evaluation, caller)?.is_empty() => View::Waiting,
        None if caller.user.is_some() => View::Mine,
        None => View::All,
    };
    let status = address.one_of("status", &ShownStatus::ALL)?;
    let kinds = [("ACCESS", RequestType::DataAccess), ("EXCEPTION", RequestType::MaskingException)];
    let kind = address.one_of("type", &kinds)?;
    let mut found = select(&evaluation, caller, view.part())?;
    let unfiltered = found.len();
    let snapshot = evaluation.snapshot();
    let directory = Directory::new(snapshot, caller);
    let (text, product) = (address.value("q"), address.value("product"));
    found.retain(|position| {
        let request = &snapshot.requests[*position];
        let is_named = || {
            contains(&request.id, text)
                || contains(&request.user, text)
                || contains(target_name(&request.target), text)
                || contains(&directory.name(&request.user), text)
        };
        let is_for_product =
            || matches!(&request.target, domesday_model::Target::DataProduct(name) if name == product);
        status.is_none_or(|status| ShownStatus::new(request, now) == status)
            && kind.is_none_or(|kind| request.kind == kind)
            && (product.is_empty() || is_for_product())
            && (text.is_empty() || is_named())
    });
    let (order, is_descending) = match address.order() {
        ("", _) => ("asked", true),
        order => order,
    };
    let asked = |one: &Request, other: &Request| {
        one.created_at.cmp(&other.created_at).then_with(|| one.id.cmp(&other.id))
    };
    let compare: &dyn Fn(&Request, &Request) -> Ordering = match order {
        "asked" => &asked,
        "for" => &|one, other| one.user.cmp(&other.user).then_with(|| asked(one, other)),
        "what" => &|one, other| {
            target_name(&one.target).cmp(target_name(&other.target)).then_with(|| asked(one, other))
        },
        _ => {
            return Err(ServiceError::invalid(
                "the address has a `sort` that is not one of asked, for, what, with a `-` before it for the reverse",
            )
            .into());
        }
    };
    found.sort_by(|one, other| {
        let order = compare(&snapshot.requests[*one], &snapshot.requests[*other]);
        if is_descending { order.reverse() } else { order }
    });
    Ok(Listing { address, view, unfiltered, found, now, evaluation })
}

/// Shows the list.
pub(super) async fn show(
    State(app): State<App>,
    signed_in: SignedIn,
    form: Form,
) -> Result<Response, Failure> {
    let Listing { evaluation, address, view, unfiltered, found, now } = load(&app, &signed_in, &form).await?;
    let SignedIn { caller, shell, .. } = signed_in;
    let snapshot = evaluation.snapshot();
    let directory = Directory::new(snapshot, &caller);
    let mine = waiting(&evaluation, &caller)?;
    let total = found.len();
    let (shown, pager) = address.page(found, PAGE, "request", "requests");
    let rows = shown.into_iter().map(|position| {
        let request = &snapshot.requests[position];
        let status = ShownStatus::new(request, now);
        let is_waiting = mine.binary_search(&position).is_ok();
        let made_by = request.requester.as_deref().filter(|maker| **maker != *request.user);
        RequestRow {
            link: Link::new(subject(request), request_path(&request.id)),
            id: request.id.clone(),
            user: directory.link(&request.user),
            made_by: made_by.map(|maker| directory.name(maker)).unwrap_or_default(),
            asked: shell.calendar.time(request.created_at),
            chip: if is_waiting { WAITS_FOR_YOU } else { status.chip() },
            has_ended: status == ShownStatus::Expired,
            ends: request
                .expires_at
                .filter(|_| matches!(status, ShownStatus::Approved | ShownStatus::Expired))
                .map(|end| shell.calendar.day(end)),
        }
    });
    let rows = rows.collect();
    let mut parts = Vec::new();
    for (shown, name) in [(View::Mine, "Mine"), (View::Waiting, "Waiting for me"), (View::All, "All")] {
        if caller.user.is_none() && shown != View::All {
            continue;
        }
        let count = select(&evaluation, &caller, shown.part())?.len();
        let href = crate::console::paths::with_query(PATH, [("view", shown.as_str())]);
        parts.push((href, name, grouped(count as u64), shown == view));
    }
    let statuses =
        ShownStatus::ALL.into_iter().map(|(name, it)| (name.to_owned(), it.chip().text.to_owned()));
    let kinds = [("ACCESS", "Access"), ("EXCEPTION", "Masking exception")];
    let kinds = kinds.map(|(value, text)| (value.to_owned(), text.to_owned()));
    let choices = vec![
        address.choice("status", "Status", "Any status", statuses),
        address.choice("type", "Kind", "Any kind", kinds),
    ];
    let shown_view = ("view", view.as_str());
    let cleared = [("q", ""), ("status", ""), ("type", ""), ("product", ""), shown_view];
    Ok(page(&RequestsPage {
        assets: assets(),
        parts,
        view: view.as_str(),
        text: address.value("q").to_owned(),
        product: address.value("product").to_owned(),
        sort: address.value("sort").to_owned(),
        choices,
        is_filtered: ["q", "status", "type", "product"].iter().any(|name| !address.value(name).is_empty()),
        clear: address.href(PATH, &cleared),
        csv: address.href("/console/requests.csv", &[shown_view]),
        heads: vec![
            address.head("What", "", "what", None),
            address.head("For", "", "for", None),
            address.head("Asked", "opt2", "asked", Some(true)),
        ],
        rows,
        total: counted(total as u64, "request", "requests"),
        unfiltered: counted(unfiltered as u64, "request", "requests"),
        pager,
        shell,
    }))
}

/// Returns what the filter shows as CSV.
pub(super) async fn csv(
    State(app): State<App>,
    signed_in: SignedIn,
    form: Form,
) -> Result<Response, Failure> {
    let Listing { evaluation, found, now, .. } = load(&app, &signed_in, &form).await?;
    let mut csv = Csv::new(&[
        "id",
        "type",
        "user",
        "made_by",
        "target_type",
        "target",
        "columns",
        "scope",
        "status",
        "created_at",
        "expires_at",
    ]);
    for position in found {
        let request = &evaluation.snapshot().requests[position];
        let columns: Vec<_> = request.columns.iter().map(String::as_str).collect();
        csv.row([
            request.id.as_str(),
            if request.kind == RequestType::DataAccess { "ACCESS" } else { "EXCEPTION" },
            &request.user,
            request.made_by(),
            match request.target {
                domesday_model::Target::DataProduct(_) => "data product",
                domesday_model::Target::DataSource(_) => "data source",
            },
            target_name(&request.target),
            &columns.join("; "),
            request.scope.as_str(),
            ShownStatus::new(request, now).as_str(),
            &request.created_at.to_string(),
            &request.expires_at.map_or_else(String::new, |end| end.to_string()),
        ]);
    }
    Ok(csv.into_response("requests"))
}
