//! The one-word answer to whether a run is worth believing.
//!
//! A stall or a fault plan beyond what the protocol tolerates is a legal experiment with a result; a broken promise
//! (safety, conservation, a law of the model) is not, and fails the command with exit code 7. Points can also miss
//! objectives (6) or have no result (8).

use serde::{Deserialize, Serialize};
use std::fmt;

/// Outcome of a replication; of a point the worst of its replications, its objectives and its lack of a result.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Verdict {
    /// Everything that was promised held.
    #[default]
    Ok,
    /// More went wrong than the protocol tolerates: liveness was not asserted, safety against crashes was.
    OutsideFaultModel {
        /// Which bound was exceeded and by how much.
        text: String,
    },
    /// Nothing became final for longer than the protocol allows.
    Stalled {
        /// Whether a fault or an overload accounts for it; if not, the run fails.
        explained: bool,
        /// What stood still and since when.
        text: String,
    },
    /// A point missed a service level objective.
    SloMissed {
        /// Which ones, each with what was measured and its limit.
        text: String,
    },
    /// A point has no result.
    Failed {
        /// Why.
        text: String,
    },
    /// A check of the model failed: a link above its rate, Little's law, determinism.
    CheckFailed {
        /// Which check, and both of its sides.
        text: String,
    },
    /// A transaction was lost, duplicated or counted in two classes.
    ConservationViolation {
        /// Which one and where.
        text: String,
    },
    /// Two nodes finalised different blocks, or a validator broke one of the protocol's promises.
    SafetyViolation {
        /// Who did what at which height.
        text: String,
    },
}

impl Verdict {
    /// The word in tables: kebab-case, as in `summary.json`.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self {
            Verdict::Ok => "ok",
            Verdict::OutsideFaultModel { .. } => "outside-fault-model",
            Verdict::Stalled { .. } => "stalled",
            Verdict::SloMissed { .. } => "slo-missed",
            Verdict::Failed { .. } => "failed",
            Verdict::CheckFailed { .. } => "check-failed",
            Verdict::ConservationViolation { .. } => "conservation-violation",
            Verdict::SafetyViolation { .. } => "safety-violation",
        }
    }

    /// What happened in a sentence; empty where all is well.
    #[must_use]
    pub fn text(&self) -> &str {
        match self {
            Verdict::Ok => "",
            Verdict::OutsideFaultModel { text }
            | Verdict::Stalled { text, .. }
            | Verdict::SloMissed { text }
            | Verdict::Failed { text }
            | Verdict::CheckFailed { text }
            | Verdict::ConservationViolation { text }
            | Verdict::SafetyViolation { text } => text,
        }
    }

    /// Whether the run must fail (exit code 7).
    #[must_use]
    pub fn failed(&self) -> bool {
        self.rank() > Verdict::NO_RESULT
    }

    /// The worse of two; the first of equally bad ones.
    #[must_use]
    pub fn worse<'a>(&'a self, other: &'a Verdict) -> &'a Verdict {
        if other.rank() > self.rank() { other } else { self }
    }

    const NO_RESULT: u8 = 4;

    /// In the order of the exit codes.
    fn rank(&self) -> u8 {
        match self {
            Verdict::Ok => 0,
            Verdict::OutsideFaultModel { .. } => 1,
            Verdict::Stalled { explained: true, .. } => 2,
            Verdict::SloMissed { .. } => 3,
            Verdict::Failed { .. } => Verdict::NO_RESULT,
            Verdict::Stalled { explained: false, .. } => 5,
            Verdict::CheckFailed { .. } => 6,
            Verdict::ConservationViolation { .. } => 7,
            Verdict::SafetyViolation { .. } => 8,
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worst_wins_and_only_broken_promises_fail() {
        let stalled = Verdict::Stalled { explained: true, text: "no quorum from 60 s".into() };
        let unexplained = Verdict::Stalled { explained: false, text: "no leader".into() };
        let outside = Verdict::OutsideFaultModel { text: "6 of 16 crashed, f = 5".into() };
        let unsafe_run = Verdict::SafetyViolation { text: "two blocks at height 7".into() };
        assert_eq!(Verdict::Ok.worse(&outside), &outside);
        assert_eq!(stalled.worse(&outside), &stalled);
        assert_eq!(unsafe_run.worse(&unexplained), &unsafe_run);
        let missed = Verdict::SloMissed { text: "success_rate 0.8 (limit 0.9)".into() };
        let empty = Verdict::Failed { text: "nothing was submitted".into() };
        assert_eq!(stalled.worse(&missed).worse(&empty).worse(&unexplained), &unexplained);
        assert_eq!(missed.worse(&empty), &empty);
        assert!(!missed.failed() && !empty.failed());
        let failed = [&Verdict::Ok, &outside, &stalled, &unexplained, &unsafe_run].map(Verdict::failed);
        assert_eq!(failed, [false, false, false, true, true]);
        assert_eq!(unsafe_run.to_string(), "safety-violation");
    }
}
