//! Comparing a run of the canonical set with an earlier one.
//!
//! Machines differ and one machine differs from hour to hour, so rows are compared by their ratio to another figure of
//! the same run where both runs have one: the naive engine, else the reference, else the floor. Those move with the
//! machine, and what a change does to the engine alone moves the ratio. What slows down both sides of a ratio shows in
//! the instruction counts of `scripts/instructions.sh`, not here. A row without such a figure is compared by the clock.
//!
//! A yardstick's tolerance is about twice what repeats of one binary differ by while others use the machine: the
//! floors stream through memory, so a neighbour costs them more than it costs the engine.

use std::collections::BTreeSet;
use std::fmt;
use std::path::Path;

use ledgerlab_benches::canonical::{Row, unit};

use crate::error::{Error, Exit};

/// How much the ratio to another engine or queue may fall.
const ENGINE_TOLERANCE: f64 = 0.3;
/// How much the ratio to a floor may fall.
const FLOOR_TOLERANCE: f64 = 0.5;
/// How much a speed by the clock may fall: the machine may be another one.
const CLOCK_TOLERANCE: f64 = 0.6;

/// Rows that were written by `bench --json`.
#[derive(Debug)]
pub struct Baseline {
    /// At least one of those that are measured now.
    pub rows: Vec<Row>,
}

/// What a row is compared by, the best first.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Yardstick {
    /// The ratio to the naive engine.
    Naive,
    /// The ratio to the reference.
    Reference,
    /// The ratio to the floor.
    Floor,
    /// The figure itself.
    Clock,
}

impl Yardstick {
    const ALL: [Yardstick; 4] = [Yardstick::Naive, Yardstick::Reference, Yardstick::Floor, Yardstick::Clock];

    /// For the table.
    pub fn words(self) -> String {
        match self {
            Yardstick::Floor => "ratio to floor",
            Yardstick::Naive => "ratio to naive",
            Yardstick::Reference => "ratio to reference",
            Yardstick::Clock => "CPU time",
        }
        .to_owned()
    }

    /// The row's speed by this; `None` if the row has no such figure.
    fn of(self, row: &Row) -> Option<f64> {
        match self {
            Yardstick::Floor => row.floor.map(|x| row.ratio(x)),
            Yardstick::Naive => row.naive.map(|x| row.ratio(x)),
            Yardstick::Reference => row.reference.map(|x| row.ratio(x)),
            // The ratio to one unit: of seconds it is how many such runs a second has.
            Yardstick::Clock => Some(row.ratio(1.0)),
        }
    }

    fn tolerance(self) -> f64 {
        match self {
            Yardstick::Naive | Yardstick::Reference => ENGINE_TOLERANCE,
            Yardstick::Floor => FLOOR_TOLERANCE,
            Yardstick::Clock => CLOCK_TOLERANCE,
        }
    }
}

/// One row, then and now.
#[derive(Clone, PartialEq, Debug)]
pub struct Change {
    /// Of the row.
    pub name: String,
    /// By what it is compared.
    pub yardstick: Yardstick,
    /// Speed by it in the baseline.
    pub then: f64,
    /// Speed by it now.
    pub now: f64,
}

impl Change {
    fn between(then: &Row, now: &Row) -> Change {
        let by = |yardstick: Yardstick| {
            let (then, now) = (yardstick.of(then)?, yardstick.of(now)?);
            Some(Change { name: String::new(), yardstick, then, now })
        };
        let change = Yardstick::ALL.into_iter().find_map(by);
        Change { name: now.name.clone(), ..change.expect("every row has a value") }
    }

    /// How many times as fast it is now.
    pub fn speed(&self) -> f64 {
        self.now / self.then
    }

    /// The least speed that is allowed.
    pub fn least(&self) -> f64 {
        1.0 - self.yardstick.tolerance()
    }

    /// Whether it is slower than that.
    pub fn is_regression(&self) -> bool {
        self.speed() < self.least()
    }
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Change { name, yardstick, .. } = self;
        let (speed, least) = (self.speed(), self.least());
        write!(
            f,
            "`{name}` is {speed:.2} times as fast as it was, by {}; at least {least:.2} is allowed",
            yardstick.words()
        )
    }
}

impl Baseline {
    /// Reads a file of `bench --json` and checks that it can be compared with the rows of these names.
    ///
    /// # Errors
    /// Exit code 4: there is no such file, it cannot be read, is not what `bench --json` writes, or has none of the
    /// rows.
    pub fn load(file: &Path, names: &[&str]) -> Result<Baseline, Error> {
        let place = file.display().to_string();
        let flaw = |what: String| {
            Error::new(Exit::NoBaseline, what, place.clone()).hint("`ledgerlab bench --json > FILE` writes a baseline")
        };
        let text = std::fs::read_to_string(file).map_err(|e| match e.kind() {
            std::io::ErrorKind::NotFound => flaw("there is no such file".into()),
            _ => flaw(format!("cannot be read: {e}")),
        })?;
        Baseline::parse(&text, names).map_err(flaw)
    }

