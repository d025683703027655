//! `ledgerlab verify`: the same scenario twice, then with other numbers of jobs and threads, must give the same digests.

use std::path::Path;

use ledgerlab_sim::experiment::Workers;
use ledgerlab_sim::run::Engine;
use ledgerlab_sim::scenario::Experiment;
use serde_json::{Value, json};

use crate::args::VerifyArgs;
use crate::error::{Error, Exit};
use crate::{execute, interrupt, print};

/// Runs side by side and threads of each run, round by round; the first comes twice.
const ROUNDS: [(usize, usize); 6] = [(1, 1), (1, 1), (2, 1), (4, 1), (1, 2), (1, 3)];

/// Threads share every window, however few messages come in it: what is seldom crowded is compared too.
fn workers(&(jobs, threads): &(usize, usize)) -> Workers {
    let engine = if threads < 2 { Engine::Fast } else { Engine::Threads { count: threads, least: 1 } };
    Workers { jobs, engine }
}

/// Verifies every file, also after one that fails.
///
/// # Errors
/// A scenario that is not valid or cannot be run; digests that differ and broken promises are exit code 7.
pub fn verify(args: &VerifyArgs) -> Result<Exit, Error> {
    let experiments: Vec<(&Path, Experiment)> = args
        .files
        .iter()
        .map(|file| Ok((file.as_path(), Experiment::load(file, &args.set)?)))
        .collect::<Result<_, Error>>()?;
    interrupt::install()?;
    let (mut reports, mut broken) = (Vec::new(), false);
    for (file, experiment) in &experiments {
        let round = |round| execute::verified(experiment, workers(round));
        let rounds = ROUNDS.iter().map(round).collect::<Result<Vec<_>, _>>()?;
        let digests: Vec<Vec<String>> =
            rounds.iter().map(|round| round.iter().map(|run| run.digest.clone()).collect()).collect();
        let report = Report::new(file, &digests);
        for failure in rounds[0].iter().filter_map(|run| run.failure.as_ref()) {
            print::err(&format!("error: {}: {failure}", file.display()));
            broken = true;
        }
        if !args.json {
            print::out(&report.line)?;
        }
        reports.push(report);
    }
    if args.json {
        print::out(&format!("{:#}", json!({ "files": reports.iter().map(|r| r.json.clone()).collect::<Vec<_>>() })))?;
    }
    let equal = reports.iter().all(|r| r.equal);
    Ok(if equal && !broken { Exit::Fine } else { Exit::CheckFailed })
}

/// What verification found out about one file.
struct Report {
    equal: bool,
    line: String,
    json: Value,
}

impl Report {
    /// `digests` has one list for each of [`ROUNDS`], of one digest for each point and replication.
    fn new(file: &Path, digests: &[Vec<String>]) -> Report {
        let differing = digests.iter().position(|d| *d != digests[0]);
        let runs = digests[0].len();
        let line = match differing {
            None => {
                let rounds = ROUNDS.len();
                format!("{}: {runs} digests equal over {rounds} rounds (jobs 1, 1, 2, 4; threads 2, 3)", file.display())
            }
            Some(i) => {
                let run = digests[i].iter().zip(&digests[0]).position(|(a, b)| a != b).unwrap_or(runs);
                let (jobs, threads) = ROUNDS[i];
                format!("{}: digests differ in run {} with jobs {jobs}, threads {threads}", file.display(), run + 1)
            }
        };
        let rounds: Vec<Value> = ROUNDS.iter().zip(digests).map(|(round, digests)| told(*round, digests)).collect();
        let equal = differing.is_none();
        Report { equal, line, json: json!({ "file": file.display().to_string(), "equal": equal, "rounds": rounds }) }
    }
}

fn told((jobs, threads): (usize, usize), digests: &[String]) -> Value {
    json!({ "jobs": jobs, "threads": threads, "digests": digests })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_different_digest_is_found() {
        let same = vec![vec!["a".to_owned(), "b".to_owned()]; 6];
        assert!(Report::new(Path::new("s.toml"), &same).equal);
        let mut other = same;
        other[2][1] = "c".to_owned();
        let report = Report::new(Path::new("s.toml"), &other);
        assert!(!report.equal);
        assert_eq!(report.line, "s.toml: digests differ in run 2 with jobs 2, threads 1");
    }
}
