#![forbid(unsafe_code)]
//! The ledgerlab command line: parses, calls, prints, and exits with a code that means something.
//!
//! Standard output is data, standard error is progress and messages. Every failure is an [`error::Error`].

mod args;
mod commands;
mod error;
mod execute;
mod folder;
mod interrupt;
mod print;

use clap::Parser;

use crate::args::{Args, Command};
use crate::error::{Error, Exit};

fn main() {
    let exit = match Args::try_parse() {
        Ok(args) => dispatch(&args),
        Err(error) => usage(&error),
    };
    std::process::exit(exit as i32);
}

fn dispatch(args: &Args) -> Exit {
    let (json, result) = match &args.command {
        Command::Run(args) => (args.json, commands::run::run(args)),
        Command::List(args) => (args.json, commands::list::list(args)),
        Command::Validate(args) => (args.json, commands::validate::validate(args)),
        Command::Verify(args) => (args.json, commands::verify::verify(args)),
        Command::Bench(args) => (args.json, commands::bench::bench(args)),
        Command::Init(args) => (false, commands::init::init(args)),
    };
    result.unwrap_or_else(|error| error.report(json))
}

/// What clap has to say: help and version are data, everything else is a wrong call.
fn usage(error: &clap::Error) -> Exit {
    if !error.use_stderr() {
        return print::out(&error.to_string()).map_or_else(|e| e.report(false), |()| Exit::Fine);
    }
    let json = std::env::args().any(|a| a == "--json");
    if !json {
        print::err(&error.to_string());
        return Exit::Usage;
    }
    let text = error.to_string();
    // What is wrong stands above the usage, in some cases with the arguments in lines of their own.
    let said: Vec<&str> = text.lines().map(str::trim).take_while(|line| !line.starts_with("Usage:")).collect();
    let what = said.join(" ").trim().trim_start_matches("error: ").to_owned();
    Error::usage(what, "command line").hint("`ledgerlab --help` lists commands and options").report(true)
}
