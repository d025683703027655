//! `ledgerlab run`: every point of a scenario into one result folder.

use std::path::Path;
use std::thread::available_parallelism;

use ledgerlab_sim::scenario::Experiment;

use crate::args::RunArgs;
use crate::error::{Error, Exit};
use crate::execute::cores::Cores;
use crate::execute::{self, Request};
use crate::folder::Folder;
use crate::{interrupt, print};

/// Reads, runs, writes; the folder's name is the last line on standard error.
///
/// # Errors
/// A scenario that is not valid, a folder that refuses, a run that fails, a standard output that cannot be written.
pub fn run(args: &RunArgs) -> Result<Exit, Error> {
    let overrides = overrides(args);
    let experiment = Experiment::load(&args.file, &overrides)?;
    let folder = folder(args, &experiment)?;
    if !args.quiet {
        print::warnings(&experiment.warnings);
        folder.unfinished().iter().for_each(|earlier| tell_unfinished(args, earlier));
    }
    interrupt::install()?;
    if args.json {
        interrupt::tell_as_json();
    }
    interrupt::resumable_with(resuming(args, folder.target(), args.transactions));
    let request = Request {
        experiment: &experiment,
        file: &args.file,
        overrides: &overrides,
        folder: &folder,
        cores: cores(args),
        transactions: args.transactions,
        quiet: args.quiet,
    };
    let outcome = execute::run(&request)?;
    let target = folder.finish()?;
    interrupt::nothing_to_resume();
    let printed = print::out(&if args.json { outcome.json } else { outcome.table });
    print::err(&format!("{}", target.display()));
    printed?;
    Ok(outcome.exit)
}

/// `--set` in order, then `--seed`.
fn overrides(args: &RunArgs) -> Vec<String> {
    let seed = args.seed.map(|seed| format!("run.seed={seed}"));
    args.set.iter().cloned().chain(seed).collect()
}

fn tell_unfinished(args: &RunArgs, earlier: &Path) {
    print::err(&format!(
        "note: an earlier run of this scenario is unfinished in {}.partial; a new one begins\n\
         hint: the earlier one continues with {}",
        earlier.display(),
        resuming(args, earlier, execute::follows_transactions(earlier))
    ));
}

/// The command that continues this run in `folder`, with its transactions or without, as it can be pasted into a shell.
fn resuming(args: &RunArgs, folder: &Path, transactions: bool) -> String {
    let mut command = execute::command(&args.file, &args.set);
    let threads = Some(args.threads).filter(|n| *n > 1);
    let valued = [
        ("--seed", args.seed.map(|n| n.to_string())),
        ("--jobs", args.jobs.map(|n| n.to_string())),
        ("--threads", threads.map(|n| n.to_string())),
    ];
    for (option, value) in valued {
        command.extend(value.map(|value| format!(" {option} {value}")));
    }
    for (option, given) in [("--transactions", transactions), ("--json", args.json), ("--quiet", args.quiet)] {
        command.extend(given.then(|| format!(" {option}")));
    }
    format!("{command} --resume {}", execute::quoted(&folder.display().to_string()))
}

/// The cores that were asked for, but no more than the machine has.
fn cores(args: &RunArgs) -> Cores {
    let all = available_parallelism().map_or(1, usize::from);
    let (cores, note) = Cores::limited(args.jobs.map(usize::from), usize::from(args.threads), all);
    if let Some(note) = note.filter(|_| !args.quiet) {
        print::err(&note);
    }
    cores
}

fn folder(args: &RunArgs, experiment: &Experiment) -> Result<Folder, Error> {
    match (&args.resume, &args.out) {
        (Some(named), _) => Folder::resumed(named),
        (None, Some(out)) => Folder::named(out, args.force),
        (None, None) => Folder::next(&experiment.name, &experiment.identity()),
    }
}

#[cfg(test)]
mod tests {
    use super::resuming;
    use crate::args::{Args, Command};
    use clap::Parser;
    use std::path::Path;

    #[test]
    fn an_interrupted_run_is_continued_by_one_command() {
        let typed = [
            "ledgerlab",
            "run",
            "a b.toml",
            "--set",
            "run.duration=10 s",
            "--seed",
            "7",
            "--jobs",
            "1",
            "--threads",
            "2",
            "--transactions",
        ];
        let Command::Run(args) = Args::parse_from(typed).command else { panic!("another command") };
        let command = resuming(&args, Path::new("re sults/q"), args.transactions);
        insta::assert_snapshot!(command, @"ledgerlab run 'a b.toml' --set 'run.duration=10 s' --seed 7 --jobs 1 --threads 2 --transactions --resume 're sults/q'");
    }
}
