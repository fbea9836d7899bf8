//! Encodes a row group: from pieces to column chunks.

use std::ops::Range;

use domesday_model::FastMap;
use parquet::errors::Result as ParquetResult;
use parquet::schema::types::{ColumnDescPtr, SchemaDescriptor};
use rayon::prelude::*;

use super::class_columns::{ClassColumns, ClassSegments};
use super::row_groups::{DistinctPieces, count_rows, split_pages};
use super::table_rows::{ClassRows, Piece, TableRows};
use crate::columnar::{
    Chunk, Column, Dictionary, EncodedRowGroup, MinMax, PageEncoder, PageEncoderPool, PageWithStatistics,
    RowStatistics, Segment, plain, rle_hybrid,
};
use crate::schema::FieldKind;

/// Rows of a page of dictionary indices: a page contains each of its classes again, so that large pages make small files.
pub(super) const PAGE_ROWS: usize = 1 << 17;

/// Rows of a page that identifies the source: few, since readers find a source by these pages.
const SOURCE_PAGE_ROWS: usize = 1 << 16;

/// Encodes row groups.
pub(super) struct GroupEncoder<'a, T> {
    pub(super) rows: &'a T,
    pub(super) schema: &'a SchemaDescriptor,
    pub(super) page_encoders: PageEncoderPool,
}

/// A row group, while its columns are encoded.
pub(super) struct GroupParts<'g> {
    pub(super) pieces: &'g [Piece],
    pub(super) distinct: DistinctPieces<'g>,
    /// By distinct piece.
    pub(super) class_rows: Vec<ClassRows>,
    pub(super) class_columns: ClassColumns,
    /// The pieces of each page of dictionary indices.
    pub(super) cuts: Vec<Range<usize>>,
}

/// Columns that are encoded together, other than texts.
#[derive(Clone, Copy)]
enum Task {
    Roles,
    Users,
    Columns,
    Coded(usize),
    Flags,
    Sources,
}

