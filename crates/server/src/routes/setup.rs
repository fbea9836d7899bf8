//! Set-up documents: what the owners of bucket, role and key agree to, and what makes engines read the summary.
//!
//! Written from the query's parameters; what is absent is taken from the saved configuration, so that a customer
//! who has configured an export asks with no parameter at all.

use axum::extract::State;
use axum::http::{Method, header};
use axum::response::{IntoResponse, Response};
use domesday_delivery::{
    DeliveryError, Document, Engine, Environment, Layout, S3Settings, ServiceIdentity, assume_policy,
    bucket_policy, iam_policy, key_policy, lifecycle, setup_script, trust_policy,
};
use domesday_model::Permission;
use domesday_store::Store;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::export::{self, Configuration, DEFAULT};
use crate::problem::Problem;
use crate::route::{Path, Permit, Query, Route, schema, schema_of};
use crate::service::App;

const PATH: &str = "/api/v1/access-summary/setup";
const READERS: Permit = Permit::AnyOf(&[Permission::Governance, Permission::Audit]);

/// The region of an identity about which nothing is known.
const ANY_REGION: &str = "us-east-1";

/// Which document.
#[derive(Debug, Clone, Copy)]
enum Which {
    IamPolicy,
    BucketPolicy,
    TrustPolicy,
    KeyPolicy,
    Lifecycle,
}

pub(super) fn routes() -> Vec<Route> {
    let documents = [
        (Which::IamPolicy, "iam-policy", "getIamPolicy", "What the user or role that delivers needs."),
        (Which::BucketPolicy, "bucket-policy", "getBucketPolicy", "For a bucket of another account."),
        (
            Which::TrustPolicy,
            "trust-policy",
            "getTrustPolicy",
            "For the role: who may assume it, with the tenant's id as external id.",
        ),
        (Which::KeyPolicy, "key-policy", "getKeyPolicy", "For a KMS key of another account."),
        (Which::Lifecycle, "lifecycle", "getLifecycle", "Forgets old days of the history layout."),
    ];
    let mut routes: Vec<Route> = documents
        .into_iter()
        .map(|(which, path, id, about)| {
            let mut route =
                Route::new(Method::GET, format!("{PATH}/{path}"), READERS, id, move |app, query| {
                    document(which, app, query)
                })
                .about(format!("{about} What no parameter says is taken from the saved configuration."));
            if matches!(which, Which::BucketPolicy | Which::KeyPolicy) {
                route =
                    route.query::<String>("principal", "The ARN of the identity that delivers.").required();
            }
            if matches!(which, Which::TrustPolicy) {
                route = route.query::<String>(
                    "principal",
                    "The ARN of the identity that assumes the role; the service's own when absent.",
                );
            }
            if matches!(which, Which::Lifecycle) {
                route = route.query::<u32>("days", "How many days are kept; 400 when absent.");
            }
            with_place(route).answers_as(
                200,
                "The document.",
                "application/json",
                Some(schema(json!({ "type": "object" }))),
            )
        })
        .collect();
    routes.push(
        Route::new(Method::GET, format!("{PATH}/assume-policy"), READERS, "getAssumePolicy", assume)
            .about(
                "For the identity that the service runs as: it may assume the role. Between two accounts the role's \
                 trust policy must allow it, too. Without `roleArn` the role of the saved configuration.",
            )
            .query::<String>("roleArn", "The ARN of the role.")
            .answers_as(200, "The document.", "application/json", Some(schema(json!({ "type": "object" })))),
    );
    routes.push(
        Route::new(Method::GET, format!("{PATH}/identity"), READERS, "getServiceIdentity", identity)
            .about(
                "Who the service is for AWS: the identity that assumes a role, and that its trust policy names. STS is \
                 asked with the credentials that the service finds in its surroundings.",
            )
            .query::<String>("region", "The region whose STS is asked.")
            .answers::<IdentityView>(200, "The identity."),
    );
    routes.push(
        with_place(
            Route::new(Method::GET, format!("{PATH}/ddl/{{engine}}"), READERS, "getDdl", ddl)
                .about(
                    "External tables, views and refresh for an engine: snowflake, databricks, athena, trino and \
                     others; 404 names them.",
                )
                .query::<String>("layout", "latest, swap or history."),
        )
        .answers_as(200, "The script.", "text/plain; charset=utf-8", Some(schema_of::<String>())),
    );
    routes.into_iter().map(|route| route.tag("access summary").fails(&[400, 404, 422])).collect()
}

