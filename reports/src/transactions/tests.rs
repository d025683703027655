//! Rows on their way to the table and back.

use ledgerlab_sim::scenario::Experiment;
use polars::prelude::{ParquetReader, SerReader};

use super::*;
use crate::fixture;

const TEXT: &str = "schema = 1\n[run]\nduration = \"10 s\"\n[consensus]\nprotocol = \"hotstuff\"\nnodes = 4\n\
                    [workload.alone]\nkind = \"fixed\"\n[workload.beds]\nkind = \"iot\"\nhospitals = 1\n";

/// One with every outcome in turn; those of the second workload are of its second kind.
fn row(number: u32) -> TransactionRow {
    let at = |ms: u64| Time(u64::from(number) * 1_000 + ms * 1_000_000);
    let passage = Passage { stored: at(1), ready: at(2), built: at(40), committed: at(300), finalised: at(301) };
    let outcome = match number % 4 {
        0 => Outcome::Committed(passage),
        1 => Outcome::Rejected(at(7)),
        2 => Outcome::Expired,
        _ => Outcome::Pending,
    };
    let second = (number / 4 % 2) as u16;
    TransactionRow { number, workload: second, kind: second as u8, bytes: 512 + number, planned: at(0), outcome }
}

fn spilled(folder: &Path, name: &str, rows: &[TransactionRow]) -> PathBuf {
    let path = folder.join(name);
    let mut spill = Spill::create(&folder.join("making")).unwrap();
    rows.chunks(1_000).for_each(|rows| spill.take(rows));
    spill.finish(&path).unwrap();
    path
}

#[test]
fn rows_come_back_as_they_were() {
    let folder = tempfile::tempdir().unwrap();
    let rows: Vec<_> = (0..AT_A_TIME as u32 + 3).map(row).collect();
    let path = spilled(folder.path(), "rows", &rows);
    let mut input = BufReader::new(File::open(path).unwrap());
    let parts: Vec<Vec<TransactionRow>> =
        std::iter::from_fn(|| Some(read(&mut input).unwrap()).filter(|rows| !rows.is_empty())).collect();
    assert_eq!(parts.iter().map(Vec::len).collect::<Vec<_>>(), [AT_A_TIME, 3]);
    assert_eq!(parts.concat(), rows);
}

#[test]
fn a_file_that_ends_within_a_row_is_an_error() {
    let bytes = encode(&row(0));
    assert!(read(&mut &bytes[..ROW - 1]).is_err());
    assert_eq!(read(&mut &bytes[..]).unwrap(), [row(0)]);
}

#[test]
fn the_table_has_every_row_of_every_run_in_order() {
    let experiment = Experiment::from_text("s.toml", TEXT, &[]).unwrap();
    let scenario = &experiment.points[0].scenario;
    let (summary, runs) = fixture::stalled();
    let parent = tempfile::tempdir().unwrap();
    let many = AT_A_TIME as u32 + 8;
    let run = |replication: u32, count: u32| {
        let rows: Vec<_> = (0..count).map(row).collect();
        let path = spilled(parent.path(), &format!("{replication}.rows"), &rows);
        Spilled { point: 0, replication, path, scenario }
    };
    let spilled = [run(0, many), run(1, 0), run(2, 5)];
    let folder = parent.path().join("result");
    crate::write(&summary, &runs, &spilled, &folder, crate::Existing::Refuse).unwrap();
    let table = ParquetReader::new(File::open(folder.join("transactions.parquet")).unwrap()).finish().unwrap();
    assert_eq!(table.height(), many as usize + 5);
    let text = |name: &str, i: usize| table.column(name).unwrap().get(i).unwrap().to_string().replace('"', "");
    let of = |i: usize| {
        ["replication", "transaction", "workload", "record", "chain_bytes", "outcome"]
            .map(|name| text(name, i))
            .join(" ")
    };
    let last = many as usize;
    assert_eq!(of(4), format!("0 4 beds {} 516 committed", scenario.workloads[1].kind.records[1].name));
    assert_eq!(of(last), format!("2 0 alone {} 512 committed", scenario.workloads[0].kind.records[0].name));
    let times = ["planned_ns", "stored_ns", "final_ns", "rejected_ns", "latency_ms"];
    let at = |i: usize| times.map(|name| text(name, i)).join(" ");
    assert_eq!(at(4), "4000 1004000 301004000 null 301.0");
    assert_eq!(at(5), "5000 null null 7005000 null");
    assert_eq!((at(6), of(7).ends_with("pending")), ("6000 null null null null".to_owned(), true));
}

#[test]
fn rows_that_stand_for_nothing_are_an_error() {
    let experiment = Experiment::from_text("s.toml", TEXT, &[]).unwrap();
    let (summary, runs) = fixture::stalled();
    let parent = tempfile::tempdir().unwrap();
    for odd in [TransactionRow { workload: 2, ..row(0) }, TransactionRow { kind: 64, ..row(0) }] {
        let path = spilled(parent.path(), "rows", &[row(0), odd]);
        let spilled = [Spilled { point: 0, replication: 0, path, scenario: &experiment.points[0].scenario }];
        let error = crate::write(&summary, &runs, &spilled, &parent.path().join("r"), crate::Existing::Refuse);
        assert!(error.unwrap_err().to_string().contains("it is damaged"));
    }
}

#[test]
fn a_file_that_cannot_be_written_is_said_in_the_end() {
    let folder = tempfile::tempdir().unwrap();
    let missing = folder.path().join("no/such/folder");
    assert!(Spill::create(&missing).is_err());
    let spill = Spill::create(&folder.path().join("making")).unwrap();
    let failed = Spill { failed: Some(io::Error::other("the disk is full")), ..spill };
    let error = failed.finish(&folder.path().join("rows")).unwrap_err().to_string();
    assert!(error.contains("cannot write") && error.ends_with("the disk is full"), "{error}");
    assert!(!folder.path().join("rows").exists());
}
