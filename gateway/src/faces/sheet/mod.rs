//! The matrix on paper: its forms for a terminal, a spreadsheet, a page to print and a program. Both the administrator's command and
//! the lobby write them.

mod csv;
mod html;
mod reached;
mod table;
mod words;

use ecluse_policy::Lang;
use ecluse_recordings::json;

pub(crate) use self::csv::quoted;
pub(crate) use self::reached::reached;
use self::words::Words;
use crate::deeds::matrix::{Format, Matrix};
use crate::texts::Texts;

/// Columns of what is written where there is no terminal.
pub(crate) const COLUMNS: usize = 80;

/// The matrix in a form, line by line. A page and a table are in the reader's language; the others have English names. Of a table no line is
/// wider than `columns`.
pub(crate) fn written(
    texts: &Texts,
    lang: Lang,
    matrix: &Matrix,
    format: Format,
    columns: usize,
) -> Vec<String> {
    let words = Words::of(texts, lang, &matrix.zone, matrix.at);
    match format {
        Format::Table => table::lines(&words, matrix, columns),
        Format::Csv => csv::lines(matrix),
        Format::Html => html::lines(&words, matrix),
        // It has no number that JSON does not have.
        Format::Json => json::to_string_pretty(matrix)
            .unwrap_or_default()
            .lines()
            .map(str::to_owned)
            .collect(),
    }
}
