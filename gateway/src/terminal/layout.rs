//! Text laid out in columns: widths, wrapping, shortening, tables.
//!
//! Lengths are terminal columns, not bytes or characters. The texts given here are already harmless
//! (see `texts`): nothing is escaped at this level.

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// Columns of what is told before it is known how wide a terminal is, or whether there is one.
pub const UNKNOWN: usize = 72;

/// Columns that `text` takes. Our own colour sequences (`ESC [ … m`) take none.
pub fn width(text: &str) -> usize {
    let mut columns = 0;
    for piece in Pieces(text) {
        if let Piece::Text(text) = piece {
            columns += text.width();
        }
    }
    columns
}

/// Plain `text` of at most `columns`, with `…` in place of something in its midst: a third is its beginning.
pub fn shorten_within(text: &str, columns: usize) -> String {
    if width(text) <= columns {
        return text.to_owned();
    }
    let head = columns / 3;
    let tail = columns.saturating_sub(head + 1);
    let fits = |letters: &mut dyn Iterator<Item = char>, most: usize| {
        let mut used = 0;
        let mut kept = Vec::new();
        for letter in letters {
            used += letter.width().unwrap_or(0);
            if used > most {
                break;
            }
            kept.push(letter);
        }
        kept
    };
    let begins: String = fits(&mut text.chars(), head).into_iter().collect();
    let ends = fits(&mut text.chars().rev(), tail);
    let ends: String = ends.into_iter().rev().collect();
    format!("{begins}…{ends}")
}

/// `text` cut to at most `columns`, with `…` where something was left out.
pub fn shorten(text: &str, columns: usize) -> String {
    if width(text) <= columns {
        return text.to_owned();
    }
    let room = columns.saturating_sub(1);
    let mut out = String::new();
    let mut used = 0;
    let mut full = false;
    for piece in Pieces(text) {
        match piece {
            // Kept to the end, so that what follows is not left in colour.
            Piece::Style(style) => out.push_str(style),
            Piece::Text(_) if full => {}
            Piece::Text(text) => {
                for c in text.chars() {
                    let w = c.width().unwrap_or(0);
                    if used + w > room {
                        full = true;
                        if columns > 0 {
                            out.push('…');
                        }
                        break;
                    }
                    used += w;
                    out.push(c);
                }
            }
        }
    }
    out
}

/// `text` filled with spaces to `columns`.
pub fn pad(text: &str, columns: usize) -> String {
    let missing = columns.saturating_sub(width(text));
    let mut out = text.to_owned();
    out.extend(std::iter::repeat_n(' ', missing));
    out
}

/// Breaks `text` into lines of at most `columns`, between words where there are any. Following lines
/// of a paragraph are indented like its first one, plus `hanging`.
pub fn wrap(text: &str, columns: usize, hanging: usize) -> Vec<String> {
    let columns = columns.max(8);
    let mut lines = Vec::new();
    for paragraph in text.split('\n') {
        wrap_paragraph(paragraph, columns, hanging, &mut lines);
    }
    lines
}

/// `text` wrapped to `columns`, each line ended as a terminal wants it. Whatever the gateway says on a terminal is broken
/// by [`wrap`], between words.
pub fn told(text: &str, columns: usize) -> String {
    wrap(text, columns, 0)
        .into_iter()
        .map(|line| line + "\r\n")
        .collect()
}

fn wrap_paragraph(paragraph: &str, columns: usize, hanging: usize, lines: &mut Vec<String>) {
    if width(paragraph) <= columns {
        lines.push(paragraph.to_owned());
        return;
    }
    let body = paragraph.trim_start_matches(' ');
    let indent = (paragraph.len() - body.len()).min(columns / 2);
    let next_indent = (indent + hanging).min(columns / 2);
    let mut line = " ".repeat(indent);
    let mut used = indent;
    let mut empty = true;
    for word in body.split(' ') {
        let mut word = word;
        loop {
            let gap = usize::from(!empty);
            let w = width(word);
            if used + gap + w <= columns {
                if gap == 1 {
                    line.push(' ');
                }
                line.push_str(word);
                used += gap + w;
                empty = false;
                break;
            }
            if !empty {
                lines.push(std::mem::replace(&mut line, " ".repeat(next_indent)));
                used = next_indent;
                empty = true;
                continue;
            }
            // A word longer than a line is cut where the line ends.
            let (head, rest) = split_at_columns(word, columns - used);
            line.push_str(head);
            lines.push(std::mem::replace(&mut line, " ".repeat(next_indent)));
            used = next_indent;
            word = rest;
            if word.is_empty() {
                break;
            }
        }
    }
    if !empty {
        lines.push(line);
    }
}

