//! Column chunks of Parquet files, put together by hand: what the encoders by class have in common.
//!
//! The encoding of a value does not depend on the row that it is in. Dictionary indices are therefore packed once for rows
//! that occur again ([`Segment`]), and copied into the pages of every data source that has them ([`Column`]); a page may be
//! written in several places. Values that do not occur again are written as they are ([`plain`]).

mod column;
mod column_chunk;
mod dictionary;
mod page_encoder;
pub(crate) mod plain;
pub(crate) mod rle_hybrid;
mod row_group;
mod segment;
mod statistics;

pub(crate) use column::{Column, PageWithStatistics, RowStatistics};
pub(crate) use column_chunk::{Chunk, ChunkBuilder};
pub(crate) use dictionary::{Dictionary, MinMax};
pub(crate) use page_encoder::{Page, PageEncoder, PageEncoderPool};
pub(crate) use row_group::EncodedRowGroup;
pub(crate) use segment::{NULL, Segment};
