//! Set-up documents: what the owners of bucket, role and key agree to, and what makes engines read the summary.
//!
//! Written from the query's parameters; those that are absent are taken from the saved configuration, so that a customer
//! who has configured an export asks with no parameter at all.

use axum::extract::State;
use axum::http::{Method, header};
use axum::response::{IntoResponse, Response};
use domesday_delivery::{
    DeliveryError, Encryption, Engine, Layout, S3Settings, ServiceIdentity, SetupDocument, assume_policy,
    bucket_policy, iam_policy, key_policy, lifecycle, trust_policy,
};
use domesday_model::Permission;
use domesday_service::caller::Permit;
use domesday_service::exports::{
    self, BucketConfiguration, Configuration, DestinationConfiguration, S3Configuration, configuration_error,
    tenant_name,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::extract::{Path, Query};
use crate::problem::Problem;
use crate::response::json as to_response;
use crate::route::{Route, schema, schema_of};
use crate::state::{App, AppState};

const PATH: &str = "/api/v1/access-summary/setup";
const READERS: Permit = Permit::AnyOf(&[Permission::Governance, Permission::Audit]);

pub(super) fn routes() -> Vec<Route> {
    let json_document = || Some(schema(json!({ "type": "object" })));
    let mut routes: Vec<Route> = document_routes();
    routes.push(
        Route::new(Method::GET, format!("{PATH}/assume-policy"), READERS, "getAssumePolicy", assume)
            .about(
                "For the identity that the service runs as: it may assume the role. Between two accounts the role's \
                 trust policy must allow it, too. Without `roleArn` the role of the saved configuration.",
            )
            .query::<AssumeQuery>()
            .answers_as(200, "The document.", "application/json", json_document()),
    );
    routes.push(
        Route::new(Method::GET, format!("{PATH}/identity"), READERS, "getServiceIdentity", identity)
            .about(
                "The identity of the service for AWS: the one that assumes a role, and that its trust policy names. STS \
                 is asked with the ambient credentials of the service.",
            )
            .query::<IdentityQuery>()
            .answers::<IdentityView>(200, "The identity."),
    );
    routes.push(
        Route::new(Method::GET, format!("{PATH}/ddl/{{engine}}"), READERS, "getDdl", ddl)
            .about(
                "External tables, views and refresh for an engine: snowflake, databricks, athena, trino and \
                 others; 404 names them.",
            )
            .query::<LayoutQuery>()
            .query::<PlaceQuery>()
            .answers_as(200, "The script.", "text/plain; charset=utf-8", Some(schema_of::<String>())),
    );
    routes.into_iter().map(|route| route.tag("access summary").fails(&[400, 404, 422])).collect()
}

/// Returns the routes of the documents that are written of a place.
fn document_routes() -> Vec<Route> {
    let path = |name: &str| format!("{PATH}/{name}");
    let routes = [
        Route::new(Method::GET, path("iam-policy"), READERS, "getIamPolicy", iam)
            .about("What the user or role that delivers needs."),
        Route::new(Method::GET, path("bucket-policy"), READERS, "getBucketPolicy", bucket)
            .about("For a bucket of another account.")
            .query::<PrincipalQuery>(),
        Route::new(Method::GET, path("trust-policy"), READERS, "getTrustPolicy", trust)
            .about("For the role: who may assume it, with the tenant's id as external id.")
            .query::<OptionalPrincipalQuery>(),
        Route::new(Method::GET, path("key-policy"), READERS, "getKeyPolicy", key)
            .about("For a KMS key of another account.")
            .query::<PrincipalQuery>(),
        Route::new(Method::GET, path("lifecycle"), READERS, "getLifecycle", expiration)
            .about("Deletes old days of the history layout.")
            .query::<DaysQuery>(),
    ];
    routes
        .into_iter()
        .map(|route| {
            let about =
                format!("{} Parameters that are absent are taken from the saved configuration.", route.about);
            let document = Some(schema(json!({ "type": "object" })));
            route.about(about).query::<PlaceQuery>().answers_as(
                200,
                "The document.",
                "application/json",
                document,
            )
        })
        .collect()
}

/// The place of a summary; what is absent is taken from the saved configuration.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct PlaceQuery {
    /// The bucket's name.
    bucket: Option<String>,
    /// The bucket's region.
    region: Option<String>,
    /// The prefix of every key.
    path: Option<String>,
    /// The KMS key that encrypts.
    kms_key_id: Option<String>,
    /// The encryption that each put asks for: AES256.
    encryption: Option<String>,
    /// The account that owns the bucket.
    bucket_owner: Option<String>,
}

