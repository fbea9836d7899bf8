//! A directory as a kind of destination.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use domesday_model::url_scheme;

use super::directory::LocalDirectory;
use crate::{
    CallContext, DeliveryError, DestinationConfig, DestinationKind, DestinationOptions, Environment,
    OpenDestination, SummaryReader, TableLocation, TenantName, VerificationCheck,
};

/// The kind: a path, or `file:///PATH`.
#[derive(Debug)]
pub(crate) struct LocalKind;

impl DestinationKind for LocalKind {
    fn has_address(&self, address: &str) -> bool {
        url_scheme(address).is_none() || address.starts_with("file://")
    }

    fn hint(&self, scheme: &str) -> Option<&'static str> {
        (scheme == "file").then_some("write file:///PATH with an absolute path, or a plain path")
    }

    fn configure(
        &self,
        address: &str,
        options: &DestinationOptions,
        _: &Environment,
    ) -> Result<Arc<dyn DestinationConfig>, DeliveryError> {
        let path = match address.strip_prefix("file://") {
            None => address.into(),
            Some(path) => parse_url_path(path)?,
        };
        if let Some(option) = options.first_name() {
            return wrong(format!(
                "`--{option}` is only for destinations in S3, and `{address}` is a directory"
            ));
        }
        Ok(Arc::new(LocalConfig::new(path)))
    }
}

/// Parses the path of a file URL.
fn parse_url_path(path: &str) -> Result<PathBuf, DeliveryError> {
    if !path.starts_with('/') || path.starts_with("//") {
        return wrong(
            "the file URL has no absolute path; write file:///srv/summary, or a plain path".to_owned(),
        );
    }
    // In a file URL each of them would mean something else than itself.
    if let Some(special) = path.chars().find(|c| "%?#".contains(*c)) {
        return wrong(format!("the file URL contains `{special}`; write the plain path"));
    }
    Ok(path.into())
}

fn wrong<T>(message: String) -> Result<T, DeliveryError> {
    Err(DeliveryError::Configuration { message })
}

/// A directory, which a delivery creates when it does not exist.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LocalConfig(PathBuf);

impl LocalConfig {
    /// Creates the configuration of a directory.
    #[must_use]
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self(path.into())
    }
}

impl DestinationConfig for LocalConfig {
    fn name(&self) -> String {
        let path = self.0.canonicalize().unwrap_or_else(|_| self.0.clone());
        format!("file://{}", path.display())
    }

    fn address(&self) -> String {
        self.0.display().to_string()
    }

    fn root(&self) -> String {
        self.0.join(domesday_tables::SCHEMA_FOLDER).display().to_string()
    }

    /// The path is left out: the same summary in two directories is the same evidence.
    fn evidence(&self) -> String {
        String::new()
    }

    fn requires_tenant(&self) -> bool {
        false
    }

    /// Spools inside the directory, so that delivering is renaming.
    fn open(&self, _: &TenantName, _: &CallContext) -> Result<OpenDestination, DeliveryError> {
        let directory = LocalDirectory::open(&self.0)?;
        Ok(OpenDestination { spool: directory.spool()?, destination: Box::new(directory) })
    }

    fn open_reader(&self, _: &TenantName, _: &CallContext) -> Result<Box<dyn SummaryReader>, DeliveryError> {
        Ok(Box::new(LocalDirectory::open_existing(&self.0)?))
    }

    fn verify(&self, _: &TenantName, _: &CallContext) -> Vec<VerificationCheck> {
        vec![match LocalDirectory::open(&self.0).and_then(|directory| directory.spool()) {
            Ok(_) => VerificationCheck::passed("put", format!("{} takes files", self.0.display())),
            Err(error) => VerificationCheck::failed("put", &error),
        }]
    }

    fn table_location(&self) -> Result<TableLocation, DeliveryError> {
        let Some(path) = self.0.to_str() else {
            return wrong(format!("the path {} is not Unicode text, as SQL is", self.0.display()));
        };
        // A tilde at the start would be the home directory of the user who runs the script.
        let absolute = path.starts_with('~').then(|| std::path::absolute(path).ok()).flatten();
        let path = absolute.as_deref().and_then(Path::to_str).unwrap_or(path).trim_end_matches('/');
        Ok(TableLocation::new(path, None))
    }

    /// Scripts for a directory would differ from place to place, and so would the summary.
    fn receives_setup_scripts(&self) -> bool {
        false
    }
}
