//! PostgreSQL as a source: what a database's catalog tables say, read in one transaction.
//!
//! Nothing is written and no superuser is needed: the catalog tables that are read are open to every role.

mod privileges;

pub use privileges::{PrivilegesError, begin, read_privileges};
