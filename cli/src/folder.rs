//! The folder of a result: where it goes, whether it may go there, and where completed replications wait for the rest.
//!
//! A run keeps its replications in `<folder>.partial`; the result is written beside them, renamed to its own name when
//! it is whole, and only then is that folder removed. An interrupted run leaves it, and `--resume <folder>` continues
//! there. Nothing that is not a result is ever replaced.

use std::fs;
use std::io::{Error as IoError, ErrorKind};
use std::path::{Path, PathBuf};

use crate::error::Error;

/// The file that makes a folder a result.
pub const SUMMARY: &str = "summary.json";
/// Where results go without `--out`.
const RESULTS: &str = "results";

/// A result in the making.
#[derive(Debug)]
pub struct Folder {
    target: PathBuf,
    partial: PathBuf,
    force: bool,
}

impl Folder {
    /// The folder that the user named.
    ///
    /// # Errors
    /// If it holds a result and `force` is not given, holds something else, or cannot be written.
    pub fn named(target: &Path, force: bool) -> Result<Folder, Error> {
        check_free(target, force)?;
        let folder = Folder { target: target.to_owned(), partial: partial_of(target), force };
        if folder.partial.exists() {
            if !force {
                let error = Error::usage("an interrupted run is in the folder", shown(&folder.partial));
                return Err(error.hint(format!("continue with --resume {}, or --force", target.display())));
            }
            fs::remove_dir_all(&folder.partial).map_err(|e| not_writable(&folder.partial, &e))?;
        }
        make_parent(target)?;
        fs::create_dir(&folder.partial).map_err(|e| not_writable(&folder.partial, &e))?;
        Ok(folder)
    }

    /// The next free `results/<name>/<identity>-<n>`.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn next(name: &str, identity: &str) -> Result<Folder, Error> {
        let parent = Path::new(RESULTS).join(name);
        let short = &identity[..identity.len().min(12)];
        for n in 1_u32.. {
            let target = parent.join(format!("{short}-{n}"));
            if target.exists() {
                continue;
            }
            make_parent(&target)?;
            let partial = partial_of(&target);
            match fs::create_dir(&partial) {
                Ok(()) => return Ok(Folder { target, partial, force: false }),
                Err(e) if e.kind() == ErrorKind::AlreadyExists => {}
                Err(e) => return Err(not_writable(&partial, &e)),
            }
        }
        unreachable!("there are numbers enough")
    }

    /// The folder of an interrupted run, by either of its names.
    ///
    /// # Errors
    /// If there is nothing to continue.
    pub fn resumed(named: &Path) -> Result<Folder, Error> {
        let name = named.as_os_str().to_string_lossy().trim_end_matches('/').trim_end_matches(".partial").to_owned();
        let target = PathBuf::from(name);
        let partial = partial_of(&target);
        if target.join(SUMMARY).exists() {
            return Err(Error::usage("the result is complete", shown(&target)).hint("there is nothing to resume"));
        }
        if !partial.is_dir() {
            let error = Error::usage("no interrupted run is here", shown(&partial));
            return Err(error.hint("--resume takes the folder that the interrupted run named"));
        }
        Ok(Folder { target, partial, force: false })
    }

    /// Where replications are kept until the result is there.
    pub fn partial(&self) -> &Path {
        &self.partial
    }

    /// Where the result will be.
    pub fn target(&self) -> &Path {
        &self.target
    }

    /// Whether it may take the place of another.
    pub fn replaces(&self) -> bool {
        self.force
    }

    /// The result is in its place: the replications have done their work.
    ///
    /// # Errors
    /// If they cannot be removed.
    pub fn finish(self) -> Result<PathBuf, Error> {
        fs::remove_dir_all(&self.partial).map_err(|e| not_writable(&self.partial, &e))?;
        Ok(self.target)
    }
}

fn check_free(target: &Path, force: bool) -> Result<(), Error> {
    if target.is_file() {
        return Err(Error::usage("is a file, not a folder", shown(target)).hint("name another folder with --out"));
    }
    if target.join(SUMMARY).exists() {
        if !force {
            let error = Error::usage("the folder holds a result", shown(target));
            return Err(error.hint("--force replaces it, --out names another folder"));
        }
        let entries = fs::read_dir(target).map_err(|e| not_writable(target, &e))?;
        let Some(other) = entries.flatten().find(|entry| !of_a_result(&entry.file_name().to_string_lossy())) else {
            return Ok(());
        };
        let error = Error::usage("is no part of a result, and --force replaces nothing else", shown(&other.path()));
        return Err(error.hint("move it, or name another folder with --out"));
    }
    let entries = match fs::read_dir(target) {
        Ok(mut entries) => entries.next().is_some(),
        Err(e) if e.kind() == ErrorKind::NotFound => false,
        Err(e) => return Err(not_writable(target, &e)),
    };
    if entries {
        let error = Error::usage("the folder holds other files, which are never replaced", shown(target));
        return Err(error.hint("name another folder with --out"));
    }
    Ok(())
}

/// Whether `run` writes a file or folder of this name into a result.
fn of_a_result(name: &str) -> bool {
    let fixed = [SUMMARY, "report.html", "latency.hgrm", "latency"];
    fixed.contains(&name) || name.ends_with(".parquet")
}

fn make_parent(target: &Path) -> Result<(), Error> {
    match target.parent() {
        Some(parent) => fs::create_dir_all(parent).map_err(|e| not_writable(parent, &e)),
        None => Ok(()),
    }
}

fn partial_of(target: &Path) -> PathBuf {
    let mut name = target.as_os_str().to_owned();
    name.push(".partial");
    PathBuf::from(name)
}

fn not_writable(path: &Path, error: &IoError) -> Error {
    let reason = match error.kind() {
        ErrorKind::PermissionDenied => "permission denied".to_owned(),
        ErrorKind::NotADirectory => "a part of the path is a file".to_owned(),
        ErrorKind::ReadOnlyFilesystem => "the file system is read-only".to_owned(),
        ErrorKind::StorageFull => "the disk is full".to_owned(),
        _ => error.to_string(),
    };
    Error::failed(format!("cannot be written: {reason}"), shown(path)).hint("name another folder with --out")
}

fn shown(path: &Path) -> String {
    path.display().to_string()
}

#[cfg(test)]
mod tests;