#[derive(Debug, Deserialize, JsonSchema)]
struct PrincipalQuery {
    /// The ARN of the identity that delivers.
    principal: String,
}

#[derive(Debug, Deserialize, JsonSchema)]
struct OptionalPrincipalQuery {
    /// The ARN of the identity that assumes the role; the service's own when absent.
    principal: Option<String>,
}

#[derive(Debug, Deserialize, JsonSchema)]
struct DaysQuery {
    /// How many days are kept; 400 when absent.
    days: Option<u32>,
}

#[derive(Debug, Deserialize, JsonSchema)]
struct LayoutQuery {
    /// latest, swap or history.
    layout: Option<String>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct AssumeQuery {
    /// The ARN of the role.
    role_arn: Option<String>,
}

#[derive(Debug, Deserialize, JsonSchema)]
struct IdentityQuery {
    /// The region whose STS is asked.
    region: Option<String>,
}

/// The identity of the service for AWS.
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

/// How many days a lifecycle keeps by default: a year and a little.
const DEFAULT_DAYS: u32 = 400;

/// Returns the saved configuration, if there is one, and the tenant's id.
async fn saved(app: &AppState) -> Result<(Option<Configuration>, String), Problem> {
    let (stored, tenant) = app.service.exports.stored().await?;
    Ok((stored.map(|stored| stored.configuration), tenant_name(&tenant).id.to_string()))
}

/// Returns the identity of the service, for the STS of the saved configuration's place or of a region.
async fn own_identity(
    app: &AppState,
    saved: Option<&Configuration>,
    region: Option<&str>,
) -> Result<ServiceIdentity, Problem> {
    let service = &app.service;
    Ok(exports::own_identity(&service.identity, &service.destinations, saved, region).await?)
}

async fn identity(State(app): State<App>, Query(query): Query<IdentityQuery>) -> Result<Response, Problem> {
    let (saved, _) = saved(&app).await?;
    let identity = own_identity(&app, saved.as_ref(), query.region.as_deref()).await?;
    let ServiceIdentity { arn, principal, note } = identity;
    Ok(to_response(IdentityView { arn, principal, note }))
}

async fn assume(State(app): State<App>, Query(query): Query<AssumeQuery>) -> Result<Response, Problem> {
    let role = match query.role_arn {
        Some(role) => Some(role),
        None => saved(&app).await?.0.and_then(|saved| s3(&saved).credentials.role_arn().map(str::to_owned)),
    };
    let role = role
        .ok_or_else(|| Problem::invalid("`roleArn` is missing, and the saved configuration has no role"))?;
    let document = assume_policy(&role).map_err(|error| configuration_error(&error))?;
    Ok(to_response(document.value()))
}

/// Returns the destination of a configuration, which is in S3.
fn s3(configuration: &Configuration) -> &S3Configuration {
    let DestinationConfiguration::S3(destination) = &configuration.destination;
    destination
}

/// The place of a summary.
struct Place {
    bucket: BucketConfiguration,
    /// The layout of the saved configuration, if the place is its own.
    layout: Option<Layout>,
    /// The tenant's id.
    tenant: String,
}

/// Returns the place that a query names.
async fn place(app: &AppState, query: &PlaceQuery) -> Result<Place, Problem> {
    let (saved, tenant) = saved(app).await?;
    let missing =
        |name: &str| Problem::invalid(format!("`{name}` is missing, and no saved configuration has one"));
    // A place of its own when a bucket is named: nothing of the saved one belongs to it.
    let saved = saved.filter(|_| query.bucket.is_none());
    let layout = saved.as_ref().and_then(|saved| saved.layout);
    let saved = saved.as_ref().map(|saved| &s3(saved).bucket);
    let of_saved = |pick: fn(&BucketConfiguration) -> Option<String>| saved.and_then(pick);
    let bucket = query.bucket.clone().or_else(|| of_saved(|saved| Some(saved.bucket.clone())));
    let region = query.region.clone().or_else(|| of_saved(|saved| Some(saved.region.clone())));
    let encryption = match &query.encryption {
        None => saved.and_then(|saved| saved.encryption),
        Some(text) => Some(text.parse::<Encryption>().map_err(|message| {
            Problem::from(configuration_error(&DeliveryError::Configuration { message }))
        })?),
    };
    let bucket = BucketConfiguration {
        bucket: bucket.ok_or_else(|| missing("bucket"))?,
        region: region.ok_or_else(|| missing("region"))?,
        path: query.path.clone().or_else(|| of_saved(|saved| saved.path.clone())),
        kms_key_id: query.kms_key_id.clone().or_else(|| of_saved(|saved| saved.kms_key_id.clone())),
        encryption,
        bucket_owner: query.bucket_owner.clone().or_else(|| of_saved(|saved| saved.bucket_owner.clone())),
        endpoint: None,
    };
    Ok(Place { bucket, layout, tenant })
}

/// Answers a document, which `write` makes of the place and the tenant's id.
async fn document(
    app: &AppState,
    query: &PlaceQuery,
    write: impl FnOnce(&S3Settings, &str) -> Result<SetupDocument, DeliveryError>,
) -> Result<Response, Problem> {
    let Place { bucket, tenant, .. } = place(app, query).await?;
    let document = bucket.settings().and_then(|settings| write(&settings, &tenant));
    Ok(to_response(document.map_err(|error| configuration_error(&error))?.value()))
}

async fn iam(State(app): State<App>, Query(place): Query<PlaceQuery>) -> Result<Response, Problem> {
    document(&app, &place, |settings, _| Ok(iam_policy(settings))).await
}

async fn bucket(
    State(app): State<App>,
    Query(place): Query<PlaceQuery>,
    Query(query): Query<PrincipalQuery>,
) -> Result<Response, Problem> {
    document(&app, &place, |settings, _| bucket_policy(settings, &query.principal)).await
}

async fn key(
    State(app): State<App>,
    Query(place): Query<PlaceQuery>,
    Query(query): Query<PrincipalQuery>,
) -> Result<Response, Problem> {
    document(&app, &place, |settings, _| key_policy(settings, &query.principal)).await
}

async fn expiration(
    State(app): State<App>,
    Query(place): Query<PlaceQuery>,
    Query(query): Query<DaysQuery>,
) -> Result<Response, Problem> {
    let days = query.days.unwrap_or(DEFAULT_DAYS);
    document(&app, &place, |settings, _| lifecycle(settings, days)).await
}

async fn trust(
    State(app): State<App>,
    Query(place_query): Query<PlaceQuery>,
    Query(query): Query<OptionalPrincipalQuery>,
) -> Result<Response, Problem> {
    let principal = match query.principal {
        Some(principal) => principal,
        None => {
            let Place { bucket, .. } = place(&app, &place_query).await?;
            let (saved, _) = saved(&app).await?;
            own_identity(&app, saved.as_ref(), Some(&bucket.region)).await?.principal
        }
    };
    document(&app, &place_query, |settings, tenant| trust_policy(settings, &principal, tenant)).await
}

async fn ddl(
    State(app): State<App>,
    Path(engine): Path<String>,
    Query(layout): Query<LayoutQuery>,
    Query(place_query): Query<PlaceQuery>,
) -> Result<Response, Problem> {
    let engine: Engine = engine.parse().map_err(|error: String| Problem::not_found(error))?;
    let place = place(&app, &place_query).await?;
    let layout = match &layout.layout {
        None => place.layout.unwrap_or_default(),
        Some(text) => text.parse().map_err(|_| {
            Problem::bad_request(format!("layout must be latest, swap or history, found `{text}`"))
        })?,
    };
    let text = exports::engine_script(&place.bucket, layout, engine)?;
    Ok(([(header::CONTENT_TYPE, "text/plain; charset=utf-8")], text).into_response())
}
