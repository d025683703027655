//! `ledgerlab run`: every point of a scenario into one result folder.

use ledgerlab_sim::scenario::Experiment;

use crate::args::RunArgs;
use crate::error::{Error, Exit};
use crate::execute::{self, Request};
use crate::folder::Folder;
use crate::{interrupt, print};

/// Reads, runs, writes; the folder's name is the last line on standard error.
///
/// # Errors
/// A scenario that is not valid, a folder that refuses, a run that fails.
pub fn run(args: &RunArgs) -> Result<Exit, Error> {
    let overrides = overrides(args);
    let experiment = Experiment::load(&args.file, &overrides)?;
    let folder = folder(args, &experiment)?;
    interrupt::install()?;
    interrupt::resumable_at(folder.target());
    let request = Request {
        experiment: &experiment,
        file: &args.file,
        overrides: &overrides,
        folder: &folder,
        jobs: args.jobs.map(usize::from),
        quiet: args.quiet,
    };
    let outcome = execute::run(&request)?;
    let target = folder.finish()?;
    print::out(&if args.json { outcome.json } else { outcome.table });
    print::err(&format!("{}", target.display()));
    Ok(outcome.exit)
}

/// `--set` in order, then `--seed`.
fn overrides(args: &RunArgs) -> Vec<String> {
    let seed = args.seed.map(|seed| format!("run.seed={seed}"));
    args.set.iter().cloned().chain(seed).collect()
}

fn folder(args: &RunArgs, experiment: &Experiment) -> Result<Folder, Error> {
    match (&args.resume, &args.out) {
        (Some(named), _) => Folder::resumed(named),
        (None, Some(out)) => Folder::named(out, args.force),
        (None, None) => Folder::next(&experiment.name, &experiment.identity()),
    }
}
