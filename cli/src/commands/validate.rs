//! `ledgerlab validate`: says everything that is wrong with scenario files, without running them.

use std::path::Path;

use ledgerlab_sim::scenario::{Experiment, Problem, ScenarioError};
use serde_json::{Value, json};

use crate::args::ValidateArgs;
use crate::error::{Error, Exit};
use crate::print;

/// Checks every file, also after one that is not valid.
///
/// # Errors
/// All problems of all files, or a standard output that cannot be written.
pub fn validate(args: &ValidateArgs) -> Result<Exit, Error> {
    let checked: Vec<(&Path, Result<Experiment, ScenarioError>)> =
        args.files.iter().map(|file| (file.as_path(), Experiment::load(file, &args.set))).collect();
    let problems: Vec<Problem> =
        checked.iter().filter_map(|(_, r)| r.as_ref().err()).flat_map(|e| e.problems.clone()).collect();
    let error = (!problems.is_empty()).then_some(Error { exit: Exit::Usage, problems });
    if args.json {
        let mut document = json!({ "files": checked.iter().map(|(f, r)| file_json(f, r)).collect::<Vec<_>>() });
        if let Some(error) = &error {
            document["error"] = error.to_json()["error"].take();
        }
        print::out(&format!("{document:#}"))?;
        return Ok(error.map_or(Exit::Fine, |e| e.exit));
    }
    for (file, result) in &checked {
        if let Ok(experiment) = result {
            print::out(&format!("{}: valid, {}", file.display(), size(experiment)))?;
            print::warnings(&experiment.warnings);
        }
    }
    error.map_or(Ok(Exit::Fine), Err)
}

fn size(experiment: &Experiment) -> String {
    let points = experiment.points.len();
    let runs: u64 = experiment.points.iter().map(|p| u64::from(p.scenario.replications)).sum();
    let s = |n: u64| if n == 1 { "" } else { "s" };
    format!("{points} point{}, {runs} run{}", s(points as u64), s(runs))
}

fn file_json(file: &Path, result: &Result<Experiment, ScenarioError>) -> Value {
    match result {
        Ok(experiment) => json!({
            "file": file.display().to_string(),
            "valid": true,
            "name": experiment.name,
            "identity": experiment.identity(),
            "warnings": experiment.warnings.iter().map(Problem::to_json).collect::<Vec<_>>(),
            "points": experiment.points.iter().map(|p| json!({
                "labels": p.labels,
                "identity": p.scenario.effective.identity(),
                "scenario": p.scenario.effective.to_json(),
            })).collect::<Vec<_>>(),
        }),
        Err(error) => json!({
            "file": file.display().to_string(),
            "valid": false,
            "problems": error.problems.iter().map(Problem::to_json).collect::<Vec<_>>(),
        }),
    }
}
