//! The page index of a file.

use std::io::Write as _;
use std::ops::Range;

use parquet::file::metadata::{ParquetMetaData, RowGroupMetaData};
use parquet::file::page_index::column_index::ColumnIndexMetaData;
use parquet::file::reader::FileReader as _;
use parquet::file::serialized_reader::{ReadOptionsBuilder, SerializedFileReader};

use crate::world::Sortable;

/// The least and greatest value that something states, if there are values.
pub(crate) type Bounds = Option<(Sortable, Sortable)>;

/// Reads the metadata of a file with its page index.
pub(crate) fn metadata(bytes: &[u8]) -> ParquetMetaData {
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(bytes).unwrap();
    let options = ReadOptionsBuilder::new().with_page_index().build();
    SerializedFileReader::new_with_options(file, options).unwrap().metadata().clone()
}

/// Returns the rows, nulls and bounds of each page of a column.
pub(crate) fn pages(
    metadata: &ParquetMetaData,
    number: usize,
    column: usize,
) -> Vec<(Range<usize>, Option<u64>, Bounds)> {
    let group: &RowGroupMetaData = metadata.row_group(number);
    let of_group = metadata.page_index_for_row_group(number);
    let index = of_group.column_index(column).unwrap();
    let locations = of_group.offset_index(column).unwrap().page_locations();
    let start = |at: usize| {
        let location = locations.get(at);
        usize::try_from(location.map_or(group.num_rows(), |location| location.first_row_index)).unwrap()
    };
    let page = |at: usize| {
        let nulls = index.null_count(at).map(|nulls| u64::try_from(nulls).unwrap());
        (start(at)..start(at + 1), nulls, bounds(index, at))
    };
    (0..locations.len()).map(page).collect()
}

fn bounds(index: &ColumnIndexMetaData, page: usize) -> Bounds {
    let number = |number: i64| (number, Vec::new());
    match index {
        ColumnIndexMetaData::BOOLEAN(index) => {
            let (min, max) = (index.min_value(page)?, index.max_value(page)?);
            Some((number(i64::from(*min)), number(i64::from(*max))))
        }
        ColumnIndexMetaData::INT64(index) => {
            Some((number(*index.min_value(page)?), number(*index.max_value(page)?)))
        }
        ColumnIndexMetaData::BYTE_ARRAY(index) => {
            let text = |text: &[u8]| (i64::MAX, text.to_vec());
            Some((text(index.min_value(page)?), text(index.max_value(page)?)))
        }
        other => panic!("no column has {other:?}"),
    }
}
