//! `transactions.parquet`: one row a transaction of the cohort, for those who ask for it.
//!
//! Rows go to a file while a run goes on ([`Spill`]), and from there to the table some thousands at a time, so neither
//! a run nor its report holds them all. The file between is fixed-width and of this version only.

use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read, Write};
use std::path::{Path, PathBuf};

use ledgerlab_sim::record::{Outcome, Passage, Summary, Time, TransactionRow, TransactionSink};
use ledgerlab_sim::scenario::Scenario;
use polars::prelude::{DataFrame, KeyValueMetadata, ParquetWriter, PolarsError, PolarsResult};

use crate::error::Error;
use crate::frame::{Rows, provenance};

/// Name of the table.
const NAME: &str = "transactions";
/// Bytes of a row between run and table: number, bytes, workload, kind, outcome and six times.
pub const ROW: usize = 4 + 4 + 2 + 1 + 1 + 6 * 8;
/// So many rows are held at a time: a row group of the table.
const AT_A_TIME: usize = 1 << 16;

/// Where the rows of one run go.
#[derive(Debug)]
pub struct Spill {
    path: PathBuf,
    out: BufWriter<File>,
    failed: Option<io::Error>,
}

impl Spill {
    /// A new file.
    ///
    /// # Errors
    /// [`Error::Io`] where it cannot be made.
    pub fn create(path: &Path) -> Result<Spill, Error> {
        let file = File::create(path).map_err(Error::io("create", path))?;
        Ok(Spill { path: path.to_owned(), out: BufWriter::new(file), failed: None })
    }

    /// All rows have come; the file gets this name.
    ///
    /// # Errors
    /// [`Error::Io`] where one of them could not be written.
    pub fn finish(self, name: &Path) -> Result<(), Error> {
        let whole = |out: BufWriter<File>| out.into_inner().map_err(io::Error::from)?.sync_all();
        let written = self.failed.map_or_else(|| whole(self.out), Err);
        written.map_err(Error::io("write", &self.path))?;
        std::fs::rename(&self.path, name).map_err(Error::io("rename", &self.path))
    }
}

impl TransactionSink for Spill {
    /// A run cannot fail: what goes wrong is said in the end.
    fn take(&mut self, rows: &[TransactionRow]) {
        if self.failed.is_none() {
            self.failed = rows.iter().try_for_each(|row| self.out.write_all(&encode(row))).err();
        }
    }
}

/// The rows of one run, and what their indices stand for.
#[derive(Clone, Debug)]
pub struct Spilled<'a> {
    /// Index of the point.
    pub point: u32,
    /// Index of the replication.
    pub replication: u32,
    /// The file that [`Spill::finish`] left.
    pub path: PathBuf,
    /// What was run.
    pub scenario: &'a Scenario,
}

/// Writes the table of these runs into `folder`.
///
/// # Errors
/// [`Error::Io`] where rows cannot be read or the file cannot be made, [`Error::Table`] where it cannot be written.
pub fn write_parquet(summary: &Summary, runs: &[Spilled<'_>], folder: &Path) -> Result<(), Error> {
    let Some(first) = runs.first() else { return Ok(()) };
    let path = folder.join(format!("{NAME}.parquet"));
    let file = File::create(&path).map_err(Error::io("create", &path))?;
    let failed = |source: PolarsError| Error::Table { name: NAME.into(), source };
    let schema = frame(summary, first, &[]).map_err(failed)?;
    let metadata = Some(KeyValueMetadata::from_static(provenance(summary)));
    let writer = ParquetWriter::new(file).with_key_value_metadata(metadata);
    let mut writer = writer.batched(schema.schema()).map_err(failed)?;
    for run in runs {
        let file = File::open(&run.path).map_err(Error::io("read", &run.path))?;
        let mut input = BufReader::new(file);
        loop {
            let rows = read(&mut input).map_err(Error::io("read", &run.path))?;
            if rows.is_empty() {
                break;
            }
            if !rows.iter().all(|row| is_of(run.scenario, row)) {
                return Err(Error::io("read", &run.path)(damaged()));
            }
            frame(summary, run, &rows).and_then(|frame| writer.write_batch(&frame)).map_err(failed)?;
        }
    }
    writer.finish().map(drop).map_err(failed)
}

/// Whether a row's indices stand for something.
fn is_of(scenario: &Scenario, row: &TransactionRow) -> bool {
    let workload = scenario.workloads.get(usize::from(row.workload));
    workload.is_some_and(|w| usize::from(row.kind) < w.kind.records.len())
}

fn damaged() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "it is damaged: remove it, and its run is made again with --resume")
}

