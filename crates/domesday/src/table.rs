//! Lists as tables: aligned text for a terminal, CSV, or Markdown.

use std::io::{BufWriter, Write as _};

use crate::cli::Format;
use crate::markdown::{table_head, table_row};
use crate::output::{Output, STRONG};

/// Prints a table in the format that was asked for. CSV (RFC 4180) and Markdown are written row by row, so that a long
/// list is never in memory; text is aligned, and needs all rows. Stops when the reader stops reading.
pub(crate) fn print_table<const N: usize>(
    output: Output,
    columns: [&str; N],
    rows: impl IntoIterator<Item = [String; N]>,
) {
    match output.format {
        Format::Csv => output.check_written(write_csv(columns, rows)),
        Format::Markdown => output.check_written(write_markdown(columns, rows)),
        Format::Text | Format::Json | Format::Terraform => print_text(output, columns, rows),
    }
}

fn write_csv<const N: usize>(
    columns: [&str; N],
    rows: impl IntoIterator<Item = [String; N]>,
) -> std::io::Result<()> {
    let mut csv = csv::Writer::from_writer(std::io::stdout().lock());
    let io_error = |error: csv::Error| match error.into_kind() {
        csv::ErrorKind::Io(error) => error,
        kind => std::io::Error::other(format!("{kind:?}")),
    };
    csv.write_record(columns).map_err(io_error)?;
    for row in rows {
        csv.write_record(&row).map_err(io_error)?;
    }
    csv.flush()
}

fn write_markdown<const N: usize>(
    columns: [&str; N],
    rows: impl IntoIterator<Item = [String; N]>,
) -> std::io::Result<()> {
    let mut out = BufWriter::new(std::io::stdout().lock());
    writeln!(out, "{}", table_head(&columns))?;
    for row in rows {
        writeln!(out, "{}", table_row(&row.each_ref().map(String::as_str)))?;
    }
    out.flush()
}

fn print_text<const N: usize>(
    output: Output,
    columns: [&str; N],
    rows: impl IntoIterator<Item = [String; N]>,
) {
    let rows: Vec<_> = rows.into_iter().collect();
    let widths = widths(&columns, &rows);
    output.result(format_args!("{STRONG}{}{STRONG:#}", aligned(&columns, &widths)));
    for row in &rows {
        output.result(aligned(&row.each_ref().map(String::as_str), &widths));
    }
}

/// Returns the width of each column in characters.
fn widths<const N: usize>(columns: &[&str; N], rows: &[[String; N]]) -> [usize; N] {
    let mut widths = columns.map(|column| column.chars().count());
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    widths
}

/// Returns a line of cells, each padded to the width of its column.
fn aligned<const N: usize>(cells: &[&str; N], widths: &[usize; N]) -> String {
    let mut line = String::new();
    for (position, (cell, width)) in cells.iter().zip(widths).enumerate() {
        if position > 0 {
            line.push_str("  ");
        }
        line.push_str(cell);
        line.extend(std::iter::repeat_n(' ', width - cell.chars().count()));
    }
    line.truncate(line.trim_end().len());
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let rows = [["Zoë".to_owned(), "1".to_owned()], ["Al".to_owned(), "1000".to_owned()]];
        let widths = widths(&["name", "n"], &rows);
        assert_eq!(widths, [4, 4]);
        assert_eq!(aligned(&["name", "n"], &widths), "name  n");
        assert_eq!(aligned(&["Zoë", "1000"], &widths), "Zoë   1000");
        // An empty first cell keeps its place.
        assert_eq!(aligned(&["", "1"], &widths), "      1");
    }
}
