//! Printing that survives a reader who has gone: `ledgerlab list | head` is not an error.

use std::io::Write;

use ledgerlab_sim::scenario::Problem;

/// Writes data to standard output, with one line break at its end.
pub fn out(text: &str) {
    let _ = writeln!(std::io::stdout().lock(), "{}", text.trim_end_matches('\n'));
}

/// Writes a message to standard error, with one line break at its end.
pub fn err(text: &str) {
    let _ = writeln!(std::io::stderr().lock(), "{}", text.trim_end_matches('\n'));
}

/// Writes the warnings of a scenario to standard error.
pub fn warnings(warnings: &[Problem]) {
    warnings.iter().for_each(|warning| err(&format!("warning: {warning}")));
}

/// Lays rows out in columns, two spaces apart.
pub fn columns(rows: &[Vec<String>]) -> String {
    let count = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |c: usize| rows.iter().filter_map(|r| r.get(c)).map(|cell| cell.chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..count).map(width).collect();
    let line = |row: &Vec<String>| {
        let cells = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}"));
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    rows.iter().map(line).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let rows = vec![vec!["a".into(), "bbb".into(), "c".into()], vec!["dd".into(), "e".into()]];
        assert_eq!(columns(&rows), "a   bbb  c\ndd  e");
    }
}