fn with_place(route: Route) -> Route {
    route
        .query::<String>("bucket", "The bucket's name.")
        .query::<String>("region", "The bucket's region.")
        .query::<String>("path", "The prefix of every key.")
        .query::<String>("kmsKeyId", "The KMS key that encrypts.")
        .query::<String>("encryption", "The encryption that each put asks for: AES256.")
        .query::<String>("bucketOwner", "The account that owns the bucket.")
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct SetupQuery {
    bucket: Option<String>,
    region: Option<String>,
    path: Option<String>,
    kms_key_id: Option<String>,
    encryption: Option<String>,
    bucket_owner: Option<String>,
    principal: Option<String>,
    days: Option<u32>,
    layout: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct AssumeQuery {
    role_arn: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct IdentityQuery {
    region: Option<String>,
}

/// Who the service is for AWS.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "ServiceIdentity")]
struct IdentityView {
    /// The ARN that STS reports: of a user, or of the session of a role.
    arn: String,
    /// The ARN that policies name: of the user, or of the role.
    principal: String,
    /// What to check before a policy names the principal.
    #[serde(skip_serializing_if = "Option::is_none")]
    note: Option<&'static str>,
}

/// How many days a lifecycle keeps unless told otherwise: a year and a little.
const DAYS: u32 = 400;

/// The saved configuration, if there is one.
async fn saved(app: &App) -> Result<Option<Configuration>, Problem> {
    let stored =
        app.pool.with(|store: &mut Store| -> Result<_, Problem> { Ok(store.export(DEFAULT)?) }).await?;
    stored.map(|stored| Configuration::of_document(&stored.document)).transpose()
}

/// Who the service is, for the STS of the saved configuration's place or of a region.
async fn own_identity(
    app: &App,
    saved: Option<&Configuration>,
    region: Option<&str>,
) -> Result<ServiceIdentity, Problem> {
    let endpoint = saved.and_then(|saved| saved.endpoint.as_deref());
    if let Some(saved) = saved {
        // The operator may have shortened the list since.
        saved.check_endpoint(&app.config.allowed_endpoints)?;
    }
    let ambient = || S3Settings::ambient_region(&Environment::of_process()).ok().flatten();
    let region =
        region.map(str::to_owned).or_else(|| saved.map(|saved| saved.region.clone())).or_else(ambient);
    export::service_identity(app, region.as_deref().unwrap_or(ANY_REGION), endpoint).await
}

async fn identity(State(app): State<App>, Query(query): Query<IdentityQuery>) -> Result<Response, Problem> {
    let saved = saved(&app).await?;
    let identity = own_identity(&app, saved.as_ref(), query.region.as_deref()).await?;
    let ServiceIdentity { arn, principal, note } = identity;
    Ok(crate::route::json(IdentityView { arn, principal, note }))
}

async fn assume(State(app): State<App>, Query(query): Query<AssumeQuery>) -> Result<Response, Problem> {
    let role = match query.role_arn {
        Some(role) => Some(role),
        None => saved(&app).await?.and_then(|saved| saved.role_arn),
    };
    let role = role
        .ok_or_else(|| Problem::invalid("`roleArn` is missing, and the saved configuration has no role"))?;
    let document = assume_policy(&role).map_err(|error| export::configuration_problem(&error))?;
    Ok(crate::route::json(document.value()))
}

/// The place that a query means, and the tenant's id.
async fn place(app: &App, query: &SetupQuery) -> Result<(Configuration, String), Problem> {
    let read = |store: &mut Store| -> Result<_, Problem> { Ok((store.export(DEFAULT)?, store.tenant()?)) };
    let (stored, tenant) = app.pool.with(read).await?;
    let (tenant, _) = tenant.ok_or_else(|| Problem::unavailable("there is no tenant yet"))?;
    let saved = stored.map(|stored| Configuration::of_document(&stored.document)).transpose()?;
    let missing =
        |name: &str| Problem::invalid(format!("`{name}` is missing, and no saved configuration tells it"));
    // A place of its own when a bucket is named: nothing of the saved one belongs to it.
    let saved = saved.filter(|_| query.bucket.is_none());
    let of_saved = |pick: fn(&Configuration) -> Option<String>| saved.as_ref().and_then(pick);
    let bucket = query.bucket.clone().or_else(|| of_saved(|saved| Some(saved.bucket.clone())));
    let region = query.region.clone().or_else(|| of_saved(|saved| Some(saved.region.clone())));
    let configuration = Configuration {
        bucket: bucket.ok_or_else(|| missing("bucket"))?,
        region: region.ok_or_else(|| missing("region"))?,
        access_key_id: None,
        role_arn: of_saved(|saved| saved.role_arn.clone()),
        path: query.path.clone().or_else(|| of_saved(|saved| saved.path.clone())),
        kms_key_id: query.kms_key_id.clone().or_else(|| of_saved(|saved| saved.kms_key_id.clone())),
        encryption: query.encryption.clone().or_else(|| of_saved(|saved| saved.encryption.clone())),
        bucket_owner: query.bucket_owner.clone().or_else(|| of_saved(|saved| saved.bucket_owner.clone())),
        schedule: None,
        layout: query.layout.clone().or_else(|| of_saved(|saved| saved.layout.clone())),
        endpoint: None,
    };
    Ok((configuration, export::tenant_name(&tenant).id.to_string()))
}

fn settings(configuration: &Configuration) -> Result<S3Settings, DeliveryError> {
    let path = configuration.path.as_deref().unwrap_or_default();
    S3Settings::new(&configuration.bucket, path, &configuration.region)?
        .with(None, configuration.kms_key_id.as_deref(), configuration.bucket_owner.as_deref())?
        .with_encryption(export::encryption(configuration)?)
}

async fn document(
    which: Which,
    State(app): State<App>,
    Query(query): Query<SetupQuery>,
) -> Result<Response, Problem> {
    if query.principal.is_none() && matches!(which, Which::BucketPolicy | Which::KeyPolicy) {
        return Err(Problem::bad_request("`principal` is missing: the ARN of the identity that delivers"));
    }
    let (configuration, tenant) = place(&app, &query).await?;
    let principal = match (query.principal.clone(), which) {
        (Some(principal), _) => principal,
        (None, Which::TrustPolicy) => {
            let saved = saved(&app).await?;
            own_identity(&app, saved.as_ref(), Some(&configuration.region)).await?.principal
        }
        (None, _) => String::new(),
    };
    let principal = principal.as_str();
    let write = || -> Result<Document, DeliveryError> {
        let settings = settings(&configuration)?;
        match which {
            Which::IamPolicy => Ok(iam_policy(&settings)),
            Which::BucketPolicy => bucket_policy(&settings, principal),
            Which::TrustPolicy => trust_policy(&settings, principal, &tenant),
            Which::KeyPolicy => key_policy(&settings, principal),
            Which::Lifecycle => lifecycle(&settings, query.days.unwrap_or(DAYS)),
        }
    };
    let document = write().map_err(|error| export::configuration_problem(&error))?;
    Ok(crate::route::json(document.value()))
}

async fn ddl(
    State(app): State<App>,
    Path(engine): Path<String>,
    Query(query): Query<SetupQuery>,
) -> Result<Response, Problem> {
    let engine: Engine = engine.parse().map_err(|error: String| Problem::not_found(error))?;
    let (configuration, _) = place(&app, &query).await?;
    let layout = match &configuration.layout {
        None => Layout::default(),
        Some(text) => text.parse().map_err(|_| {
            Problem::bad_request(format!("layout must be latest, swap or history, found `{text}`"))
        })?,
    };
    let target = export::target_of(&configuration, None);
    let target = target.map_err(|error| export::configuration_problem(&error))?;
    let text = setup_script(engine, &target, layout);
    let text = text.map_err(|error| export::configuration_problem(&error))?;
    Ok(([(header::CONTENT_TYPE, "text/plain; charset=utf-8")], text).into_response())
}
