//! The columns that name the relation or its columns.

use std::ops::Range;

use domesday_drift::Template;
use parquet::errors::Result as ParquetResult;
use rayon::prelude::*;

use super::group_encoder::{GroupEncoder, GroupParts};
use super::row_groups::{count_rows, split_pages};
use super::table_rows::TableRows;
use crate::columnar::plain::{PlainPage, TextPage, plain_chunk};
use crate::columnar::{Chunk, Column, Dictionary, NULL, PageEncoder, RowStatistics};
use crate::schema::FieldKind;

/// Rows of a page of text; fewer where they are long.
const TEXT_PAGE_ROWS: usize = 1 << 14;

impl<T: TableRows> GroupEncoder<'_, T> {
    /// Encodes the field about columns: equal rows of a class have other values for each relation.
    pub(super) fn column_field(
        &self,
        group: &GroupParts<'_>,
        encoder: &mut PageEncoder,
    ) -> ParquetResult<(usize, Chunk)> {
        let position = self.position(T::COLUMN_FIELD);
        let mut values = Dictionary::new(T::table().fields[position].kind);
        // By piece, then code: the dictionary index.
        let positions = group.pieces.iter().zip(&group.distinct.of_piece).map(|(piece, distinct)| {
            let of_class = &group.class_rows[*distinct].columns.values;
            let of_relation = of_class.iter().map(|columns| self.rows.column_value(&piece.of, columns));
            of_relation.map(|value| value.map_or(NULL, |value| values.intern(&value))).collect()
        });
        let positions: Vec<Vec<u32>> = positions.collect();
        let column = Column::new(self.schema.column(position), &values);
        let page = |cut: &Range<usize>| {
            let pieces = group.distinct.of_piece[cut.clone()].iter().zip(&positions[cut.clone()]);
            let mut statistics =
                RowStatistics { rows: count_rows(&group.pieces[cut.clone()]), ..RowStatistics::default() };
            let (mut levels, mut content) = (Vec::new(), Vec::new());
            for (distinct, positions) in pieces {
                let codes = &group.class_rows[*distinct].columns;
                let segment = codes.encode(positions, column.width, &values);
                statistics.nulls += segment.nulls;
                statistics.min_max = values.join(statistics.min_max, segment.min_max);
                levels.extend_from_slice(&segment.levels);
                content.extend_from_slice(&segment.values);
            }
            let write_levels = |out: &mut Vec<u8>| out.extend_from_slice(&levels);
            column.page(statistics, encoder, write_levels, |out| out.extend_from_slice(&content))
        };
        let pages = group.cuts.iter().map(page).collect::<ParquetResult<Vec<_>>>()?;
        Ok((position, column.chunk(&pages, encoder)?))
    }

    /// Encodes a field that is a text about the relation, its pages in parallel.
    pub(super) fn text_column(&self, group: &GroupParts<'_>, field: usize) -> ParquetResult<(usize, Chunk)> {
        let position = self.position(T::TEXT_FIELDS[field]);
        let distinct = group.distinct.pieces.par_iter().zip(&group.distinct.counts);
        // Where a class occurs once, its templates are made when they are needed.
        let templates: Vec<Option<Vec<Option<Template>>>> =
            distinct.map(|(piece, count)| (*count > 1).then(|| self.rows.templates(field, piece))).collect();
        let is_nullable = T::table().fields[position].nullable;
        let pages = |cut: &Range<usize>| {
            self.page_encoders.with(|encoder| {
                let mut pages: Vec<PlainPage> = Vec::new();
                let mut page = TextPage::default();
                let mut made;
                for at in cut.clone() {
                    let piece = &group.pieces[at];
                    let templates = match &templates[group.distinct.of_piece[at]] {
                        Some(templates) => templates,
                        None => {
                            made = self.rows.templates(field, piece);
                            &made
                        }
                    };
                    let mut names = self.rows.names(field, &piece.of);
                    for template in templates {
                        match template {
                            Some(template) => page.push(|out| {
                                template.write(&mut names, |text| out.extend_from_slice(text.as_bytes()));
                            }),
                            None => page.push_null(),
                        }
                        if page.is_full() {
                            pages.push(page.finish(is_nullable, encoder)?);
                        }
                    }
                }
                if !page.is_empty() {
                    pages.push(page.finish(is_nullable, encoder)?);
                }
                Ok(pages)
            })
        };
        let cuts = split_pages(group.pieces, TEXT_PAGE_ROWS);
        let pages: Vec<Vec<PlainPage>> = cuts.par_iter().map(pages).collect::<ParquetResult<_>>()?;
        let pages: Vec<PlainPage> = pages.into_iter().flatten().collect();
        Ok((position, plain_chunk(self.schema.column(position), FieldKind::String, &pages)?))
    }
}
