//! Completed replications on disk while an experiment runs, so that an interrupted one can go on.
//!
//! One line of JSON a replication, after a first line that says which experiment they belong to. A line that was cut
//! short by a kill is dropped. The file lies in the output folder without a `summary.json` beside it, so nobody takes
//! it for a result, and goes when the result is written.

use crate::error::Error;
use ledgerlab_sim::record::{RunRecord, SCHEMA};
use serde::{Deserialize, Serialize};
use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};

/// Name of the file in an output folder.
pub const FILE: &str = "replications.jsonl";

/// An open checkpoint, to which replications are added as they complete.
#[derive(Debug)]
pub struct Checkpoint {
    file: File,
    path: PathBuf,
}

#[derive(PartialEq, Serialize, Deserialize)]
struct Head {
    schema: u32,
    experiment: String,
}

impl Checkpoint {
    /// Whether `folder` has one.
    #[must_use]
    pub fn exists(folder: &Path) -> bool {
        folder.join(FILE).is_file()
    }

    /// Opens the one in `folder`, or starts it, and gives the replications that it holds.
    ///
    /// `experiment` identifies what is run: a digest over scenario, seed and version.
    ///
    /// # Errors
    /// [`Error::OtherCheckpoint`] where it belongs to another experiment, [`Error::Io`] where it cannot be used.
    pub fn open(folder: &Path, experiment: &str) -> Result<(Self, Vec<RunRecord>), Error> {
        fs::create_dir_all(folder).map_err(Error::io("create", folder))?;
        let path = folder.join(FILE);
        let head = Head { schema: SCHEMA, experiment: experiment.to_owned() };
        let text =
            if path.exists() { fs::read_to_string(&path).map_err(Error::io("read", &path))? } else { String::new() };
        let (runs, whole) = match text.split_once('\n') {
            Some((first, rest)) if serde_json::from_str::<Head>(first).ok().as_ref() == Some(&head) => {
                let (runs, bytes) = replications(rest);
                (runs, first.len() + 1 + bytes)
            }
            Some(_) => return Err(Error::OtherCheckpoint { path }),
            None => (Vec::new(), 0),
        };
        let file = OpenOptions::new().create(true).append(true).open(&path).map_err(Error::io("open", &path))?;
        file.set_len(whole as u64).map_err(Error::io("write", &path))?;
        let mut checkpoint = Self { file, path };
        if whole == 0 {
            checkpoint.line(&head)?;
        }
        Ok((checkpoint, runs))
    }

    /// Adds a completed replication.
    ///
    /// # Errors
    /// [`Error::Io`] where it cannot be written.
    pub fn add(&mut self, run: &RunRecord) -> Result<(), Error> {
        self.line(run)
    }

    fn line(&mut self, value: &impl Serialize) -> Result<(), Error> {
        let mut line = serde_json::to_vec(value).map_err(|source| Error::Encode { source })?;
        line.push(b'\n');
        self.file.write_all(&line).map_err(Error::io("write", &self.path))
    }
}

/// The whole lines at the start that are replications, and how many bytes they take.
fn replications(text: &str) -> (Vec<RunRecord>, usize) {
    let (mut runs, mut bytes) = (Vec::new(), 0);
    for line in text.split_inclusive('\n').filter(|line| line.ends_with('\n')) {
        let Ok(run) = serde_json::from_str(line) else { break };
        runs.push(run);
        bytes += line.len();
    }
    (runs, bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture;
    use crate::folder::{Existing, fill, write};

    #[test]
    fn replications_survive_a_kill_in_the_middle_of_a_line() {
        let (_, runs) = fixture::comparison();
        let folder = tempfile::tempdir().unwrap();
        let (mut checkpoint, none) = Checkpoint::open(folder.path(), "abc").unwrap();
        assert!(none.is_empty());
        runs[..3].iter().for_each(|run| checkpoint.add(run).unwrap());
        let path = folder.path().join(FILE);
        let length = fs::metadata(&path).unwrap().len();
        OpenOptions::new().write(true).open(&path).unwrap().set_len(length - 10).unwrap();
        let (mut checkpoint, kept) = Checkpoint::open(folder.path(), "abc").unwrap();
        assert!(kept == runs[..2]);
        checkpoint.add(&runs[2]).unwrap();
        assert!(Checkpoint::open(folder.path(), "abc").unwrap().1 == runs[..3]);
    }

    #[test]
    fn another_experiment_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        Checkpoint::open(folder.path(), "abc").unwrap();
        assert!(matches!(Checkpoint::open(folder.path(), "abd"), Err(Error::OtherCheckpoint { .. })));
        fs::write(folder.path().join(FILE), "garbage\n").unwrap();
        assert!(matches!(Checkpoint::open(folder.path(), "abc"), Err(Error::OtherCheckpoint { .. })));
    }

    #[test]
    fn the_result_takes_the_place_of_the_checkpoint() {
        let (summary, runs) = fixture::stalled();
        let parent = tempfile::tempdir().unwrap();
        let folder = parent.path().join("run");
        Checkpoint::open(&folder, "abc").unwrap().0.add(&runs[0]).unwrap();
        assert!(Checkpoint::exists(&folder));
        write(&summary, &runs, &folder, Existing::Refuse).unwrap();
        assert!(!Checkpoint::exists(&folder) && folder.join("summary.json").is_file());
        assert_eq!(fs::read_dir(parent.path()).unwrap().count(), 1);
    }

    #[test]
    fn filling_a_folder_ends_its_checkpoint() {
        let (summary, runs) = fixture::comparison();
        let folder = tempfile::tempdir().unwrap();
        Checkpoint::open(folder.path(), "abc").unwrap().0.add(&runs[0]).unwrap();
        fill(&summary, &runs, folder.path()).unwrap();
        assert!(!Checkpoint::exists(folder.path()));
        assert!(crate::read_summary(&folder.path().join("summary.json")).unwrap() == summary);
    }
}
