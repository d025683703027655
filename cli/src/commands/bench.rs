//! `ledgerlab bench`: how fast the simulator itself is on this machine, beside what bounds it.
//!
//! The figures are those of `ledgerlab_benches::canonical`, in CPU time of one thread.

mod baseline;
mod table;

use std::path::Path;

use ledgerlab_benches::canonical::{self, NAMES, Row};
use ledgerlab_benches::measure::LONG_S;
use ledgerlab_sim::scenario::problem::nearest;

use crate::args::BenchArgs;
use crate::error::{Error, Exit};
use crate::print;
use baseline::{Baseline, Change};

/// Measures the rows asked for, prints them, and compares them with a baseline.
///
/// # Errors
/// A name that no row has; a baseline that is missing or cannot be used. A regression is exit code 3.
pub fn bench(args: &BenchArgs) -> Result<Exit, Error> {
    let names = selected(&args.names)?;
    // Before a minute is spent.
    let baseline = args.against.as_deref().map(|file| Baseline::load(file, &names)).transpose()?;
    if cfg!(debug_assertions) && !args.quiet {
        print::err("warning: this is a debug build: its figures say nothing about a release build");
    }
    let rows = measured(&names, args.quiet, canonical::row);
    print::out(&if args.json { table::json(&rows) } else { table::text(&rows) })?;
    Ok(match (baseline, &args.against) {
        (Some(baseline), Some(file)) => judged(&baseline.changes(&rows), file, args.json)?,
        _ => Exit::Fine,
    })
}

/// The rows named, each once and in the order of the set; all of them if none is named.
fn selected(wanted: &[String]) -> Result<Vec<&'static str>, Error> {
    if let Some(name) = wanted.iter().find(|w| !NAMES.contains(&w.as_str())) {
        let hint = match nearest(name, NAMES) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("there are {}", NAMES.join(", ")),
        };
        return Err(Error::usage(format!("there is no row `{name}`"), "bench").hint(hint));
    }
    let asked = |name: &&str| wanted.is_empty() || wanted.iter().any(|w| w == name);
    Ok(NAMES.into_iter().filter(asked).collect())
}

fn measured(names: &[&str], quiet: bool, row: impl Fn(&str) -> Option<Row>) -> Vec<Row> {
    let mut rows = vec![];
    for (i, name) in names.iter().enumerate() {
        if !quiet {
            print::err(&format!("{}/{} {name}", i + 1, names.len()));
        }
        rows.extend(row(name));
    }
    rows.iter().filter_map(remark).for_each(|remark| print::err(&remark));
    rows
}

/// That a row is no median, if it is none.
fn remark(row: &Row) -> Option<String> {
    let parts = row.once.join(", ");
    (!row.once.is_empty())
        .then(|| format!("note: {}: measured once, because a run takes more than {LONG_S} s: {parts}", row.name))
}

/// Prints the comparison, as a message where standard output is JSON.
fn judged(changes: &[Change], file: &Path, json: bool) -> Result<Exit, Error> {
    let text = format!("against {}\n{}", file.display(), table::changes(changes));
    if json {
        print::err(&text);
    } else {
        print::out(&format!("\n{text}"))?;
    }
    let slower: Vec<&Change> = changes.iter().filter(|c| c.is_regression()).collect();
    for change in &slower {
        print::err(&format!("error: {}: {change}", file.display()));
    }
    Ok(if slower.is_empty() { Exit::Fine } else { Exit::Regression })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(wanted: &[&str]) -> Result<Vec<&'static str>, Error> {
        selected(&wanted.iter().map(|w| (*w).to_owned()).collect::<Vec<_>>())
    }

    #[test]
    fn names_select_rows_in_the_order_of_the_set() {
        assert_eq!(names(&[]).unwrap(), NAMES);
        assert_eq!(names(&["pbft-128", "phold-1k", "pbft-128"]).unwrap(), ["phold-1k", "pbft-128"]);
        assert_eq!(names(&["pbft"]).unwrap_err().exit, Exit::Usage);
    }

    #[test]
    fn every_row_asked_for_is_measured_once() {
        let row = |name: &str| Some(table::tests::row(name, 1.0, "s"));
        let rows = measured(&["pbft-1000", "pow-8000"], true, row);
        assert_eq!(rows.iter().map(|r| r.name.as_str()).collect::<Vec<_>>(), ["pbft-1000", "pow-8000"]);
    }

    #[test]
    fn what_was_measured_once_is_said() {
        let row = table::tests::row("pow-8000", 9.0, "s");
        assert_eq!(remark(&row), None);
        let once = remark(&Row { once: vec!["value"], ..row }).unwrap();
        assert_eq!(once, "note: pow-8000: measured once, because a run takes more than 2 s: value");
    }

    #[test]
    fn a_slower_row_is_a_regression_and_a_faster_one_is_fine() {
        let then = Baseline { rows: vec![table::tests::row("pow-8000", 1.0, "s")] };
        let judge = |s: f64| {
            let now = [table::tests::row("pow-8000", s, "s")];
            judged(&then.changes(&now), Path::new("b.json"), true).unwrap()
        };
        assert_eq!((judge(0.5), judge(1.0), judge(100.0)), (Exit::Fine, Exit::Fine, Exit::Regression));
    }
}