    fn parse(text: &str, names: &[&str]) -> Result<Baseline, String> {
        let value: serde_json::Value = serde_json::from_str(text).map_err(|e| format!("is not JSON: {e}"))?;
        let rows: Vec<Row> =
            serde_json::from_value(value).map_err(|e| format!("is not what `bench --json` writes: {e}"))?;
        let mut seen = BTreeSet::new();
        for row in &rows {
            check(row)?;
            if !seen.insert(&row.name) {
                return Err(format!("row `{}` is there twice", row.name));
            }
        }
        if !names.iter().any(|n| seen.contains(&(*n).to_owned())) {
            return Err("has none of the rows to be measured".into());
        }
        Ok(Baseline { rows })
    }

    /// The rows that are in both, in the order of those measured now.
    pub fn changes(&self, now: &[Row]) -> Vec<Change> {
        let then = |name: &str| self.rows.iter().find(|r| r.name == name);
        now.iter().filter_map(|row| Some(Change::between(then(&row.name)?, row))).collect()
    }
}

/// That a row's figures are positive numbers in the unit of today.
fn check(row: &Row) -> Result<(), String> {
    let figures = [Some(row.value), row.floor, row.reference, row.naive];
    if let Some(x) = figures.into_iter().flatten().find(|x| !x.is_finite() || *x <= 0.0) {
        return Err(format!("row `{}` has the figure {x}: all must be above 0", row.name));
    }
    match unit(&row.name) {
        Some(unit) if unit != row.unit => {
            Err(format!("row `{}` is in `{}`; here it is in `{unit}`", row.name, row.unit))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::bench::table::tests::row;

    fn change(then: &Row, now: &Row) -> Change {
        Change::between(then, now)
    }

    #[test]
    fn a_slower_machine_is_no_regression_where_there_is_a_floor() {
        let then = Row { floor: Some(100.0), ..row("phold-1k", 40.0, "events/s") };
        let half = Row { floor: Some(50.0), ..row("phold-1k", 20.0, "events/s") };
        assert_eq!((change(&then, &half).speed(), change(&then, &half).yardstick), (1.0, Yardstick::Floor));
        let slow = Row { value: 9.0, ..half };
        assert!(change(&then, &slow).is_regression());
    }

    #[test]
    fn the_best_yardstick_of_both_runs_is_taken() {
        let all =
            Row { floor: Some(1.0), reference: Some(8.0), naive: Some(4.0), ..row("pbft-128", 2.0, "messages/s") };
        let by = |then: &Row, now: &Row| change(then, now).yardstick;
        assert_eq!(by(&all, &all), Yardstick::Naive);
        let no_naive = Row { naive: None, ..all.clone() };
        assert_eq!(by(&all, &no_naive), Yardstick::Reference);
        assert_eq!(by(&Row { reference: None, ..all.clone() }, &no_naive), Yardstick::Floor);
        assert_eq!(by(&all, &row("pbft-128", 2.0, "messages/s")), Yardstick::Clock);
    }

    #[test]
    fn fewer_seconds_are_faster() {
        let then = row("pow-8000", 1.0, "s");
        let to = |s| change(&then, &row("pow-8000", s, "s"));
        assert_eq!((to(0.5).speed(), to(2.0).speed()), (2.0, 0.5));
        assert!(!to(2.4).is_regression() && to(2.6).is_regression());
        let then = Row { reference: Some(3.0), ..then };
        let now = Row { reference: Some(3.0), ..row("pow-8000", 2.0, "s") };
        assert_eq!(change(&then, &now).speed(), 0.5);
    }

    #[test]
    fn only_rows_of_both_runs_are_compared() {
        let then = Baseline { rows: vec![row("pow-8000", 1.0, "s"), row("phold-1k", 1.0, "events/s")] };
        let changes = then.changes(&[row("pbft-1000", 1.0, "s"), row("phold-1k", 2.0, "events/s")]);
        assert_eq!(changes.iter().map(|c| c.name.as_str()).collect::<Vec<_>>(), ["phold-1k"]);
    }

    #[test]
    fn what_is_no_baseline_is_refused() {
        let good = serde_json::to_value(row("phold-1k", 1.0, "events/s")).unwrap();
        let parse = |value: serde_json::Value| Baseline::parse(&value.to_string(), &["phold-1k"]).map(|b| b.rows.len());
        assert_eq!(parse(serde_json::json!([good])), Ok(1));
        let with = |key: &str, value: serde_json::Value| {
            let mut row = good.clone();
            row[key] = value;
            parse(serde_json::json!([row])).unwrap_err()
        };
        assert_eq!(with("value", 0.into()), "row `phold-1k` has the figure 0: all must be above 0");
        assert_eq!(with("unit", "s".into()), "row `phold-1k` is in `s`; here it is in `events/s`");
        assert_eq!(with("name", "else".into()), "has none of the rows to be measured");
        assert!(with("extra", 1.into()).starts_with("is not what `bench --json` writes: unknown field `extra`"));
        assert_eq!(parse(serde_json::json!([good, good])).unwrap_err(), "row `phold-1k` is there twice");
        assert_eq!(parse(serde_json::json!([])).unwrap_err(), "has none of the rows to be measured");
    }
}
