//! What the other side needs: scripts for the engines that read, documents of rights for the bucket's owner.
//!
//! Everything is generated: external tables and views from the one schema definition, rights from the bucket and
//! path. Nothing here asks a server.

mod aws_policies;
mod ddl;
mod terraform;

pub use aws_policies::{
    Document, DocumentKind, assume_policy, bucket_policy, iam_policy, key_policy, lifecycle, trust_policy,
};
pub use ddl::{SetupScript, setup_script, setup_scripts};
