//! Everything a user can cause, with the exit code of each.

use std::fmt;

use ledgerlab_sim::scenario::{Problem, ScenarioError};
use serde_json::{Value, json};

/// Exit codes. Where several apply, the worst is chosen: 7, 1, 8, 3, 6.
///
/// 101 is a panic, and so a bug.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Exit {
    /// All is well.
    Fine = 0,
    /// The run failed: input or output, or nothing was submitted.
    Failed = 1,
    /// Wrong usage, an invalid or unreadable scenario, or an output folder that holds a result.
    Usage = 2,
    /// Slower than the baseline allows.
    Regression = 3,
    /// The baseline is missing or cannot be used.
    NoBaseline = 4,
    /// The scenario has an SLO and it is missed.
    SloMissed = 6,
    /// A safety, liveness, conservation or determinism check failed.
    CheckFailed = 7,
    /// A sweep finished with failed points.
    PointsFailed = 8,
    /// Interrupted by the user (Ctrl-C).
    Interrupted = 130,
    /// Ended by SIGTERM.
    Terminated = 143,
}

impl Exit {
    /// The worse of two by the documented order.
    pub fn worse(self, other: Exit) -> Exit {
        let order =
            [Exit::CheckFailed, Exit::Failed, Exit::PointsFailed, Exit::Regression, Exit::SloMissed, Exit::Usage];
        let rank = |e: Exit| order.iter().position(|o| *o == e).unwrap_or(order.len());
        if rank(other) < rank(self) { other } else { self }
    }
}

/// A failed command: what, where, the limit, and a hint.
#[derive(Clone, PartialEq, Debug)]
pub struct Error {
    /// With which code to exit.
    pub exit: Exit,
    /// What is wrong: several problems only for scenarios.
    pub problems: Vec<Problem>,
}

impl Error {
    /// A failure of input, output or the run itself.
    pub fn failed(what: impl Into<String>, place: impl Into<String>) -> Error {
        Error::new(Exit::Failed, what, place)
    }

    /// Something that the user asked for and that cannot be.
    pub fn usage(what: impl Into<String>, place: impl Into<String>) -> Error {
        Error::new(Exit::Usage, what, place)
    }

    /// Any failure of one thing at one place.
    pub fn new(exit: Exit, what: impl Into<String>, place: impl Into<String>) -> Error {
        let problem = Problem { file: place.into(), what: what.into(), ..Problem::default() };
        Error { exit, problems: vec![problem] }
    }

    /// With a hint.
    pub fn hint(mut self, hint: impl Into<String>) -> Error {
        if let Some(last) = self.problems.last_mut() {
            last.hint = Some(hint.into());
        }
        self
    }

    /// With a limit.
    pub fn limit(mut self, limit: impl Into<String>) -> Error {
        if let Some(last) = self.problems.last_mut() {
            last.limit = Some(limit.into());
        }
        self
    }

    /// As the JSON document that `--json` prints instead of a result.
    pub fn to_json(&self) -> Value {
        let mut error = match &self.problems[..] {
            [one] => one.to_json(),
            several => json!({
                "what": format!("{} problems", several.len()),
                "where": several[0].file,
                "limit": null,
                "hint": null,
                "problems": several.iter().map(Problem::to_json).collect::<Vec<_>>(),
            }),
        };
        error["code"] = json!(self.exit as i32);
        json!({ "error": error })
    }

    /// Prints the error where it belongs, or where it still can be, and gives the exit code.
    pub fn report(&self, json: bool) -> Exit {
        let printed = json && crate::print::out(&format!("{:#}", self.to_json())).is_ok();
        if !printed {
            crate::print::err(&self.to_string());
        }
        self.exit
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, problem) in self.problems.iter().enumerate() {
            let gap = if i == 0 { "" } else { "\n\n" };
            write!(f, "{gap}error: {problem}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Error {}

impl From<ScenarioError> for Error {
    fn from(error: ScenarioError) -> Error {
        Error { exit: Exit::Usage, problems: error.problems }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worst_exit_code_wins() {
        use Exit::{CheckFailed, Failed, Fine, PointsFailed, SloMissed};
        assert_eq!(Fine.worse(SloMissed), SloMissed);
        assert_eq!(PointsFailed.worse(SloMissed), PointsFailed);
        assert_eq!(SloMissed.worse(CheckFailed), CheckFailed);
        assert_eq!(CheckFailed.worse(Failed), CheckFailed);
    }

    #[test]
    fn one_problem_is_one_object_and_several_are_a_list() {
        let one = Error::usage("is empty", "a.toml").hint("fill it");
        assert_eq!(one.to_json()["error"]["code"], 2);
        assert_eq!(one.to_json()["error"]["where"], "a.toml");
        assert_eq!(one.to_json()["error"]["hint"], "fill it");
        let two = Error { problems: [one.problems.clone(), one.problems.clone()].concat(), ..one };
        assert_eq!(two.to_json()["error"]["problems"].as_array().map(Vec::len), Some(2));
    }
}
