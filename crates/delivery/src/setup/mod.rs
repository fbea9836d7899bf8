//! What the other side needs: scripts for the engines that read, documents of rights for the bucket's owner.
//!
//! Everything is generated: external tables and views from the one schema definition, rights from the bucket and
//! path. Nothing here asks a server.

mod ddl;
mod rights;
mod terraform;

pub use ddl::{Engine, SetupScript, setup_script, setup_scripts};
pub use rights::{
    Document, DocumentKind, assume_policy, bucket_policy, iam_policy, key_policy, lifecycle, trust_policy,
};
