//! `summary.json`: objects indented, arrays of numbers on one line.
//!
//! Plain pretty printing gives every sample of a series its own line, which makes a summary of four points some ten
//! thousand lines long and its differences unreadable.

use crate::error::Error;
use ledgerlab_sim::record::{SCHEMA, Summary};
use serde::{Deserialize, Serialize};
use serde_json::ser::{Formatter, PrettyFormatter, Serializer};
use std::io::{self, Write};
use std::path::Path;

/// Name of the file in a result folder.
pub const FILE: &str = "summary.json";

/// The document as text, ending with a newline.
///
/// # Errors
/// [`Error::Encode`] where the summary has no JSON form.
pub fn to_json(summary: &Summary) -> Result<String, Error> {
    let mut bytes = Vec::new();
    let mut serializer = Serializer::with_formatter(&mut bytes, InlineArrays(PrettyFormatter::new()));
    summary.serialize(&mut serializer).map_err(|source| Error::Encode { source })?;
    bytes.push(b'\n');
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// Reads a `summary.json`.
///
/// # Errors
/// [`Error::Io`] where it cannot be read, [`Error::NotASummary`] where it does not parse, [`Error::Schema`] where it
/// is of another version.
pub fn read_summary(path: &Path) -> Result<Summary, Error> {
    #[derive(Deserialize)]
    struct Version {
        schema: u32,
    }
    let text = std::fs::read_to_string(path).map_err(Error::io("read", path))?;
    let not_a_summary = |source| Error::NotASummary { path: path.to_path_buf(), source };
    let Version { schema } = serde_json::from_str(&text).map_err(not_a_summary)?;
    if schema != SCHEMA {
        return Err(Error::Schema { path: path.to_path_buf(), found: schema, expected: SCHEMA });
    }
    serde_json::from_str(&text).map_err(not_a_summary)
}

/// Indents objects as serde_json does and keeps the elements of an array together.
struct InlineArrays(PrettyFormatter<'static>);

impl Formatter for InlineArrays {
    fn begin_array<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        writer.write_all(b"[")
    }

    fn end_array<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        writer.write_all(b"]")
    }

    fn begin_array_value<W: ?Sized + Write>(&mut self, writer: &mut W, first: bool) -> io::Result<()> {
        if first { Ok(()) } else { writer.write_all(b", ") }
    }

    fn end_array_value<W: ?Sized + Write>(&mut self, _: &mut W) -> io::Result<()> {
        Ok(())
    }

    fn begin_object<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.begin_object(writer)
    }

    fn end_object<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.end_object(writer)
    }

    fn begin_object_key<W: ?Sized + Write>(&mut self, writer: &mut W, first: bool) -> io::Result<()> {
        self.0.begin_object_key(writer, first)
    }

    fn begin_object_value<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.begin_object_value(writer)
    }

    fn end_object_value<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.end_object_value(writer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture;

    #[test]
    fn a_summary_survives_the_round_trip() {
        let (summary, _) = fixture::comparison();
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(FILE);
        std::fs::write(&path, to_json(&summary).unwrap()).unwrap();
        assert!(read_summary(&path).unwrap() == summary);
    }

    #[test]
    fn arrays_of_numbers_stay_on_one_line() {
        let (summary, _) = fixture::comparison();
        let text = to_json(&summary).unwrap();
        let line = text.lines().find(|line| line.contains("\"committed_tx_per_s\": [")).unwrap();
        assert!(line.matches(", ").count() > 100, "{line}");
        assert!(!text.contains("NaN"));
    }

    #[test]
    fn what_is_no_summary_says_so() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(FILE);
        let read = |text: &str| {
            std::fs::write(&path, text).unwrap();
            read_summary(&path).unwrap_err()
        };
        assert!(matches!(read("{\"schema\": 99}"), Error::Schema { found: 99, expected: SCHEMA, .. }));
        assert!(matches!(read("{\"schema\": 1, \"name\": \"cut"), Error::NotASummary { .. }));
        assert!(matches!(read("[]"), Error::NotASummary { .. }));
        assert!(matches!(read_summary(&folder.path().join("no.json")), Err(Error::Io { what: "read", .. })));
    }
}
