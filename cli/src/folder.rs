//! The folder of a result: where it goes, whether it may go there, and where completed replications wait for the rest.
//!
//! A run keeps its replications in `<folder>.partial`; the result is written beside them, renamed to its own name when
//! it is whole, and only then is that folder removed. An interrupted run leaves it, and `--resume <folder>` continues
//! there. Nothing that is not a result is ever replaced.

use std::fs::{self, File, TryLockError};
use std::io::{self, Error as IoError, ErrorKind};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use crate::error::Error;

/// The file that makes a folder a result.
pub const SUMMARY: &str = "summary.json";
/// Where results go without `--out`.
const RESULTS: &str = "results";
/// What the name of a folder with an unfinished run ends in.
pub const PARTIAL: &str = ".partial";
/// The file in it that a run holds locked as long as it lives, so that a killed one is told from one that goes on.
const LOCK: &str = "lock";
/// The file in it that says that the result may take the place of another.
const FORCE: &str = "force";

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
            let lock = locked(&partial)?;
            if !force {
                let error = Error::usage("an interrupted run is in the folder", shown(&partial));
                return Err(error.hint(format!("continue with --resume {}, or --force", target.display())));
            }
            empty(&partial).map_err(|e| not_writable(&partial, &e))?;
            note_force(&partial).map_err(|e| not_writable(&partial, &e))?;
            return Ok(Folder::held(target.to_owned(), partial, force, lock));
        }
        make_parent(target)?;
        match fresh(&partial, force)? {
            Some(lock) => Ok(Folder::held(target.to_owned(), partial, force, lock)),
            None => Err(at_work(&partial)),
        }
    }

    fn held(target: PathBuf, partial: PathBuf, force: bool, lock: File) -> Folder {
        Folder { target, partial, force, unfinished: Vec::new(), _lock: lock }
    }

    /// The next free `results/<name>/<identity>-<n>`.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn next(name: &str, identity: &str) -> Result<Folder, Error> {
        Folder::next_in(&Path::new(RESULTS).join(name), &identity[..identity.len().min(12)])
    }

    fn next_in(parent: &Path, short: &str) -> Result<Folder, Error> {
        let mut unfinished = Vec::new();
        for n in 1_u32.. {
            let target = parent.join(format!("{short}-{n}"));
            if target.exists() {
                continue;
            }
            make_parent(&target)?;
            let partial = partial_of(&target);
            match fresh(&partial, false)? {
                Some(lock) => return Ok(Folder { unfinished, ..Folder::held(target, partial, false, lock) }),
                None => unfinished.extend(locked(&partial).is_ok().then_some(target)),
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
        let force = partial.join(FORCE).is_file();
        if target.join(SUMMARY).exists() && !force {
            return Err(Error::usage("the result is complete", shown(&target)).hint("there is nothing to resume"));
        }
        if !partial.is_dir() {
            let error = Error::usage("no interrupted run is here", shown(&partial));
            return Err(error.hint("--resume takes the folder that the interrupted run named"));
        }
        check_free(&target, force)?;
        let lock = locked(&partial)?;
        Ok(Folder::held(target, partial, force, lock))
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

/// A new folder of replications with its lock; `None` where there is one already. It gets its name only when it is
/// locked, so that nobody who finds it takes it for an interrupted run's.
fn fresh(partial: &Path, force: bool) -> Result<Option<File>, Error> {
    static STARTS: AtomicU32 = AtomicU32::new(0);
    let mut name = partial.as_os_str().to_owned();
    name.push(format!(".{}-{}", std::process::id(), STARTS.fetch_add(1, Ordering::Relaxed)));
    let making = PathBuf::from(name);
    fs::create_dir_all(&making).map_err(|e| not_writable(partial, &e))?;
    let made = locked(&making).and_then(|lock| {
        if force {
            note_force(&making).map_err(|e| not_writable(partial, &e))?;
        }
        // A folder with something in it is never replaced by a rename.
        match fs::rename(&making, partial) {
            Ok(()) => Ok(Some(lock)),
            Err(_) if partial.exists() => Ok(None),
            Err(e) => Err(not_writable(partial, &e)),
        }
    });
    if !matches!(made, Ok(Some(_))) {
        fs::remove_dir_all(&making).map_err(|e| not_writable(partial, &e))?;
    }
    made
}

/// Remembers for `--resume` that the result may take the place of another.
fn note_force(partial: &Path) -> io::Result<()> {
    fs::write(partial.join(FORCE), "")
}

/// Removes what an interrupted run has left, but not the lock.
fn empty(partial: &Path) -> io::Result<()> {
    for entry in fs::read_dir(partial)? {
        let entry = entry?;
        if entry.file_name() != LOCK {
            let path = entry.path();
            if entry.file_type()?.is_dir() { fs::remove_dir_all(path)? } else { fs::remove_file(path)? }
        }
    }
    Ok(())
}

fn at_work(partial: &Path) -> Error {
    let error = Error::usage("a run is at work in the folder", shown(partial));
    error.hint("wait until it has ended, or name another folder with --out")
}

/// The lock of a folder of replications, which nobody holds once the run has ended, however that came.
fn locked(partial: &Path) -> Result<File, Error> {
    let path = partial.join(LOCK);
    let file = File::create(&path).map_err(|e| not_writable(&path, &e))?;
    match file.try_lock() {
        Err(TryLockError::WouldBlock) => Err(at_work(partial)),
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

/// The folder in which the replications of a result wait for the rest.
pub fn partial_of(target: &Path) -> PathBuf {
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
