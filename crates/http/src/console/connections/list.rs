//! The list of connections, and the same as CSV.

use std::collections::BTreeSet;

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use domesday_service::connections::{self, ConnectionView};
use domesday_service::evaluation::{ListPage, ListRange};
use domesday_store::Store;

use super::words::{STATES, connection_chip, kind_title, time};
use super::{PATH, READERS, WRITERS, connection_path};
use crate::console::assets::{Assets, assets};
use crate::console::csv::Csv;
use crate::console::errors::Failure;
use crate::console::export::schedule::words;
use crate::console::form::Form;
use crate::console::link::Link;
use crate::console::listing::{Cell, Choice, Head, ListAddress, Listing, ListingKind, RowView};
use crate::console::page;
use crate::console::shell::Shell;
use crate::console::signed_in::SignedIn;
use crate::state::{App, AppState};

#[derive(Template)]
#[template(path = "console/connections/list.html")]
struct ListPageView {
    assets: &'static Assets,
    shell: Shell,
    list: Listing,
    may_create: bool,
    toast: String,
}

/// The order of connections.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum ConnectionOrder {
    /// That in which they come before each other.
    #[default]
    Precedence,
    Name,
}

const FILTERS: &[&str] = &["q", "state", "kind"];
const ORDERS: &[(&str, ConnectionOrder)] =
    &[("precedence", ConnectionOrder::Precedence), ("name", ConnectionOrder::Name)];

static LISTING: ListingKind = ListingKind {
    label: "Find connections",
    placeholder: "Find a connection",
    one: "connection",
    many: "connections",
    nothing: "No connection yet.",
    source: "A connection brings people in from a directory, an identity provider or a list, keeps them current, and \
             records how complete each read was.",
};

/// What the address shows of the connections, and the kinds that there are.
struct Found {
    address: ListAddress,
    page: ListPage<ConnectionView>,
    kinds: BTreeSet<&'static str>,
}

async fn find(
    app: &AppState,
    signed_in: &SignedIn,
    query: &Form,
    range: impl FnOnce(&ListAddress) -> ListRange<ConnectionOrder>,
) -> Result<Found, Failure> {
    READERS.check(&signed_in.caller)?;
    let orders: Vec<_> = ORDERS.iter().map(|(name, _)| *name).collect();
    let address = ListAddress::read(PATH, query, FILTERS, &orders)?;
    let range = range(&address);
    let now = app.service.now();
    let read = move |store: &mut Store| -> Result<_, Failure> {
        let mut views = Vec::new();
        for object in store.connections()? {
            views.push(connections::view(store, object, now)?);
        }
        Ok(views)
    };
    let mut views = app.service.pool.with(read).await?;
    let unfiltered = views.len();
    let kinds = views.iter().map(|view| view.connection.kind.as_str()).collect();
    let text = address.value("q").to_lowercase();
    let is_chosen = |name: &str, value: &str| [value, ""].contains(&address.value(name));
    views.retain(|view| {
        view.connection.name.to_lowercase().contains(&text)
            && is_chosen("state", view.state)
            && is_chosen("kind", view.connection.kind.as_str())
    });
    if range.order == ConnectionOrder::Name {
        views.sort_by_cached_key(|view| view.connection.name.to_lowercase());
    }
    if range.is_descending {
        views.reverse();
    }
    let total = views.len();
    let items = views.into_iter().skip(range.offset).take(range.limit).collect();
    Ok(Found { address, page: ListPage { items, total, unfiltered }, kinds })
}

/// Shows the page.
pub(super) async fn show(
    State(app): State<App>,
    signed_in: SignedIn,
    query: Form,
) -> Result<Response, Failure> {
    let Found { address, page: found, kinds } =
        find(&app, &signed_in, &query, |address| address.range(ORDERS)).await?;
    let toast = match query.get("deleted") {
        "" => String::new(),
        name => format!("The connection “{name}” is deleted."),
    };
    let shell = signed_in.shell;
    let states = STATES.iter().map(|state| ((*state).to_owned(), connection_chip(state).text.to_owned()));
    let kinds: Vec<_> = kinds.into_iter().map(|it| (it.to_owned(), kind_title(it).to_owned())).collect();
    let choices = vec![
        Choice::new(&address, "state", "State", "Any state", states),
        Choice::new(&address, "kind", "Kind", "Any kind", kinds.into_iter()),
    ];
    let heads = vec![
        Head::sorted(&address, "Name", "", "name"),
        Head::plain("State", ""),
        Head::plain("Users", "n opt2"),
        Head::plain("Groups", "n opt"),
        Head::plain("Data sources", "n opt"),
        Head::plain("Last complete sync", ""),
        Head::plain("Syncs", "opt2"),
    ];
    let list = Listing::new(&LISTING, &address, heads, choices, found, |view| row(&view, &shell));
    Ok(page(&ListPageView {
        assets: assets(),
        list,
        may_create: WRITERS.check(&signed_in.caller).is_ok(),
        toast,
        shell,
    }))
}

fn row(view: &ConnectionView, shell: &Shell) -> RowView {
    let connection = &view.connection;
    let number = |count: u64| Cell::number(usize::try_from(count).unwrap_or(usize::MAX));
    let complete = view.last_complete_at.as_deref().and_then(|at| time(at, &shell.calendar));
    RowView {
        name: Link::new(&connection.name, connection_path(&connection.name)),
        is_code: false,
        note: kind_title(connection.kind.as_str()).to_owned(),
        cells: vec![
            ("", Cell::chip(connection_chip(view.state))),
            ("n opt2", number(view.users)),
            ("n opt", number(view.groups)),
            ("n opt", number(view.data_sources)),
            ("", complete.map_or_else(Cell::default, Cell::time)),
            ("opt2", Cell::text(next(view))),
        ],
    }
}

/// Returns what the filter shows as CSV.
pub(super) async fn csv(
    State(app): State<App>,
    signed_in: SignedIn,
    query: Form,
) -> Result<Response, Failure> {
    let whole = |address: &ListAddress| ListRange { offset: 0, limit: usize::MAX, ..address.range(ORDERS) };
    let found = find(&app, &signed_in, &query, whole).await?;
    let mut csv =
        Csv::new(&["name", "kind", "state", "users", "groups", "data_sources", "last_complete_at", "syncs"]);
    for view in found.page.items {
        csv.row([
            view.connection.name.as_str(),
            view.connection.kind.as_str(),
            view.state,
            &view.users.to_string(),
            &view.groups.to_string(),
            &view.data_sources.to_string(),
            view.last_complete_at.as_deref().unwrap_or_default(),
            &next(&view),
        ]);
    }
    Ok(csv.into_response("connections"))
}

/// How the connection is synced next, in words.
pub(super) fn next(view: &ConnectionView) -> String {
    match (view.connection.effective_schedule(), view.connection.kind.as_str()) {
        (Some(schedule), _) => words(schedule),
        (None, "scim") => "as the provider pushes".to_owned(),
        (None, _) => "when files are imported".to_owned(),
    }
}
