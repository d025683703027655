//! Completed replications on disk, one file each, so that an interrupted run can go on.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::Instant;

use ledgerlab_reports::Spill;
use ledgerlab_reports::transactions::ROW;
use ledgerlab_sim::experiment::Job;
use ledgerlab_sim::record::{RunRecord, SCHEMA};
use ledgerlab_sim::scenario::Experiment;

use crate::error::Error;

/// The file that says which experiment the replications belong to.
const IDENTITY: &str = "experiment";
/// How its content ends where each replication's transactions are kept, and where they are not.
const WITH: &str = " with transactions";
const WITHOUT: &str = " without transactions";
/// The file that says how long the parts of the run took up to their last replications, seconds.
const WALL: &str = "wall_s";
/// The program's version: another one may measure otherwise.
const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The replications in a folder.
pub struct Replications {
    folder: PathBuf,
    begun: Instant,
    /// What earlier parts of the run took.
    earlier_s: f64,
    /// Whether each replication's transactions are kept, too.
    transactions: bool,
    /// Held by whoever writes [`WALL`].
    clock: Mutex<()>,
}

impl Replications {
    /// Those in `folder`, which is empty or holds some of the same experiment, with or without `transactions`.
    ///
    /// # Errors
    /// If another experiment is in the folder, or it cannot be used.
    pub fn open(folder: &Path, experiment: &Experiment, transactions: bool) -> Result<Replications, Error> {
        let path = folder.join(IDENTITY);
        let of = format!("{} {VERSION} {SCHEMA}", experiment.identity());
        let identity = format!("{of}{}", if transactions { WITH } else { WITHOUT });
        let earlier_s = fs::read_to_string(folder.join(WALL)).ok().and_then(|text| text.parse().ok()).unwrap_or(0.0);
        let (folder, begun, clock) = (folder.to_owned(), Instant::now(), Mutex::new(()));
        let store = Replications { folder, begun, earlier_s, transactions, clock };
        match fs::read_to_string(&path) {
            Ok(found) if found == identity => {}
            Ok(found) if found == format!("{of}{}", if transactions { WITHOUT } else { WITH }) => {
                let what = if transactions { "without" } else { "with" };
                let error =
                    Error::usage(format!("the folder holds replications {what} transactions"), shown(&store.folder));
                let hint = if transactions { "leave out --transactions" } else { "add --transactions" };
                return Err(error.hint(hint));
            }
            // A machine that lost power may have kept the file and not its content.
            Ok(found) if !(identity.starts_with(&found) && store.completed()?.is_empty()) => {
                let error =
                    Error::usage("the folder holds replications of another scenario or version", shown(&store.folder));
                return Err(error.hint("resume with the same program, file, --set and --seed as at first"));
            }
            _ => write_whole(&path, identity.as_bytes())?,
        }
        Ok(store)
    }

    /// Those that are there, in order, with all their transactions where these are kept: a machine that lost power may
    /// have lost them.
    ///
    /// # Errors
    /// If one of them cannot be read.
    pub fn completed(&self) -> Result<Vec<RunRecord>, Error> {
        let entries = fs::read_dir(&self.folder).map_err(|e| failed("read", &self.folder, &e))?;
        let mut records = Vec::new();
        for path in entries.filter_map(|entry| Some(entry.ok()?.path())) {
            if path.extension().is_some_and(|extension| extension == "json") {
                records.push(read(&path)?);
            }
        }
        records.retain(|record| self.has_transactions(record));
        records.sort_by_key(|r| (r.point, r.replication));
        Ok(records)
    }

    fn has_transactions(&self, record: &RunRecord) -> bool {
        let file = fs::metadata(self.transactions_of(record.point, record.replication));
        !self.transactions || file.is_ok_and(|file| file.len() == record.cohort.created * ROW as u64)
    }