/// The longest beginning of `word` that fits, at least one character, and what remains.
fn split_at_columns(word: &str, columns: usize) -> (&str, &str) {
    let mut used = 0;
    for (at, c) in word.char_indices() {
        let w = c.width().unwrap_or(0);
        if at > 0 && used + w > columns {
            return word.split_at(at);
        }
        used += w;
    }
    (word, "")
}

/// A column whose cells may be shortened where a table is too wide, and how many columns are left to it at least.
#[derive(Debug, Clone, Copy)]
pub struct Gives(pub usize, pub usize);

/// Rows in aligned columns: `heads` first. Where the terminal is too narrow for the table, the columns that give are
/// shortened, the widest first, and what was shortened stands under its row in full; where that is not enough, each row
/// becomes a small paragraph of `head: value` lines. So nothing is lost at any width.
pub fn table(
    heads: &[String],
    rows: &[Vec<String>],
    gives: &[Gives],
    columns: Option<usize>,
    colon: &str,
) -> Vec<String> {
    const GAP: usize = 2;
    let mut widths: Vec<usize> = heads.iter().map(|h| width(h)).collect();
    for row in rows {
        for (w, cell) in widths.iter_mut().zip(row) {
            *w = (*w).max(width(cell));
        }
    }
    let total: usize = widths.iter().sum::<usize>() + GAP * widths.len().saturating_sub(1);
    if let Some(columns) = columns {
        for _ in columns..total {
            let widest = gives
                .iter()
                .filter(|Gives(at, least)| widths.get(*at).is_some_and(|width| width > least))
                .max_by_key(|Gives(at, _)| widths.get(*at));
            let Some(width) = widest.and_then(|Gives(at, _)| widths.get_mut(*at)) else {
                return narrow_table(heads, rows, columns, colon);
            };
            *width -= 1;
        }
    }
    let line = |cells: &[String]| {
        let mut line = String::new();
        for (i, (cell, w)) in cells.iter().zip(&widths).enumerate() {
            if i > 0 {
                line.push_str("  ");
            }
            line.push_str(&pad(&shorten(cell, *w), *w));
        }
        line.trim_end().to_owned()
    };
    let mut lines = vec![line(heads)];
    for row in rows {
        lines.push(line(row));
        let cells = heads.iter().zip(row).zip(&widths);
        let shortened: Vec<String> = cells
            .filter(|((_, cell), given)| width(cell) > **given)
            .map(|((head, cell), _)| format!("{head}{colon} {cell}"))
            .collect();
        if let Some(columns) = columns.filter(|_| !shortened.is_empty()) {
            lines.extend(wrap(&format!("    {}", shortened.join(" · ")), columns, 0));
        }
    }
    lines
}

fn narrow_table(
    heads: &[String],
    rows: &[Vec<String>],
    columns: usize,
    colon: &str,
) -> Vec<String> {
    let mut lines = Vec::new();
    for row in rows {
        for (i, (head, cell)) in heads.iter().zip(row).enumerate() {
            if cell.is_empty() {
                continue;
            }
            // The first cell is the row's name: its head says what is named.
            let text = if i == 0 {
                format!("{head} {cell}")
            } else {
                format!("  {head}{colon} {cell}")
            };
            lines.extend(wrap(&text, columns, 2));
        }
    }
    lines
}

enum Piece<'a> {
    Text(&'a str),
    /// `ESC [ … m`, which only our own code writes.
    Style(&'a str),
}

/// Splits a text at our colour sequences.
struct Pieces<'a>(&'a str);

impl<'a> Iterator for Pieces<'a> {
    type Item = Piece<'a>;