fn frame(summary: &Summary, run: &Spilled<'_>, rows: &[TransactionRow]) -> PolarsResult<DataFrame> {
    let workload = |row: &TransactionRow| &run.scenario.workloads[usize::from(row.workload)];
    let column =
        |of: fn(&Passage) -> u64| -> Vec<Option<u64>> { rows.iter().map(|row| passage(row).map(of)).collect() };
    let rejected = |row: &TransactionRow| match row.outcome {
        Outcome::Rejected(at) => Some(at.0),
        _ => None,
    };
    let latency = |row: &TransactionRow| passage(row).map(|p| p.finalised.since(row.planned).0 as f64 / 1e6);
    Rows::new(summary, vec![run.point; rows.len()])
        .with("replication", vec![run.replication; rows.len()])
        .with("transaction", rows.iter().map(|row| row.number).collect::<Vec<_>>())
        .with("workload", rows.iter().map(|row| workload(row).name.as_str()).collect::<Vec<_>>())
        .with(
            "record",
            rows.iter().map(|row| workload(row).kind.records[usize::from(row.kind)].name).collect::<Vec<_>>(),
        )
        .with("chain_bytes", rows.iter().map(|row| row.bytes).collect::<Vec<_>>())
        .with("outcome", rows.iter().map(|row| word(&row.outcome)).collect::<Vec<_>>())
        .with("planned_ns", rows.iter().map(|row| row.planned.0).collect::<Vec<_>>())
        .with("stored_ns", column(|p| p.stored.0))
        .with("ready_ns", column(|p| p.ready.0))
        .with("built_ns", column(|p| p.built.0))
        .with("committed_ns", column(|p| p.committed.0))
        .with("final_ns", column(|p| p.finalised.0))
        .with("rejected_ns", rows.iter().map(rejected).collect::<Vec<_>>())
        .with("latency_ms", rows.iter().map(latency).collect::<Vec<_>>())
        .finish()
}

fn passage(row: &TransactionRow) -> Option<&Passage> {
    match &row.outcome {
        Outcome::Committed(p) => Some(p),
        _ => None,
    }
}

fn word(outcome: &Outcome) -> &'static str {
    match outcome {
        Outcome::Committed(_) => "committed",
        Outcome::Rejected(_) => "rejected",
        Outcome::Expired => "expired",
        Outcome::Pending => "pending",
    }
}

fn encode(row: &TransactionRow) -> [u8; ROW] {
    let (outcome, times) = match row.outcome {
        Outcome::Committed(p) => (0, [p.stored.0, p.ready.0, p.built.0, p.committed.0, p.finalised.0]),
        Outcome::Rejected(at) => (1, [at.0, 0, 0, 0, 0]),
        Outcome::Expired => (2, [0; 5]),
        Outcome::Pending => (3, [0; 5]),
    };
    let mut out = [0; ROW];
    out[..4].copy_from_slice(&row.number.to_le_bytes());
    out[4..8].copy_from_slice(&row.bytes.to_le_bytes());
    out[8..10].copy_from_slice(&row.workload.to_le_bytes());
    (out[10], out[11]) = (row.kind, outcome);
    let times = std::iter::once(row.planned.0).chain(times);
    out[12..].chunks_exact_mut(8).zip(times).for_each(|(place, time)| place.copy_from_slice(&time.to_le_bytes()));
    out
}

fn decode(row: &[u8; ROW]) -> Option<TransactionRow> {
    let word = |at: usize| u32::from_le_bytes(std::array::from_fn(|i| row[at + i]));
    let time = |i: usize| Time(u64::from_le_bytes(std::array::from_fn(|k| row[12 + 8 * i + k])));
    let outcome = match row[11] {
        0 => Outcome::Committed(Passage {
            stored: time(1),
            ready: time(2),
            built: time(3),
            committed: time(4),
            finalised: time(5),
        }),
        1 => Outcome::Rejected(time(1)),
        2 => Outcome::Expired,
        3 => Outcome::Pending,
        _ => return None,
    };
    let workload = u16::from_le_bytes([row[8], row[9]]);
    Some(TransactionRow { number: word(0), workload, kind: row[10], bytes: word(4), planned: time(0), outcome })
}

/// The next rows, at most [`AT_A_TIME`]; none at the end.
fn read(input: &mut impl Read) -> io::Result<Vec<TransactionRow>> {
    let mut bytes = vec![];
    input.take((AT_A_TIME * ROW) as u64).read_to_end(&mut bytes)?;
    let (rows, rest) = bytes.as_chunks::<ROW>();
    let rows: Option<Vec<TransactionRow>> = rows.iter().map(decode).collect();
    rows.filter(|_| rest.is_empty()).ok_or_else(damaged)
}

#[cfg(test)]
mod tests;
