//! The style sheets, the script and the icon: compiled in, under names that contain a hash of their content, so that
//! browsers keep them for good.

use std::sync::LazyLock;

use axum::extract::Path;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use sha2::{Digest, Sha256};

/// Where assets are.
const PREFIX: &str = "/console/assets/";

/// The path of the route of assets.
pub(super) const ROUTE: &str = "/console/assets/{name}";

/// The paths of the assets.
#[derive(Debug)]
pub(super) struct Assets {
    pub(super) tokens: String,
    pub(super) style: String,
    pub(super) script: String,
    pub(super) mark: String,
}

const TOKENS: &str = include_str!("../../assets/tokens.css");
const STYLE: &str = include_str!("../../assets/console.css");
const SCRIPT: &str = include_str!("../../assets/console.js");
const MARK: &str = include_str!("../../assets/mark.svg");

static ASSETS: LazyLock<Assets> = LazyLock::new(|| Assets {
    tokens: path("tokens", "css", TOKENS),
    style: path("console", "css", STYLE),
    script: path("console", "js", SCRIPT),
    mark: path("mark", "svg", MARK),
});

/// Returns the paths of the assets.
pub(super) fn assets() -> &'static Assets {
    &ASSETS
}

fn path(name: &str, extension: &str, content: &str) -> String {
    let hash = Sha256::digest(content.as_bytes());
    let hash: String = hash.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
    format!("{PREFIX}{name}.{hash}.{extension}")
}

pub(super) async fn serve(Path(name): Path<String>) -> Response {
    let assets = assets();
    let is = |path: &String| path.strip_prefix(PREFIX) == Some(&*name);
    let (content, media_type) = match () {
        () if is(&assets.tokens) => (TOKENS, "text/css; charset=utf-8"),
        () if is(&assets.style) => (STYLE, "text/css; charset=utf-8"),
        () if is(&assets.script) => (SCRIPT, "text/javascript; charset=utf-8"),
        () if is(&assets.mark) => (MARK, "image/svg+xml"),
        () => return StatusCode::NOT_FOUND.into_response(),
    };
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static(media_type)),
        (header::CACHE_CONTROL, HeaderValue::from_static("public, max-age=31536000, immutable")),
    ];
    (headers, content).into_response()
}