    fn next(&mut self) -> Option<Piece<'a>> {
        if self.0.is_empty() {
            return None;
        }
        if self.0.starts_with('\x1b') {
            let end = self.0.find('m').map_or(self.0.len(), |at| at + 1);
            let (style, rest) = self.0.split_at(end);
            self.0 = rest;
            return Some(Piece::Style(style));
        }
        let end = self.0.find('\x1b').unwrap_or(self.0.len());
        let (text, rest) = self.0.split_at(end);
        self.0 = rest;
        Some(Piece::Text(text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn words_are_not_cut_and_long_ones_are() {
        assert_eq!(
            wrap("une phrase un peu longue", 12, 0),
            ["une phrase", "un peu", "longue"]
        );
        assert_eq!(wrap("abcdefghijklmnop", 8, 0), ["abcdefgh", "ijklmnop"]);
    }

    #[test]
    fn a_narrow_table_loses_no_cell() {
        let heads = ["id".to_owned(), "person".to_owned()];
        let rows = [vec![
            "#17".to_owned(),
            "alice martin of somewhere far away".to_owned(),
        ]];
        let text = table(&heads, &rows, &[], Some(20), ":").join(" ");
        assert!(text.contains("#17") && text.contains("person:") && text.contains("away"));
    }

    #[test]
    fn what_is_cut_within_keeps_both_its_ends() {
        let told = "sftp ↑ /srv/a/long/way/to/the/report.pdf 12 MiB";
        assert_eq!(shorten_within(told, 80), told);
        assert_eq!(shorten_within(told, 30), "sftp ↑ /sr…e/report.pdf 12 MiB");
        assert_eq!(width(&shorten_within(told, 30)), 30);
    }

    /// R10: a line a row as long as something is left of what may be shortened, and not a column more.
    #[test]
    fn what_gives_is_shortened_before_a_table_is_taken_apart() {
        let heads = ["no", "end", "why"].map(str::to_owned);
        let rows = [vec![
            "17".to_owned(),
            "cut by olivia: not planned".to_owned(),
            "maintenance".to_owned(),
        ]];
        let gives = [Gives(1, 8), Gives(2, 5)];
        let lines = |columns| table(&heads, &rows, &gives, Some(columns), ":");
        assert_eq!(
            lines(43)[1],
            "17  cut by olivia: not planned  maintenance",
            "nothing is shortened without need"
        );
        assert_eq!(lines(30)[1], "17  cut by olivi…  maintenance");
        assert_eq!(lines(19)[1], "17  cut by …  main…");
        // What was shortened stands under its row.
        assert_eq!(lines(30)[2], "    end: cut by olivia: not");
        for columns in 20..50 {
            let said = lines(columns).join(" ");
            let said: Vec<&str> = said.split_whitespace().collect();
            let said = said.join(" ");
            for cell in &rows[0] {
                assert!(said.contains(cell.as_str()), "{columns}: {said}");
            }
        }
        // Less than that, and all of it is told in blocks.
        let blocks = lines(18).join(" ");
        assert!(
            blocks.contains("planned") && blocks.contains("maintenance"),
            "{blocks}"
        );
    }

    #[test]
    fn colour_takes_no_column() {
        assert_eq!(width("\x1b[1mdb01\x1b[0m"), 4);
        assert_eq!(shorten("\x1b[1mdatabase\x1b[0m", 4), "\x1b[1mdat…\x1b[0m");
    }

    proptest! {
        /// No wrapped line is wider than asked, and every word stays in order.
        #[test]
        fn wrapping_keeps_every_character(text in "[a-zé漢 ]{0,200}", columns in 8usize..60, hanging in 0usize..6) {
            let lines = wrap(&text, columns, hanging);
            for line in &lines {
                prop_assert!(width(line) <= columns, "{line:?}");
            }
            let kept: String = lines.join("").split_whitespace().collect();
            let given: String = text.split_whitespace().collect();
            prop_assert_eq!(kept, given);
        }

        #[test]
        fn a_shortened_text_fits(text in "[a-zé漢 ]{0,80}", columns in 0usize..40) {
            prop_assert!(width(&shorten(&text, columns)) <= columns);
        }
    }
}
