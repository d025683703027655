//! What can go wrong between a summary and a folder of files.

use std::path::{Path, PathBuf};

/// A result that could not be written or read.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file system refused.
    #[error("cannot {what} {}: {source}", path.display())]
    Io {
        /// What was tried: `create`, `write`, `read`, `rename`.
        what: &'static str,
        /// On which path.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// The output folder holds a result already.
    #[error("output folder {} already holds a result", path.display())]
    Occupied {
        /// The folder.
        path: PathBuf,
    },
    /// The output folder holds something else, which is never replaced.
    #[error("output folder {} is not empty and holds no result, so it is not replaced", path.display())]
    Foreign {
        /// The folder.
        path: PathBuf,
    },
    /// A summary that does not parse.
    #[error("{} is not a summary: {source}", path.display())]
    NotASummary {
        /// The file.
        path: PathBuf,
        /// Where and why it does not parse.
        source: serde_json::Error,
    },
    /// A summary of another version.
    #[error("{} has schema {found}, this version reads {expected}", path.display())]
    Schema {
        /// The file.
        path: PathBuf,
        /// Its schema.
        found: u32,
        /// The one that can be read.
        expected: u32,
    },
    /// A table that could not be built or encoded.
    #[error("cannot write table {name}: {source}")]
    Table {
        /// File name of the table.
        name: String,
        /// Why not.
        source: polars::error::PolarsError,
    },
    /// A summary that could not be encoded.
    #[error("cannot encode the summary: {source}")]
    Encode {
        /// Why not.
        source: serde_json::Error,
    },
    /// A chart that could not be drawn.
    #[error("cannot draw chart {title}: {what}")]
    Chart {
        /// Its title.
        title: String,
        /// Why not.
        what: String,
    },
}

impl Error {
    /// For `map_err` on a call of the file system.
    pub(crate) fn io(what: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> Error {
        let path = path.to_path_buf();
        move |source| Error::Io { what, path, source }
    }

    /// What the user can do about it, if anything.
    #[must_use]
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Error::Occupied { .. } => Some("choose another folder, or replace it with --force"),
            Error::Foreign { .. } => Some("choose another folder; --force replaces results only"),
            Error::Schema { .. } => Some("run the scenario again with this version"),
            Error::NotASummary { .. } => Some("give a folder that `ledgerlab run` has written"),
            Error::Io { .. } | Error::Table { .. } | Error::Encode { .. } | Error::Chart { .. } => None,
        }
    }
}
