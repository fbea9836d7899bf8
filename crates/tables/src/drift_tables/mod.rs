//! actual-access and access-drift: what the databases of connections really allow, and where that differs from policy.
//!
//! [`Drift`](domesday_drift::Drift) knows both by group: relations that are alike for everything compared. Here groups become
//! the bytes of Parquet pages, in the order connection, data source, row of the group. What a row says of role, user and path
//! is encoded once per row group and copied for each relation; what names the relation or its columns is made from a template
//! of the group.
//!
//! [`access_rows`] and [`finding_rows`] are the two tables ([`TableRows`]). Sources are assigned to row groups
//! ([`row_groups`]); the distinct pieces of a row group become bytes ([`class_columns`]), and these become pages and column
//! chunks ([`group_encoder`], [`relation_columns`], [`columnar`](crate::columnar)). Row groups are encoded on all threads, a
//! few at a time, while those before them are written; the bytes do not depend on the number of threads.

mod access_rows;
mod class_columns;
mod finding_rows;
mod group_encoder;
mod relation_columns;
mod row_groups;
mod table_rows;

use std::io::{self, Write};

use parquet::errors::Result as ParquetResult;
use rayon::prelude::*;

pub(crate) use access_rows::AccessRows;
pub(crate) use finding_rows::FindingRows;
use group_encoder::GroupEncoder;
use row_groups::RowGroups;
use table_rows::{Piece, TableRows};

use crate::EncodeError;
use crate::columnar::{EncodedRowGroup, PageEncoderPool};
use crate::part_writer::PartWriter;
use crate::schema::{Table, parquet_schema};

/// The most row groups that are encoded together: the columns and the pages of text of each are encoded in parallel too.
const MAX_PARALLEL_GROUPS: usize = 4;

/// Writes the rows of a table.
pub(crate) fn encode<T, W, F>(rows: &T, parts: &mut PartWriter<'_, W, F>) -> Result<(), EncodeError>
where
    T: TableRows,
    W: Write + Send,
    F: FnMut(&'static Table, u32) -> io::Result<W>,
{
    let schema = parts.check(parquet_schema(T::table()))?;
    let encoder = GroupEncoder { rows, schema: &schema, page_encoders: PageEncoderPool::default() };
    let mut groups = RowGroups::new(rows, parts.settings());
    let width = rayon::current_num_threads().min(MAX_PARALLEL_GROUPS);
    let mut finished: Vec<EncodedRowGroup> = Vec::new();
    loop {
        let next: Vec<Vec<Piece>> = groups.by_ref().take(width).collect();
        if next.is_empty() && finished.is_empty() {
            return Ok(());
        }
        let mut made: ParquetResult<Vec<EncodedRowGroup>> = Ok(Vec::new());
        let written = rayon::in_place_scope(|scope| {
            let (encoder, made) = (&encoder, &mut made);
            scope.spawn(move |_| *made = next.par_iter().map(|group| encoder.encode(group)).collect());
            finished.drain(..).try_for_each(|group| parts.group(group.rows, |file| group.append(file)))
        });
        written?;
        finished = parts.check(made)?;
    }
}