impl<T: TableRows> GroupEncoder<'_, T> {
    pub(super) fn encode(&self, pieces: &[Piece]) -> ParquetResult<EncodedRowGroup> {
        let distinct = DistinctPieces::find(pieces);
        let class_rows: Vec<ClassRows> =
            distinct.pieces.par_iter().map(|piece| self.rows.class_rows(piece)).collect();
        let class_columns = ClassColumns::new(self.rows, &distinct, &class_rows);
        let cuts = split_pages(pieces, PAGE_ROWS);
        let group = GroupParts { pieces, distinct, class_rows, class_columns, cuts };

        let mut tasks = vec![Task::Roles, Task::Users, Task::Columns, Task::Sources];
        tasks.extend((0..T::CODED_FIELDS.len()).map(Task::Coded));
        tasks.extend(T::FLAG_FIELD.map(|_| Task::Flags));
        let work = |task| self.page_encoders.with(|encoder| self.columns(task, &group, encoder));
        let (texts, others) = rayon::join(
            || {
                let fields = (0..T::TEXT_FIELDS.len()).into_par_iter();
                fields.map(|field| self.text_column(&group, field)).collect::<ParquetResult<Vec<_>>>()
            },
            || tasks.into_par_iter().with_max_len(1).map(work).collect::<ParquetResult<Vec<_>>>(),
        );
        let chunks = others?.into_iter().flatten().chain(texts?).collect();
        Ok(EncodedRowGroup::new(count_rows(pieces), chunks, self.schema.num_columns()))
    }

    fn columns(
        &self,
        task: Task,
        group: &GroupParts<'_>,
        encoder: &mut PageEncoder,
    ) -> ParquetResult<Vec<(usize, Chunk)>> {
        let columns = &group.class_columns;
        match task {
            Task::Roles => {
                let values = &columns.role_names;
                Ok(vec![self.class_column(group, "role_name", values, |it| &it.roles, encoder)?])
            }
            Task::Coded(field) => {
                let (name, values) = (T::CODED_FIELDS[field], &columns.coded[field]);
                Ok(vec![self.class_column(group, name, values, |it| &it.coded[field], encoder)?])
            }
            Task::Users => self.user_columns(group, encoder),
            Task::Columns => Ok(vec![self.column_field(group, encoder)?]),
            Task::Flags => self.flags(group, encoder),
            Task::Sources => self.source_columns(group.pieces, encoder),
        }
    }

    /// Encodes a column that is the same for every relation of a class.
    fn class_column(
        &self,
        group: &GroupParts<'_>,
        field: &str,
        values: &Dictionary,
        segment: impl Fn(&ClassSegments) -> &Segment,
        encoder: &mut PageEncoder,
    ) -> ParquetResult<(usize, Chunk)> {
        let column = Column::new(self.column(field), values);
        let pages = self.class_pages(group, &column, segment, encoder)?;
        Ok((self.position(field), column.chunk(&pages, encoder)?))
    }

    /// Encodes the pages of such a column, equal ones once.
    fn class_pages(
        &self,
        group: &GroupParts<'_>,
        column: &Column<'_>,
        segment: impl Fn(&ClassSegments) -> &Segment,
        encoder: &mut PageEncoder,
    ) -> ParquetResult<Vec<PageWithStatistics>> {
        let mut known: FastMap<&[usize], PageWithStatistics> = FastMap::default();
        let mut pages = Vec::with_capacity(group.cuts.len());
        for cut in &group.cuts {
            let distinct = &group.distinct.of_piece[cut.clone()];
            if let Some(page) = known.get(distinct) {
                pages.push(page.clone());
                continue;
            }
            let segments = distinct.iter().map(|piece| segment(&group.class_columns.segments[*piece]));
            let mut statistics =
                RowStatistics { rows: count_rows(&group.pieces[cut.clone()]), ..RowStatistics::default() };
            for segment in segments.clone() {
                statistics.nulls += segment.nulls;
                statistics.min_max = column.values.join(statistics.min_max, segment.min_max);
            }
            let levels = segments.clone();
            let page = column.page(
                statistics,
                encoder,
                |out| levels.for_each(|segment| out.extend_from_slice(&segment.levels)),
                |out| segments.for_each(|segment| out.extend_from_slice(&segment.values)),
            )?;
            known.insert(distinct, page.clone());
            pages.push(page);
        }
        Ok(pages)
    }

    /// Encodes global_user_id and username, whose pages are the same.
    fn user_columns(
        &self,
        group: &GroupParts<'_>,
        encoder: &mut PageEncoder,
    ) -> ParquetResult<Vec<(usize, Chunk)>> {
        let columns = &group.class_columns;
        let usernames = Column::new(self.column("username"), &columns.usernames);
        let pages = self.class_pages(group, &usernames, |it| &it.users, encoder)?;
        let global_user_ids = Column::new(self.column("global_user_id"), &columns.global_user_ids);
        let of_ids = pages.iter().zip(&group.cuts).map(|(page, cut)| {
            let pieces = group.distinct.of_piece[cut.clone()].iter();
            let bounds = pieces.map(|piece| columns.segments[*piece].global_user_ids);
            page.with_min_max(
                bounds.fold(MinMax::default(), |all, one| columns.global_user_ids.join(all, one)),
            )
        });
        let of_ids: Vec<PageWithStatistics> = of_ids.collect();
        Ok(vec![
            (self.position("global_user_id"), global_user_ids.chunk(&of_ids, encoder)?),
            (self.position("username"), usernames.chunk(&pages, encoder)?),
        ])
    }

    /// Encodes the Boolean field, where the table has one.
    fn flags(&self, group: &GroupParts<'_>, encoder: &mut PageEncoder) -> ParquetResult<Vec<(usize, Chunk)>> {
        let Some(field) = T::FLAG_FIELD else { return Ok(Vec::new()) };
        let page = |cut: &Range<usize>| {
            let distinct = group.distinct.of_piece[cut.clone()].iter();
            let flags = distinct.flat_map(|piece| group.class_rows[*piece].flags.iter().copied());
            plain::boolean_page(count_rows(&group.pieces[cut.clone()]), flags, encoder)
        };
        let pages = group.cuts.iter().map(page).collect::<ParquetResult<Vec<_>>>()?;
        let chunk = plain::plain_chunk(self.column(field), FieldKind::Boolean, &pages)?;
        Ok(vec![(self.position(field), chunk)])
    }

    /// Encodes the columns with the same value in every row of a piece.
    fn source_columns(
        &self,
        pieces: &[Piece],
        encoder: &mut PageEncoder,
    ) -> ParquetResult<Vec<(usize, Chunk)>> {
        let snapshot = self.rows.snapshot();
        let mut connections = Dictionary::new(FieldKind::String);
        let mut ids = Dictionary::new(FieldKind::Integer);
        let mut names = Dictionary::new(FieldKind::String);
        let mut readings = Dictionary::new(FieldKind::Timestamp);
        let mut dates = Dictionary::new(FieldKind::Timestamp);
        let date = dates.intern_number(snapshot.at.as_micros());
        let positions = pieces.iter().map(|piece| {
            let database = self.rows.drifts()[piece.of.drift].database();
            let source = &snapshot.data_sources[piece.of.source.get()];
            [
                connections.intern(database.connection.as_bytes()),
                ids.intern_number(source.id.0),
                names.intern(source.name.as_bytes()),
                readings.intern_number(database.privileges.observed_at.as_micros()),
                date,
            ]
        });
        let positions: Vec<[u32; 5]> = positions.collect();
        let cuts = split_pages(pieces, SOURCE_PAGE_ROWS);
        let fields = [
            ("connection", connections),
            ("datasource_id", ids),
            ("datasource_name", names),
            ("observed_at", readings),
            ("export_date", dates),
        ];
        let chunk = |(at, (field, values)): (usize, (&str, Dictionary))| {
            let column = Column::new(self.column(field), &values);
            let page = |cut: &Range<usize>| {
                let rows = pieces[cut.clone()].iter().zip(&positions[cut.clone()]);
                let runs = rows.map(|(piece, positions)| (positions[at], piece.rows.len()));
                let statistics = RowStatistics {
                    rows: count_rows(&pieces[cut.clone()]),
                    nulls: 0,
                    min_max: values.min_max(runs.clone().map(|(position, _)| position)),
                };
                let write = |out: &mut Vec<u8>| rle_hybrid::append_runs(runs, column.width, out);
                column.page(statistics, encoder, |_| (), write)
            };
            let pages = cuts.iter().map(page).collect::<ParquetResult<Vec<_>>>()?;
            Ok((self.position(field), column.chunk(&pages, encoder)?))
        };
        fields.into_iter().enumerate().map(chunk).collect()
    }

    pub(super) fn position(&self, field: &str) -> usize {
        T::table().position(field).expect("a field of the table")
    }

    pub(super) fn column(&self, field: &str) -> ColumnDescPtr {
        self.schema.column(self.position(field))
    }
}
