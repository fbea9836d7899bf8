//! A data product: its data sources, its members, and the form that asks for it.

use std::sync::Arc;

use askama::Template;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use domesday_model::{ProductStatus, Scope, Target};
use domesday_service::ServiceError;
use domesday_service::evaluation::{ASSET_READERS, AccessFilter, Evaluation, READERS, Selector};

use super::{Standing, memberships, standing};
use crate::console::ask::{AskForm, Outcome, Subject, send};
use crate::console::assets::{Assets, assets};
use crate::console::directory::Directory;
use crate::console::errors::Failure;
use crate::console::form::Form;
use crate::console::link::Link;
use crate::console::paths::{domain_path, product_path, request_path, with_query};
use crate::console::shell::Shell;
use crate::console::signed_in::SignedIn;
use crate::console::times::{TimeView, counted};
use crate::console::{page, see_other};
use crate::state::{App, AppState};

/// How many data sources and members are shown.
const LISTED: usize = 100;

#[derive(Template)]
#[template(path = "console/products/show.html")]
struct ProductPage {
    assets: &'static Assets,
    shell: Shell,
    name: String,
    description: String,
    is_suspended: bool,
    domains: Vec<Link>,
    expert: Link,
    created_by: Link,
    form: String,
    source_count: String,
    sources: Vec<SourceRow>,
    more_sources: usize,
    shows_platform: bool,
    shows_mine: bool,
    member_count: String,
    members: Vec<MemberRow>,
    /// The requests of all members; empty when the caller may not see members.
    members_path: String,
    member: Option<(Link, Option<TimeView>)>,
    ask: Option<AskForm>,
}

struct SourceRow {
    source: Link,
    columns: String,
    platform: String,
    /// `granted`, `blocked` or `none`: what the caller can read.
    mine: &'static str,
}

struct MemberRow {
    user: Link,
    request: Link,
    scope: &'static str,
    ends: Option<TimeView>,
}

/// Finds a product by id or by name.
fn find(evaluation: &Evaluation, product: &str) -> Result<usize, ServiceError> {
    let products = &evaluation.snapshot().data_products;
    let by_id = product.parse().ok().and_then(|id: i64| products.iter().position(|it| it.id.0 == id));
    let found = by_id.or_else(|| products.iter().position(|it| it.spec.name == product));
    found.ok_or_else(|| ServiceError::not_found(format!("there is no data product `{product}`")))
}

/// Shows a product.
pub(super) async fn show(
    State(app): State<App>,
    Path(product): Path<String>,
    signed_in: SignedIn,
    form: Form,
) -> Result<Response, Failure> {
    let evaluation = app.service.evaluations.current(signed_in.caller.revision).await?;
    let position = find(&evaluation, &product)?;
    let snapshot = evaluation.snapshot();
    let record = &snapshot.data_products[position];
    let target = Target::DataProduct(record.spec.name.clone());
    let subject = Subject::read(&signed_in.caller, &form, target, None)?;
    let asks = signed_in.shell.is_user && record.spec.status == ProductStatus::Published;
    let ask = if asks {
        let path = product_path(record.id.0);
        Some(AskForm::new(&app, &signed_in, &evaluation, &subject, &path, None).await?)
    } else {
        None
    };
    Ok(page(&view(&app, signed_in, &evaluation, position, ask)))
}

/// Makes a request for a product.
pub(super) async fn ask(
    State(app): State<App>,
    Path(product): Path<String>,
    signed_in: SignedIn,
    form: Form,
) -> Result<Response, Failure> {
    let evaluation: Arc<Evaluation> = app.service.evaluations.current(signed_in.caller.revision).await?;
    let position = find(&evaluation, &product)?;
    let record = &evaluation.snapshot().data_products[position];
    let target = Target::DataProduct(record.spec.name.clone());
    let subject = Subject::read(&signed_in.caller, &form, target, None)?;
    let path = product_path(record.id.0);
    match send(&app, &signed_in, &evaluation, &subject, &path, &form).await? {
        Outcome::Made(id) => Ok(see_other(&format!("{}?done=asked", request_path(&id)))),
        Outcome::Refused(again) => {
            let mut response = page(&view(&app, signed_in, &evaluation, position, Some(*again)));
            *response.status_mut() = StatusCode::UNPROCESSABLE_ENTITY;
            Ok(response)
        }
    }
}