    /// Whether those in a folder have transactions.
    pub fn follow_transactions(folder: &Path) -> bool {
        fs::read_to_string(folder.join(IDENTITY)).is_ok_and(|identity| identity.ends_with(WITH))
    }

    /// Where the transactions of a run go that begins, if they are kept.
    ///
    /// # Errors
    /// If the file cannot be made.
    pub fn follow(&self, job: &Job) -> Result<Option<Spill>, Error> {
        let path = self.transactions_of(job.point, job.replication).with_extension("tmp");
        self.transactions.then(|| Spill::create(&path).map_err(|e| spill_failed(&path, &e))).transpose()
    }

    /// The file with the transactions of a replication that is kept.
    pub fn transactions_of(&self, point: u32, replication: u32) -> PathBuf {
        self.folder.join(format!("{point}-{replication}-transactions.rows"))
    }

    /// Writes one, whole or not at all, after its transactions.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn keep(&self, record: &RunRecord, transactions: Option<Spill>) -> Result<(), Error> {
        if let Some(spill) = transactions {
            let path = self.transactions_of(record.point, record.replication);
            spill.finish(&path).map_err(|e| spill_failed(&path, &e))?;
        }
        let path = self.folder.join(format!("{}-{}.json", record.point, record.replication));
        let text = serde_json::to_vec(record).map_err(|e| failed("encoded", &path, &e))?;
        write_whole(&path, &text)?;
        let _alone = self.clock.lock();
        write_whole(&self.folder.join(WALL), self.wall_s().to_string().as_bytes())
    }

    /// How long the run has taken, seconds: this part, and the earlier ones up to the last replication of each.
    pub fn wall_s(&self) -> f64 {
        self.earlier_s + self.begun.elapsed().as_secs_f64()
    }
}

/// Writes a file that is there whole or not at all, whenever the program is killed.
fn write_whole(path: &Path, content: &[u8]) -> Result<(), Error> {
    let partial = path.with_extension("tmp");
    fs::write(&partial, content).map_err(|e| failed("written", &partial, &e))?;
    fs::rename(&partial, path).map_err(|e| failed("written", path, &e))
}

fn spill_failed(path: &Path, error: &ledgerlab_reports::Error) -> Error {
    let reason = match error {
        ledgerlab_reports::Error::Io { source, .. } => source.to_string(),
        other => other.to_string(),
    };
    let error = Error::failed(format!("rows of transactions cannot be written: {reason}"), shown(path));
    error.hint("make room, 60 B a transaction and 30 B more in the result; --resume goes on with what is complete")
}

fn read(path: &Path) -> Result<RunRecord, Error> {
    let text = fs::read(path).map_err(|e| failed("read", path, &e))?;
    serde_json::from_slice(&text).map_err(|e| failed("read", path, &e).hint("remove the file: its run is made again"))
}

fn failed(what: &str, path: &Path, error: &impl std::fmt::Display) -> Error {
    Error::failed(format!("cannot be {what}: {error}"), shown(path))
}

