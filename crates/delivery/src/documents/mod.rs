//! Generated documents: scripts for the engines that read a summary, policies for the owners of bucket, role and key.
//!
//! External tables and views are generated from the schema definition, policies from the bucket and path. Nothing here
//! calls a server, and no delivery depends on this module.

mod aws_policies;
mod ddl;
mod terraform;

pub use aws_policies::{
    SetupDocument, SetupDocumentKind, assume_policy, bucket_policy, iam_policy, key_policy, lifecycle,
    trust_policy,
};
pub use ddl::{SetupScript, setup_script, setup_scripts};
