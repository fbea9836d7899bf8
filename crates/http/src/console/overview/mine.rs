//! The overview of everybody else: what they can reach by domain, their requests, what waits for them.

use askama::Template;
use axum::response::Response;
use domesday_service::evaluation::UserSummary;
use domesday_service::requests::list::RequestPart;
use domesday_service::requests::selection::select;
use domesday_store::{Freshness, Store};

use super::attention::{self, Attention};
use crate::console::access::{source_path, user_path};
use crate::console::assets::{Assets, assets};
use crate::console::bars::{Bar, bars};
use crate::console::connections::READERS;
use crate::console::errors::Failure;
use crate::console::link::Link;
use crate::console::page;
use crate::console::paths::request_path;
use crate::console::requests::status::{Chip, ShownStatus, subject};
use crate::console::shell::Shell;
use crate::console::signed_in::SignedIn;
use crate::console::times::{TimeView, counted, grouped};
use crate::state::AppState;

/// How many requests and data sources are listed.
const LISTED: usize = 6;

#[derive(Template)]
#[template(path = "console/overview/mine.html")]
struct MyPage {
    assets: &'static Assets,
    shell: Shell,
    verdict: String,
    /// The page of what the user can reach; empty for nobody.
    reach_path: String,
    reach: UserSummary,
    attention: Vec<Attention>,
    domains: Vec<Bar>,
    requests: Vec<RequestLine>,
    owned: Vec<Link>,
    owned_count: String,
}

/// One of the user's requests.
struct RequestLine {
    link: Link,
    chip: Chip,
    asked: TimeView,
}

/// Shows the page.
pub(super) async fn show(app: &AppState, signed_in: SignedIn) -> Result<Response, Failure> {
    let (caller, now) = (&signed_in.caller, app.service.now());
    let evaluation = app.service.evaluations.current(caller.revision).await?;
    let snapshot = evaluation.snapshot();
    let user = caller.user_id;
    let reads_connections = READERS.check(caller).is_ok();
    let read = move |store: &mut Store| -> Result<_, Failure> {
        let connections = if reads_connections { Freshness::of_all(store, now)? } else { Vec::new() };
        Ok((store.api_keys_of(user)?, connections))
    };
    let (keys, connections) = app.service.pool.with(read).await?;
    let shell = signed_in.shell.clone();
    let mut attention: Vec<_> = attention::waiting_requests(&evaluation, &signed_in)?.into_iter().collect();
    attention.extend(attention::connections(&connections, &shell.calendar));
    attention.extend(attention::expiring_keys(&keys, now, &shell.calendar));
    let me = evaluation.user_of(caller);
    let reach = me.map(|me| evaluation.user_summary(me)).unwrap_or_default();
    let domains = me.map(|me| evaluation.reach_by_domain(me)).unwrap_or_default();
    let domains = domains.into_iter().map(|reach| {
        let name = |domain: domesday_model::DomainIx| snapshot.domains[domain.get()].spec.name.clone();
        let name = reach.domain.map_or_else(|| "Without a domain".to_owned(), name);
        (Link::plain(name), reach.readable)
    });
    let mut own = select(&evaluation, caller, Some(RequestPart::Own))?;
    own.sort_by_key(|position| std::cmp::Reverse(snapshot.requests[*position].created_at));
    let requests = own.iter().take(LISTED).map(|position| {
        let request = &snapshot.requests[*position];
        RequestLine {
            link: Link::new(subject(request), request_path(&request.id)),
            chip: ShownStatus::new(request, now).chip(),
            asked: shell.calendar.day(request.created_at),
        }
    });
    let owns = |source: &&domesday_model::SnapshotDataSource| {
        caller.roles && me.is_some_and(|me| source.owners.contains(&me))
    };
    let owned = snapshot.data_sources.iter().filter(owns);
    let link =
        |source: &domesday_model::SnapshotDataSource| Link::new(&*source.name, source_path(source.id.0));
    Ok(page(&MyPage {
        assets: assets(),
        verdict: verdict(&reach),
        reach_path: user.map_or_else(String::new, |user| user_path(user.0)),
        attention,
        domains: bars(domains.take(LISTED)),
        requests: requests.collect(),
        owned_count: counted(owned.clone().count() as u64, "data source", "data sources"),
        owned: owned.take(LISTED).map(link).collect(),
        reach,
        shell,
    }))
}

fn verdict(reach: &UserSummary) -> String {
    if reach.readable == 0 {
        return "You can read no data source.".to_owned();
    }
    let read = counted(reach.readable, "data source", "data sources");
    match reach.writable {
        0 => format!("You can read {read}."),
        writable => format!("You can read {read} and write {}.", grouped(writable)),
    }
}
