//! *Load a catalog*: files or the example company, the plan, and applying it as `POST /api/v1/apply` does.

mod archive;
pub(super) mod bundle;
mod mistakes;
mod plan;

use askama::Template;
use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::{get, post};
use domesday_model::Instant;
use domesday_service::ServiceError;
use domesday_service::apply::{self, max_catalog_bytes, planned_warnings};
use domesday_service::caller::Caller;
use domesday_sources::{Diagnostics, Loaded, example};
use domesday_store::{Plan, Store};

use super::assets::{Assets, assets};
use super::errors::{Failure, sentence};
use super::first_steps::{FirstStep, first_steps};
use super::form::Form;
use super::shell::Shell;
use super::signed_in::SignedIn;
use super::times::counted;
use super::upload::{PATH, PERMIT, UploadedFiles};
use super::{page, see_other};
use crate::state::{App, AppState};
use archive::File;
use plan::{PlanView, digest};

pub(super) use mistakes::{MistakeView, mistakes};

/// Where a plan is applied.
const APPLY: &str = "/console/catalog/apply";

pub(super) fn routes() -> Router<App> {
    Router::new().route(PATH, get(show).post(show_plan)).route(APPLY, post(apply_plan).get(to_page))
}

#[derive(Template)]
#[template(path = "console/catalog/load.html")]
struct LoadPage {
    assets: &'static Assets,
    shell: Shell,
    /// What is wrong with the files as a whole.
    problem: String,
    mistakes: Vec<MistakeView>,
    /// How many mistakes there are.
    count: String,
    hints: Vec<String>,
    prune: bool,
    most: String,
    /// The next of the first steps, once something is loaded.
    next: Option<FirstStep>,
    toast: String,
}

#[derive(Template)]
#[template(path = "console/catalog/plan.html")]
struct PlanPage {
    assets: &'static Assets,
    shell: Shell,
    plan: PlanView,
}

/// The files of a form.
struct Catalog {
    files: Vec<File>,
    is_example: bool,
    prune: bool,
}

/// Why files make no catalog.
enum Unusable {
    Problem(String),
    Mistakes(Box<Diagnostics>),
}

impl Catalog {
    /// Returns the catalog that the files make.
    fn load(&self) -> Result<Loaded, Unusable> {
        let loaded = domesday_sources::load_files(self.files.clone()).ok_or_else(|| {
            let text = if self.files.is_empty() {
                "Choose one or several files, or a zip archive."
            } else {
                "None of the files has a name that ends in .yaml, .yml or .json."
            };
            Unusable::Problem(text.to_owned())
        })?;
        let loaded = loaded.map_err(|wrong| Unusable::Mistakes(Box::new(wrong)))?;
        if loaded.catalog.is_empty() {
            return Err(Unusable::Problem("The files contain no object.".to_owned()));
        }
        Ok(loaded)
    }
}

fn load_page(app: &AppState, signed_in: &SignedIn) -> LoadPage {
    LoadPage {
        assets: assets(),
        shell: signed_in.shell.clone(),
        problem: String::new(),
        mistakes: Vec::new(),
        count: String::new(),
        hints: Vec::new(),
        prune: false,
        most: format!("{} MiB", max_catalog_bytes(app.service.config.max_body_bytes) >> 20),
        next: None,
        toast: String::new(),
    }
}

fn refused(app: &AppState, signed_in: &SignedIn, prune: bool, unusable: Unusable) -> Response {
    let mut view = LoadPage { prune, ..load_page(app, signed_in) };
    match unusable {
        Unusable::Problem(problem) => view.problem = problem,
        Unusable::Mistakes(wrong) => {
            view.mistakes = mistakes(&wrong);
            view.count = counted(wrong.mistakes() as u64, "mistake", "mistakes");
            view.hints = wrong.hints().iter().map(|hint| sentence(hint)).collect();
        }
    }
    let mut response = page(&view);
    *response.status_mut() = StatusCode::UNPROCESSABLE_ENTITY;
    response
}

/// Shows the page.
async fn show(State(app): State<App>, signed_in: SignedIn, query: Form) -> Result<Response, Failure> {
    PERMIT.check(&signed_in.caller)?;
    let mut view = load_page(&app, &signed_in);
    if query.has("applied") {
        "The catalog is loaded.".clone_into(&mut view.toast);
        view.next = first_steps(&app, &signed_in.caller).await?.into_iter().find(|step| !step.is_done);
    }
    Ok(page(&view))
}

async fn to_page() -> Response {
    see_other(PATH)
}

