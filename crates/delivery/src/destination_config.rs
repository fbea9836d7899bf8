//! What every kind of destination provides. A kind owns everything about itself: its addresses, its name, its
//! verification, how it is opened, and where its tables are for those who read them.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use domesday_tables::SCHEMA_FOLDER;

use crate::{
    CallContext, DeliveryError, Destination, Environment, Spool, SummaryReader, TenantName, VerificationCheck,
};

/// A kind of destination, such as a directory or a bucket.
pub trait DestinationKind: fmt::Debug + Sync {
    /// Whether an address is one of this kind.
    fn has_address(&self, address: &str) -> bool;

    /// Returns how to write an address of this kind that somebody began with a wrong scheme.
    fn hint(&self, scheme: &str) -> Option<&'static str>;

    /// Makes a destination of an address and options.
    ///
    /// # Errors
    /// When one of them is invalid. What an address contains is not repeated, since that may be a password.
    fn configure(
        &self,
        address: &str,
        options: &DestinationOptions,
        environment: &Environment,
    ) -> Result<Arc<dyn DestinationConfig>, DeliveryError>;
}

/// A destination as configured, before any call.
pub trait DestinationConfig: fmt::Debug + Send + Sync {
    /// Returns a name that stays the same from run to run.
    fn name(&self) -> String;

    /// Returns the directory or address that contains the summary's folder.
    fn address(&self) -> String;

    /// Returns the directory or address that contains the tables.
    fn root(&self) -> String {
        format!("{}/{SCHEMA_FOLDER}", self.address())
    }

    /// Returns what the evidence says of the configuration, a line for each setting and no secret.
    fn evidence(&self) -> String;

    /// Whether the tenant's id is part of the credentials, as the external id of a role.
    fn requires_tenant(&self) -> bool;

    /// Opens the destination and a spool for it.
    ///
    /// # Errors
    /// When the destination cannot be made, or its configuration cannot be used.
    fn open(&self, tenant: &TenantName, call_context: &CallContext)
    -> Result<OpenDestination, DeliveryError>;

    /// Opens the destination to be read.
    ///
    /// # Errors
    /// When it does not exist, or its configuration cannot be used.
    fn open_reader(
        &self,
        tenant: &TenantName,
        call_context: &CallContext,
    ) -> Result<Box<dyn SummaryReader>, DeliveryError>;

    /// Tries whether the destination takes summaries.
    fn verify(&self, tenant: &TenantName, call_context: &CallContext) -> Vec<VerificationCheck>;

    /// Returns where the tables are, for the scripts that set engines up.
    ///
    /// # Errors
    /// When the location cannot be written in SQL.
    fn table_location(&self) -> Result<TableLocation, DeliveryError>;

    /// Whether a delivery brings the scripts that set engines up.
    fn receives_setup_scripts(&self) -> bool;
}

/// A destination at work.
pub struct OpenDestination {
    /// The destination.
    pub destination: Box<dyn Destination>,
    /// Where files wait for their delivery.
    pub spool: Spool,
}

impl fmt::Debug for OpenDestination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Opened").field("spool", &self.spool).finish_non_exhaustive()
    }
}

/// Options of a destination by their names on the command line. Every kind takes those that concern it and refuses
/// the others.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DestinationOptions(BTreeMap<&'static str, String>);

impl DestinationOptions {
    /// Sets an option, if it has a value.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: Option<&str>) -> Self {
        self.0.extend(value.map(|value| (name, value.to_owned())));
        self
    }

    /// Returns an option.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// Returns the name of an option that is set.
    pub(crate) fn first_name(&self) -> Option<&'static str> {
        self.0.keys().next().copied()
    }
}

/// Where the tables of a summary are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableLocation {
    /// The address of the schema version's folder, without a slash at the end.
    pub(crate) root: String,
    /// The object store, unless it is a directory.
    pub(crate) object_store: Option<ObjectStore>,
}

impl TableLocation {
    pub(crate) fn new(address: &str, object_store: Option<ObjectStore>) -> Self {
        Self { root: format!("{address}/{SCHEMA_FOLDER}"), object_store }
    }
}

/// What an engine must know of an object store besides the address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObjectStore {
    pub(crate) bucket: String,
    pub(crate) region: String,
    /// A server other than AWS.
    pub(crate) endpoint: Option<String>,
}