fn shown(path: &Path) -> String {
    path.display().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Exit;

    const TEXT: &str = "schema = 1\n[run]\nduration = \"10 s\"\n[consensus]\nprotocol = \"hotstuff\"\nnodes = 4\n\
                        [workload.plain]\nkind = \"fixed\"\n";

    fn experiment(overrides: &[&str]) -> Experiment {
        let overrides: Vec<String> = overrides.iter().map(|o| (*o).to_owned()).collect();
        Experiment::from_text("s.toml", TEXT, &overrides).unwrap()
    }

    #[test]
    fn kept_replications_are_found_again_and_half_ones_are_not() {
        let dir = tempfile::tempdir().unwrap();
        let store = Replications::open(dir.path(), &experiment(&[]), false).unwrap();
        for replication in [1, 0] {
            store.keep(&RunRecord { replication, seed: 7, ..RunRecord::default() }, None).unwrap();
        }
        fs::write(dir.path().join("0-2.tmp"), "{\"po").unwrap();
        let again = Replications::open(dir.path(), &experiment(&["run.name=other"]), false).unwrap();
        let found: Vec<(u32, u64)> = again.completed().unwrap().iter().map(|r| (r.replication, r.seed)).collect();
        assert_eq!(found, [(0, 7), (1, 7)]);
    }

    #[test]
    fn a_resumed_run_counts_the_time_of_its_earlier_parts() {
        let dir = tempfile::tempdir().unwrap();
        Replications::open(dir.path(), &experiment(&[]), false).unwrap().keep(&RunRecord::default(), None).unwrap();
        let first_s: f64 = fs::read_to_string(dir.path().join(WALL)).unwrap().parse().unwrap();
        assert!(first_s > 0.0);
        fs::write(dir.path().join(WALL), "3600").unwrap();
        assert!(Replications::open(dir.path(), &experiment(&[]), false).unwrap().wall_s() >= 3600.0);
    }

    #[test]
    fn a_torn_identity_is_written_again_unless_replications_are_there() {
        let dir = tempfile::tempdir().unwrap();
        let store = Replications::open(dir.path(), &experiment(&[]), false).unwrap();
        let whole = fs::read_to_string(dir.path().join(IDENTITY)).unwrap();
        for torn in ["", &whole[..7]] {
            fs::write(dir.path().join(IDENTITY), torn).unwrap();
            Replications::open(dir.path(), &experiment(&[]), false).unwrap();
            assert_eq!(fs::read_to_string(dir.path().join(IDENTITY)).unwrap(), whole);
        }
        store.keep(&RunRecord::default(), None).unwrap();
        fs::write(dir.path().join(IDENTITY), "").unwrap();
        let error = Replications::open(dir.path(), &experiment(&[]), false).err().unwrap();
        assert!(error.to_string().contains("another scenario"), "{error}");
    }

    #[test]
    fn another_scenario_is_not_mixed_in() {
        let dir = tempfile::tempdir().unwrap();
        Replications::open(dir.path(), &experiment(&[]), false).unwrap();
        let error = Replications::open(dir.path(), &experiment(&["run.seed=2"]), false).err().unwrap();
        assert_eq!(error.exit, Exit::Usage);
    }

    #[test]
    fn replications_without_transactions_are_not_continued_with_them() {
        let dir = tempfile::tempdir().unwrap();
        let store = Replications::open(dir.path(), &experiment(&[]), false).unwrap();
        let job = Job { point: 0, replication: 0 };
        assert!(store.follow(&job).unwrap().is_none());
        store.keep(&RunRecord::default(), None).unwrap();
        let error = Replications::open(dir.path(), &experiment(&[]), true).err().unwrap();
        assert!(error.exit == Exit::Usage && error.to_string().contains("without transactions"), "{error}");
        assert!(!Replications::follow_transactions(dir.path()));
    }

    #[test]
    fn transactions_are_whole_when_their_replication_is_kept() {
        let dir = tempfile::tempdir().unwrap();
        let store = Replications::open(dir.path(), &experiment(&[]), true).unwrap();
        let job = Job { point: 0, replication: 0 };
        let spill = store.follow(&job).unwrap();
        assert!(!store.transactions_of(0, 0).exists() && store.completed().unwrap().is_empty());
        store.keep(&RunRecord::default(), spill).unwrap();
        assert!(store.transactions_of(0, 0).is_file() && Replications::follow_transactions(dir.path()));
        assert_eq!(store.completed().unwrap().len(), 1);
        // A replication whose rows are not all there is made again.
        for lost in [vec![0; 1], vec![0; ROW]] {
            fs::write(store.transactions_of(0, 0), lost).unwrap();
            assert!(store.completed().unwrap().is_empty());
        }
        fs::remove_file(store.transactions_of(0, 0)).unwrap();
        assert!(store.completed().unwrap().is_empty());
    }
}
