//! Printing that survives a reader who has gone (`ledgerlab list | head` is not an error), and no other loss of data.

use std::io::{ErrorKind, Write};

use ledgerlab_sim::scenario::Problem;

use crate::error::Error;

/// Writes data to standard output, with one line break at its end.
///
/// # Errors
/// If it cannot be written, for any other reason than that its reader has closed the pipe.
pub fn out(text: &str) -> Result<(), Error> {
    let mut stdout = std::io::stdout().lock();
    match writeln!(stdout, "{}", text.trim_end_matches('\n')).and_then(|()| stdout.flush()) {
        Err(e) if e.kind() != ErrorKind::BrokenPipe => {
            let error = Error::failed(format!("cannot be written: {e}"), "standard output");
            Err(error.hint("free some space, or send the output elsewhere"))
        }
        _ => Ok(()),
    }
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
