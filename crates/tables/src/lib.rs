//! The twelve tables of the access summary: schema as data, Parquet encoding, manifest.
