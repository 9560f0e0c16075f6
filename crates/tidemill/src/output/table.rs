//! Tables without lines that fit the terminal: columns are as wide as their content. When room is short, flexible ones are
//! cut, then left out, then the last ones are left out; `-o json` has everything.

use console::{Term, measure_text_width, style, truncate_str};

/// Where the text of a column stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Align {
    /// Left.
    Left,
    /// Right, for numbers.
    Right,
}

/// A column.
#[derive(Clone, Copy, Debug)]
pub struct Column {
    /// Its heading, in capitals.
    pub title: &'static str,
    /// Where its text stands.
    pub align: Align,
    /// Whether its text is cut when the table is too wide.
    pub gives_way: bool,
}

impl Column {
    /// Text.
    pub const fn text(title: &'static str) -> Column {
        Column { title, align: Align::Left, gives_way: false }
    }

    /// A number.
    pub const fn number(title: &'static str) -> Column {
        Column { title, align: Align::Right, gives_way: false }
    }

    /// Text that is cut when room is short.
    pub const fn flexible(title: &'static str) -> Column {
        Column { title, align: Align::Left, gives_way: true }
    }
}

const GAP: &str = "  ";
const FLEXIBLE_WIDTH_MIN: usize = 10;

/// Rows under headings.
pub struct Table {
    columns: Vec<Column>,
    rows: Vec<Vec<String>>,
    empty: &'static str,
}

impl Table {
    /// A table with these columns; `empty` is said when there is no row.
    pub fn new(columns: &[Column], empty: &'static str) -> Table {
        Table { columns: columns.to_vec(), rows: Vec::new(), empty }
    }

    /// Adds a row of one cell a column. Line ends in cells become spaces.
    pub fn row(&mut self, cells: impl IntoIterator<Item = String>) {
        self.rows.push(cells.into_iter().map(|cell| cell.replace(['\n', '\r', '\t'], " ")).collect());
    }

    /// The table for standard output: as wide as the terminal at most, or of full width when there is none.
    pub fn render(&self) -> String {
        let term = Term::stdout();
        let width = if term.is_term() { Some(usize::from(term.size().1)) } else { None };
        self.render_within(width)
    }

    /// The table, no wider than `width`.
    pub fn render_within(&self, width: Option<usize>) -> String {
        if self.rows.is_empty() {
            return self.empty.to_owned();
        }
        let shown = self.fitting(width.unwrap_or(usize::MAX));
        let heading: Vec<String> = self.columns.iter().map(|column| style(column.title).dim().to_string()).collect();
        let lines = std::iter::once(&heading).chain(&self.rows);
        lines.map(|cells| self.line(cells, &shown)).collect::<Vec<_>>().join("\n")
    }

    /// The columns to show and their widths, so that all fit into `room`.
    fn fitting(&self, room: usize) -> Vec<(usize, usize)> {
        let mut shown: Vec<(usize, usize)> =
            (0..self.columns.len()).map(|index| (index, self.content_width(index))).collect();
        for place in (0..shown.len()).rev() {
            let (index, width) = shown[place];
            if self.columns[index].gives_way {
                shown[place].1 -= total(&shown).saturating_sub(room).min(width.saturating_sub(FLEXIBLE_WIDTH_MIN));
            }
        }
        for index in (0..self.columns.len()).rev().filter(|index| self.columns[*index].gives_way) {
            if total(&shown) > room {
                shown.retain(|(other, _)| *other != index);
            }
        }
        while total(&shown) > room && shown.len() > 1 {
            shown.pop();
        }
        shown
    }

    fn content_width(&self, index: usize) -> usize {
        let cells = self.rows.iter().filter_map(|row| row.get(index));
        let widest = cells.map(|cell| measure_text_width(cell)).max().unwrap_or(0);
        widest.max(self.columns[index].title.len())
    }

    fn line(&self, cells: &[String], shown: &[(usize, usize)]) -> String {
        let cell = |(index, width): &(usize, usize)| {
            let cell = cells.get(*index).map(|cell| truncate_str(cell, *width, "…")).unwrap_or_default();
            let space = " ".repeat(width.saturating_sub(measure_text_width(&cell)));
            match self.columns[*index].align {
                Align::Left => format!("{cell}{space}"),
                Align::Right => format!("{space}{cell}"),
            }
        };
        shown.iter().map(cell).collect::<Vec<_>>().join(GAP).trim_end().to_owned()
    }
}

/// The width of a line of these columns.
fn total(shown: &[(usize, usize)]) -> usize {
    shown.iter().map(|(_, width)| width).sum::<usize>() + GAP.len() * shown.len().saturating_sub(1)
}

/// Labelled values, one a line, the values in one column. Pairs without a value are left out.
pub fn pairs(rows: &[(&str, String)]) -> String {
    let rows: Vec<_> = rows.iter().filter(|(_, value)| !value.is_empty()).collect();
    let width = rows.iter().map(|(label, _)| label.len()).max().unwrap_or(0) + GAP.len();
    let indent = format!("\n{}", " ".repeat(width));
    let line = |(label, value): &&(&str, String)| {
        let space = " ".repeat(width - label.len());
        format!("{}{space}{}", style(label).dim(), value.trim_end().replace('\n', &indent))
    };
    rows.iter().map(line).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> Table {
        let mut table =
            Table::new(&[Column::text("NAME"), Column::number("QUEUED"), Column::flexible("REASON")], "none");
        table.row(["a".to_owned(), "7".to_owned(), "something went\nwrong with it".to_owned()]);
        table.row(["longer-name".to_owned(), "12345678".to_owned(), String::new()]);
        table
    }

    #[test]
    fn columns_are_as_wide_as_their_content() {
        let expected =
            "NAME           QUEUED  REASON\na                   7  something went wrong with it\nlonger-name  12345678";
        assert_eq!(table().render_within(None), expected);
    }

    #[test]
    fn flexible_columns_give_way() {
        let text = table().render_within(Some(36));
        assert!(text.lines().all(|line| measure_text_width(line) <= 36), "{text}");
        assert!(text.contains("something we…"), "{text}");
    }

    #[test]
    fn what_never_fits_is_left_out() {
        let first_line = |room| table().render_within(Some(room)).lines().next().unwrap().to_owned();
        assert_eq!(first_line(25), "NAME           QUEUED");
        assert_eq!(first_line(15), "NAME");
        assert_eq!(first_line(1), "NAME");
    }

    #[test]
    fn no_rows_are_said_in_words() {
        assert_eq!(
            Table::new(&[Column::text("NAME")], "there are no functions").render_within(None),
            "there are no functions"
        );
    }

    #[test]
    fn pairs_align_and_leave_out_the_empty() {
        let text = pairs(&[("name", "hello".to_owned()), ("none", String::new()), ("description", "a\nb".to_owned())]);
        assert_eq!(text, "name         hello\ndescription  a\n             b");
    }
}
