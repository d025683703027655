//! The commands and their options.

use std::path::PathBuf;

use clap::{Parser, Subcommand};

/// Simulates distributed ledgers under healthcare workloads.
#[derive(Parser, Debug)]
#[command(name = "ledgerlab", version, about, color = clap::ColorChoice::Never, after_help = EXIT_CODES)]
pub struct Args {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

const EXIT_CODES: &str = "\
Exit codes:
  0    fine
  1    the run failed: an output that cannot be written, nothing submitted
  2    wrong usage, an invalid or unreadable scenario, an output folder that holds a result
  3    bench --against: slower than the baseline allows
  4    a baseline that is missing or cannot be used
  6    an SLO of the scenario is missed
  7    a safety, liveness, conservation or determinism check failed
  8    a sweep finished with failed points
  130  interrupted (Ctrl-C)
  143  terminated (SIGTERM)";

/// One command each.
#[derive(Subcommand, Debug)]
pub enum Command {
    /// Simulate every point of a scenario and write a result folder
    Run(RunArgs),
    /// List protocols, workloads, storage variants and latency tables
    List(ListArgs),
    /// Check scenario files and say everything that is wrong
    Validate(ValidateArgs),
    /// Run each scenario twice, then with other numbers of jobs and threads, and compare the digests
    Verify(VerifyArgs),
    /// Measure how fast the simulator itself is here, beside what bounds it
    Bench(BenchArgs),
    /// Write a commented scenario to start from
    Init(InitArgs),
}

/// Options of `run`.
#[derive(clap::Args, Debug)]
pub struct RunArgs {
    /// The scenario file
    pub file: PathBuf,
    /// Override a key: `--set consensus.nodes=16`; the value is TOML, else a string; a swept key is then not swept
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub set: Vec<String>,
    /// Seed of the first replication, instead of the file's
    #[arg(long, allow_negative_numbers = true, value_parser = clap::value_parser!(u64).range(..=i64::MAX as u64))]
    pub seed: Option<u64>,
    /// Result folder, instead of results/NAME/DIGEST-N
    #[arg(long, value_name = "DIR", conflicts_with = "resume")]
    pub out: Option<PathBuf>,
    /// Replace a result that is already in the folder
    #[arg(long)]
    pub force: bool,
    /// Print one JSON document on standard output
    #[arg(long)]
    pub json: bool,
    /// Runs side by side, at most one for each core [default: the cores divided by --threads]
    #[arg(long, value_name = "N", allow_negative_numbers = true, value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub jobs: Option<u16>,
    /// Threads that share each run, at most one for each core, for few large runs on an idle machine; results are the
    /// same
    #[arg(long, value_name = "N", default_value_t = 1, allow_negative_numbers = true, value_parser = clap::value_parser!(u16).range(1..=64))]
    pub threads: u16,
    /// Write transactions.parquet too: one row a transaction of the measured window, with the times of its stages
    #[arg(long)]
    pub transactions: bool,
    /// Continue an interrupted run, keeping its completed replications
    #[arg(long, value_name = "DIR")]
    pub resume: Option<PathBuf>,
    /// No progress on standard error
    #[arg(long)]
    pub quiet: bool,
}

/// Options of `list`.
#[derive(clap::Args, Debug)]
pub struct ListArgs {
    /// Print one JSON document
    #[arg(long)]
    pub json: bool,
}

/// Options of `validate`.
#[derive(clap::Args, Debug)]
pub struct ValidateArgs {
    /// Scenario files
    #[arg(required = true)]
    pub files: Vec<PathBuf>,
    /// Override a key in each of them
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub set: Vec<String>,
    /// Print one JSON document
    #[arg(long)]
    pub json: bool,
}

/// Options of `verify`.
#[derive(clap::Args, Debug)]
pub struct VerifyArgs {
    /// Scenario files
    #[arg(required = true)]
    pub files: Vec<PathBuf>,
    /// Override a key in each of them
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub set: Vec<String>,
    /// Print one JSON document
    #[arg(long)]
    pub json: bool,
}

/// Options of `bench`.
#[derive(clap::Args, Debug)]
pub struct BenchArgs {
    /// Rows of the canonical set [default: all]
    pub names: Vec<String>,
    /// Compare with what `bench --json` wrote: exit code 3 where a row is slower than its tolerance allows
    #[arg(long, value_name = "FILE")]
    pub against: Option<PathBuf>,
    /// Print one JSON document on standard output: a list of {name, value, unit, floor, reference, naive}
    #[arg(long)]
    pub json: bool,
    /// No progress on standard error
    #[arg(long)]
    pub quiet: bool,
}

/// Options of `init`.
#[derive(clap::Args, Debug)]
pub struct InitArgs {
    /// The file to write
    #[arg(default_value = "scenario.toml")]
    pub path: PathBuf,
    /// Replace an existing file
    #[arg(long)]
    pub force: bool,
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        Args::command().debug_assert();
    }
}
