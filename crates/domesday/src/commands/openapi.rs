//! `domesday openapi`: the document that describes the service's API.

use crate::output::Output;

pub(crate) fn run(output: &Output) -> anyhow::Result<()> {
    output.result(domesday_server::openapi_document().trim_end());
    Ok(())
}