fn view(
    app: &AppState,
    signed_in: SignedIn,
    evaluation: &Evaluation,
    position: usize,
    ask: Option<AskForm>,
) -> ProductPage {
    let SignedIn { caller, shell, .. } = signed_in;
    let (snapshot, now) = (&**evaluation.snapshot(), app.service.now());
    let record = &snapshot.data_products[position];
    let product = &record.spec;
    let directory = Directory::new(snapshot, &caller);
    let me = caller.user.as_deref();
    let (sees_assets, sees_all) = (caller.has_any(ASSET_READERS), caller.has_any(READERS));
    let read = AccessFilter { scope: Some(Scope::Read), outcome: None };
    let sources = product.data_sources.iter().take(LISTED).map(|asset| {
        let found = snapshot.data_source(&asset.name);
        let source = found.map(|source| &snapshot.data_sources[source.get()]);
        let id = source.map_or(0, |source| source.id.0);
        let owns = || {
            let selection = evaluation.select(&caller, None, Some(Selector::Name(&asset.name)));
            selection.is_ok()
        };
        let user = caller.user_id.map(|user| user.0);
        let href = match (sees_all || owns(), user) {
            (true, _) => format!("/console/access/data-source/{id}"),
            (false, Some(user)) => format!("/console/access/user/{user}/data-source/{id}"),
            (false, None) => String::new(),
        };
        let mine = evaluation.user_of(&caller).zip(found).map_or("", |(me, source)| {
            match evaluation.pair_page(me, source, read).rows.first().map(|row| row.outcome) {
                Some(domesday_engine::Outcome::Granted) => "granted",
                Some(domesday_engine::Outcome::Blocked) => "blocked",
                None => "none",
            }
        });
        SourceRow {
            source: Link::new(asset.name.as_str(), href),
            columns: asset.columns.as_ref().map_or_else(String::new, |columns| columns.join(", ")),
            platform: source.filter(|_| sees_assets).map_or_else(String::new, |it| it.platform.to_string()),
            mine,
        }
    });
    let members: Vec<_> = if sees_all { memberships(snapshot, record, now).collect() } else { Vec::new() };
    let member_count = counted(members.len() as u64, "member", "members");
    let members = members.into_iter().take(LISTED).map(|request| MemberRow {
        user: directory.link(&request.user),
        request: Link::new(request.id.as_str(), request_path(&request.id)),
        scope: if request.scope == Scope::Read { "Read" } else { "Write" },
        ends: request.expires_at.map(|end| shell.calendar.day(end)),
    });
    let member = match me.and_then(|me| standing(snapshot, me, &product.name, now)) {
        Some(Standing::Member(request)) => Some((
            Link::new(request.id.as_str(), request_path(&request.id)),
            request.expires_at.map(|end| shell.calendar.day(end)),
        )),
        Some(Standing::Pending(_)) | None => None,
    };
    let person = |username: &str| directory.link(username);
    let fields = [("view", "all"), ("status", "APPROVED"), ("product", product.name.as_str())];
    ProductPage {
        assets: assets(),
        name: product.name.clone(),
        description: product.description.clone().unwrap_or_default(),
        is_suspended: product.status == ProductStatus::Suspended,
        domains: product
            .domains
            .iter()
            .map(|name| Link::new(name.as_str(), if sees_assets { domain_path(name) } else { String::new() }))
            .collect(),
        expert: product.sme.as_deref().map_or_else(|| Link::plain(""), person),
        created_by: person(&product.created_by),
        form: product.form.clone().unwrap_or_default(),
        source_count: counted(product.data_sources.len() as u64, "data source", "data sources"),
        more_sources: product.data_sources.len().saturating_sub(LISTED),
        sources: sources.collect(),
        shows_platform: sees_assets,
        shows_mine: me.is_some(),
        member_count,
        members: members.collect(),
        members_path: if sees_all {
            with_query(crate::console::requests::PATH, fields)
        } else {
            String::new()
        },
        member,
        ask,
        shell,
    }
}
