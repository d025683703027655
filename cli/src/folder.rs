//! The folder of a result: where it goes, whether it may go there, and where completed replications wait for the rest.
//!
//! A run keeps its replications in `<folder>.partial`; the result is written beside them, renamed to its own name when
//! it is whole, and only then is that folder removed. An interrupted run leaves it, and `--resume <folder>` continues
//! there. Nothing that is not a result is ever replaced.

use std::fs::{self, File, TryLockError};
use std::io::{Error as IoError, ErrorKind};
use std::path::{Path, PathBuf};

use crate::error::Error;

/// The file that makes a folder a result.
pub const SUMMARY: &str = "summary.json";
/// Where results go without `--out`.
const RESULTS: &str = "results";
/// What the name of a folder with an unfinished run ends in.
pub const PARTIAL: &str = ".partial";
/// The file in it that a run holds locked as long as it lives, so that a killed one is told from one that goes on.
const LOCK: &str = "lock";

/// A result in the making.
#[derive(Debug)]
pub struct Folder {
    target: PathBuf,
    partial: PathBuf,
    force: bool,
    /// Folders in which an earlier run of the same scenario has ended unfinished.
    unfinished: Vec<PathBuf>,
    _lock: File,
}

impl Folder {
    /// The folder that the user named.
    ///
    /// # Errors
    /// If it holds a result and `force` is not given, holds something else, or cannot be written.
    pub fn named(target: &Path, force: bool) -> Result<Folder, Error> {
        check_name(target)?;
        check_free(target, force)?;
        let partial = partial_of(target);
        if partial.is_file() {
            let error = Error::usage("is a file where replications would be kept", shown(&partial));
            return Err(error.hint("move it, or name another folder with --out"));
        }
        if partial.exists() {
            if !force {
                let error = Error::usage("an interrupted run is in the folder", shown(&partial));
                return Err(error.hint(format!("continue with --resume {}, or --force", target.display())));
            }
            drop(locked(&partial)?);
            fs::remove_dir_all(&partial).map_err(|e| not_writable(&partial, &e))?;
        }
        make_parent(target)?;
        fs::create_dir(&partial).map_err(|e| not_writable(&partial, &e))?;
        Folder::held(target.to_owned(), partial, force)
    }

    fn held(target: PathBuf, partial: PathBuf, force: bool) -> Result<Folder, Error> {
        let lock = locked(&partial)?;
        Ok(Folder { target, partial, force, unfinished: Vec::new(), _lock: lock })
    }

    /// The next free `results/<name>/<identity>-<n>`.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn next(name: &str, identity: &str) -> Result<Folder, Error> {
        let parent = Path::new(RESULTS).join(name);
        let short = &identity[..identity.len().min(12)];
        let mut unfinished = Vec::new();
        for n in 1_u32.. {
            let target = parent.join(format!("{short}-{n}"));
            if target.exists() {
                continue;
            }
            make_parent(&target)?;
            let partial = partial_of(&target);
            match fs::create_dir(&partial) {
                Ok(()) => return Ok(Folder { unfinished, ..Folder::held(target, partial, false)? }),
                Err(e) if e.kind() == ErrorKind::AlreadyExists => {
                    unfinished.extend(locked(&partial).is_ok().then_some(target));
                }
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
        let name = named.as_os_str().to_string_lossy().trim_end_matches('/').to_owned();
        let target = PathBuf::from(name.strip_suffix(PARTIAL).unwrap_or(&name));
        let partial = partial_of(&target);
        if target.join(SUMMARY).exists() {
            return Err(Error::usage("the result is complete", shown(&target)).hint("there is nothing to resume"));
        }
        if !partial.is_dir() {
            let error = Error::usage("no interrupted run is here", shown(&partial));
            return Err(error.hint("--resume takes the folder that the interrupted run named"));
        }
        Folder::held(target, partial, false)
    }

    /// Results that earlier runs of the same scenario have not finished, each to be resumed by its name.
    pub fn unfinished(&self) -> &[PathBuf] {
        &self.unfinished
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
        let Folder { target, partial, _lock: lock, .. } = self;
        drop(lock);
        fs::remove_dir_all(&partial).map_err(|e| not_writable(&partial, &e))?;
        Ok(target)
    }
}

/// The lock of a folder of replications, which nobody holds once the run has ended, however that came.
fn locked(partial: &Path) -> Result<File, Error> {
    let path = partial.join(LOCK);
    let file = File::create(&path).map_err(|e| not_writable(&path, &e))?;
    match file.try_lock() {
        Err(TryLockError::WouldBlock) => {
            let error = Error::usage("a run is at work in the folder", shown(partial));
            Err(error.hint("wait until it has ended, or name another folder with --out"))
        }
        // A file system without locks: nobody can be told from nobody.
        Ok(()) | Err(TryLockError::Error(_)) => Ok(file),
    }
}

/// A result must not look like an unfinished run.
fn check_name(target: &Path) -> Result<(), Error> {
    let Some(plain) = target.file_name().and_then(|name| name.to_str()?.strip_suffix(PARTIAL)) else { return Ok(()) };
    let what = format!("a name that ends in {PARTIAL} is kept for unfinished runs");
    let unmarked = target.with_file_name(plain);
    let hint = if target.is_dir() {
        format!("continue with --resume {}, or name another folder with --out", unmarked.display())
    } else {
        format!("write it as --out {}", unmarked.display())
    };
    Err(Error::usage(what, shown(target)).hint(hint))
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
        ErrorKind::NotADirectory | ErrorKind::AlreadyExists => match path.ancestors().find(|p| p.is_file()) {
            Some(file) => format!("{} is a file, not a folder", file.display()),
            None => error.to_string(),
        },
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
