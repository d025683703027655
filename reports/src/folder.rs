//! A result folder that is whole or not there.
//!
//! Files go to a hidden sibling, which is renamed at the end; whatever ends the process before leaves at most that
//! sibling, whose name no reader takes for a result.

use crate::error::Error;
use crate::frame;
use crate::transactions::{self, Spilled};
use crate::{hgrm, html, json, overview};
use ledgerlab_sim::record::{LatencyHistogram, RunRecord, Summary};
use std::fs;
use std::path::{Path, PathBuf};

/// What to do with a folder that holds a result.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Existing {
    /// Leave it and fail.
    Refuse,
    /// Replace it by the new one; a folder that holds anything else is still left.
    Replace,
}

/// Name of the report in a result folder.
const REPORT: &str = "report.html";

/// Whether a result may go to `folder`: one that is not there or is empty is free.
///
/// # Errors
/// [`Error::Occupied`] where it holds a result that is not to be replaced, [`Error::Foreign`] where it holds anything
/// else, [`Error::Io`] where it cannot be read.
pub fn check_free(folder: &Path, existing: Existing) -> Result<(), Error> {
    if !folder.exists() {
        return Ok(());
    }
    let occupied = fs::read_dir(folder).map_err(Error::io("read", folder))?.next().is_some();
    match (occupied, folder.join(json::FILE).is_file(), existing) {
        (false, _, _) | (true, true, Existing::Replace) => Ok(()),
        (true, true, Existing::Refuse) => Err(Error::Occupied { path: folder.to_path_buf() }),
        (true, false, _) => Err(Error::Foreign { path: folder.to_path_buf() }),
    }
}

/// Writes `summary.json`, the Parquet tables, `latency.hgrm` and `report.html` into `folder`, and the table of these
/// runs' transactions, if there are any.
///
/// # Errors
/// [`Error::Occupied`] and [`Error::Foreign`] for a folder in use, else as its parts; then `folder` is as before.
pub fn write(
    summary: &Summary,
    runs: &[RunRecord],
    transactions: &[Spilled<'_>],
    folder: &Path,
    existing: Existing,
) -> Result<(), Error> {
    check_free(folder, existing)?;
    let partial = Partial::beside(folder)?;
    fill(summary, runs, &partial.path)?;
    if !transactions.is_empty() {
        transactions::write_parquet(summary, transactions, &partial.path)?;
    }
    partial.become_folder(folder)
}

/// Writes the same files into a `folder` that exists; a failure leaves what was written so far.
fn fill(summary: &Summary, runs: &[RunRecord], folder: &Path) -> Result<(), Error> {
    for mut table in frame::tables(summary, runs)? {
        frame::write_parquet(&mut table, summary, folder)?;
    }
    write_distributions(summary, runs, folder)?;
    write_text(&folder.join(REPORT), &html::page(summary)?)?;
    write_text(&folder.join(json::FILE), &json::to_json(summary)?)
}

/// Makes `report.html` again from the folder's `summary.json`, and gives its path.
///
/// # Errors
/// As [`json::read_summary`], and [`Error::Io`] where the report cannot be written; then the old one stays.
pub fn render(folder: &Path) -> Result<PathBuf, Error> {
    let summary = json::read_summary(&folder.join(json::FILE))?;
    let (path, partial) = (folder.join(REPORT), folder.join(format!(".{REPORT}.partial")));
    write_text(&partial, &html::page(&summary)?)?;
    fs::rename(&partial, &path).map_err(Error::io("rename", &partial))?;
    Ok(path)
}

/// `latency.hgrm` of the only point, else `latency/<index>-<label>.hgrm` of each.
fn write_distributions(summary: &Summary, runs: &[RunRecord], folder: &Path) -> Result<(), Error> {
    let text = |point: usize| {
        let own = runs.iter().filter(|run| run.point as usize == point).map(|run| &run.latency);
        hgrm::text(&LatencyHistogram::pooled(own))
    };
    if summary.points.len() == 1 {
        return write_text(&folder.join("latency.hgrm"), &text(0));
    }
    let folder = folder.join("latency");
    fs::create_dir_all(&folder).map_err(Error::io("create", &folder))?;
    for (index, point) in summary.points.iter().enumerate() {
        let name = format!("{index:03}-{}.hgrm", file_name(&overview::label(summary, point)));
        write_text(&folder.join(name), &text(index))?;
    }
    Ok(())
}

/// Letters, digits, dots and single hyphens of a label.
fn file_name(label: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() || c == '.' { c } else { '-' };
    let text: String = label.chars().map(plain).take(80).collect();
    text.split('-').filter(|part| !part.is_empty()).collect::<Vec<_>>().join("-")
}

fn write_text(path: &Path, text: &str) -> Result<(), Error> {
    fs::write(path, text).map_err(Error::io("write", path))
}

/// The hidden sibling; removed when dropped before it became the folder.
struct Partial {
    path: PathBuf,
}

impl Partial {
    fn beside(folder: &Path) -> Result<Self, Error> {
        let path = sibling(folder, "partial");
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent).map_err(Error::io("create", parent))?;
            remove_left(folder, parent);
        }
        fs::create_dir(&path).map_err(Error::io("create", &path))?;
        Ok(Self { path })
    }

    fn become_folder(self, folder: &Path) -> Result<(), Error> {
        let aside = sibling(folder, "replaced");
        let occupied = folder.exists();
        if occupied {
            fs::rename(folder, &aside).map_err(Error::io("rename", folder))?;
        }
        if let Err(source) = fs::rename(&self.path, folder) {
            if occupied {
                fs::rename(&aside, folder).map_err(Error::io("rename", &aside))?;
            }
            return Err(Error::io("rename", folder)(source));
        }
        if occupied {
            fs::remove_dir_all(&aside).map_err(Error::io("remove", &aside))?;
        }
        Ok(())
    }
}

impl Drop for Partial {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.path);
    }
}

/// Removes siblings that processes have left which were ended while they wrote the same folder.
fn remove_left(folder: &Path, parent: &Path) {
    let start = sibling_of(folder, "partial");
    let parent = if parent.as_os_str().is_empty() { Path::new(".") } else { parent };
    let entries = fs::read_dir(parent).into_iter().flatten().flatten();
    for entry in entries.filter(|entry| is_left(&entry.file_name().to_string_lossy(), &start)) {
        let _ = fs::remove_dir_all(entry.path());
    }
}

fn is_left(name: &str, start: &str) -> bool {
    name.strip_prefix(start).is_some_and(|process| process.parse::<u32>().is_ok())
}

fn sibling(folder: &Path, purpose: &str) -> PathBuf {
    folder.with_file_name(format!("{}{}", sibling_of(folder, purpose), std::process::id()))
}

/// The name of a sibling without the number of its process.
fn sibling_of(folder: &Path, purpose: &str) -> String {
    let name = folder.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    format!(".{name}.{purpose}-")
}

#[cfg(test)]
mod tests;
