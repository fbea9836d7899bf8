//! Persistence of the governance metadata and the one consistent read that makes a snapshot.
