//! `domesday openapi`: prints the OpenAPI document of the service.

use crate::output::Output;

pub(crate) fn run(output: &Output) -> anyhow::Result<()> {
    output.result(domesday_http::openapi_document().trim_end());
    Ok(())
}