/// Shows the plan of what was uploaded.
async fn show_plan(
    State(app): State<App>,
    signed_in: SignedIn,
    files: UploadedFiles,
    form: Form,
) -> Result<Response, Failure> {
    PERMIT.check(&signed_in.caller)?;
    let (is_example, prune) = (form.get("source") == "example", form.has("prune"));
    let most = max_catalog_bytes(app.service.config.max_body_bytes);
    let unpack = move || -> Result<_, ServiceError> {
        Ok(if is_example { Ok(example::files(false)) } else { archive::unpack(&files.files, most) })
    };
    match app.service.pool.compute(unpack).await? {
        Ok(files) => plan_page(&app, &signed_in, Catalog { files, is_example, prune }, false).await,
        Err(problem) => Ok(refused(&app, &signed_in, prune, Unusable::Problem(problem))),
    }
}

/// Plans a catalog, and shows the plan or the mistakes.
async fn plan_page(
    app: &AppState,
    signed_in: &SignedIn,
    catalog: Catalog,
    is_changed: bool,
) -> Result<Response, Failure> {
    let prune = catalog.prune;
    let load = move || -> Result<_, ServiceError> { Ok((catalog.load(), catalog)) };
    let (loaded, catalog) = app.service.pool.compute(load).await?;
    let mut loaded = match loaded {
        Ok(loaded) => loaded,
        Err(unusable) => return Ok(refused(app, signed_in, prune, unusable)),
    };
    let work = move |store: &mut Store, caller: &Caller, now: Instant| -> Result<_, Failure> {
        let plan = apply::apply(store, caller, &mut loaded.catalog, prune, true, now)?;
        Ok((plan, loaded))
    };
    let (plan, loaded) = match app.service.write(signed_in.caller_for(PERMIT), work).await {
        Ok(planned) => planned,
        Err(failure) => return not_applicable(app, signed_in, prune, failure),
    };
    let Loaded { catalog: declared, warnings, .. } = loaded;
    let of_catalog = planned_warnings(&app.service.pool, declared, &plan, app.service.now()).await?;
    let view = PlanView {
        bundle: if catalog.is_example { String::new() } else { bundle::pack(&catalog.files) },
        is_example: catalog.is_example,
        prune,
        is_changed,
        ..PlanView::new(&plan, &warnings, &of_catalog)
    };
    let mut response = page(&PlanPage { assets: assets(), shell: signed_in.shell.clone(), plan: view });
    if is_changed {
        *response.status_mut() = StatusCode::CONFLICT;
    }
    Ok(response)
}

/// Shows why a catalog does not fit what is stored, where its author can correct it.
fn not_applicable(
    app: &AppState,
    signed_in: &SignedIn,
    prune: bool,
    failure: Failure,
) -> Result<Response, Failure> {
    match failure.mistake() {
        Some(mistake) => Ok(refused(app, signed_in, prune, Unusable::Problem(mistake))),
        None => Err(failure),
    }
}

/// Applies the plan that was shown. When the catalog has changed since, the plan of now is shown.
async fn apply_plan(State(app): State<App>, signed_in: SignedIn, form: Form) -> Result<Response, Failure> {
    PERMIT.check(&signed_in.caller)?;
    let (is_example, prune) = (form.get("source") == "example", form.has("prune"));
    let (bundle, shown) = (form.get("bundle").to_owned(), form.get("plan").to_owned());
    let most = max_catalog_bytes(app.service.config.max_body_bytes);
    let load = move || -> Result<_, ServiceError> {
        let files = if is_example {
            example::files(false)
        } else {
            bundle::unpack(&bundle, most).unwrap_or_default()
        };
        let catalog = Catalog { files, is_example, prune };
        Ok((catalog.load(), catalog))
    };
    let (loaded, catalog) = app.service.pool.compute(load).await?;
    let mut declared = match loaded {
        Ok(loaded) => loaded.catalog,
        Err(unusable) => return Ok(refused(&app, &signed_in, prune, unusable)),
    };
    let work = move |store: &mut Store, caller: &Caller, now: Instant| -> Result<Plan, Applied> {
        let plan = apply::apply(store, caller, &mut declared, prune, false, now)?;
        if digest(&plan) == shown { Ok(plan) } else { Err(Applied::OtherPlan) }
    };
    match app.service.write(signed_in.caller_for(PERMIT), work).await {
        Ok(_) => Ok(see_other(&format!("{PATH}?applied"))),
        Err(Applied::OtherPlan) => plan_page(&app, &signed_in, catalog, true).await,
        Err(Applied::Failed(failure)) => not_applicable(&app, &signed_in, prune, failure),
    }
}

/// Why a plan was not applied. Nothing has changed then.
enum Applied {
    /// The plan differs from the one that was shown.
    OtherPlan,
    Failed(Failure),
}

impl<E: Into<Failure>> From<E> for Applied {
    fn from(error: E) -> Self {
        Self::Failed(error.into())
    }
}
