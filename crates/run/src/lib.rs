//! The run: take a snapshot, evaluate, encode, deliver.
