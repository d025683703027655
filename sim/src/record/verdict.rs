//! The one-word answer to whether a run is worth believing.
//!
//! A stall or a fault plan beyond what the protocol tolerates is a legal experiment with a result; a broken promise
//! (safety, conservation, a law of the model) is not, and fails the command with exit code 7.

use serde::{Deserialize, Serialize};
use std::fmt;

/// Outcome of a replication, and of a point as the worst of its replications.
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
            | Verdict::CheckFailed { text }
            | Verdict::ConservationViolation { text }
            | Verdict::SafetyViolation { text } => text,
        }
    }

    /// Whether the run must fail (exit code 7).
    #[must_use]
    pub fn failed(&self) -> bool {
        self.rank() > Verdict::EXPLAINED_STALL
    }

    /// The worse of two; the first of equally bad ones.
    #[must_use]
    pub fn worse<'a>(&'a self, other: &'a Verdict) -> &'a Verdict {
        if other.rank() > self.rank() { other } else { self }
    }

    const EXPLAINED_STALL: u8 = 2;

    fn rank(&self) -> u8 {
        match self {
            Verdict::Ok => 0,
            Verdict::OutsideFaultModel { .. } => 1,
            Verdict::Stalled { explained: true, .. } => Verdict::EXPLAINED_STALL,
            Verdict::Stalled { explained: false, .. } => 3,
            Verdict::CheckFailed { .. } => 4,
            Verdict::ConservationViolation { .. } => 5,
            Verdict::SafetyViolation { .. } => 6,
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
        let failed = [&Verdict::Ok, &outside, &stalled, &unexplained, &unsafe_run].map(Verdict::failed);
        assert_eq!(failed, [false, false, false, true, true]);
        assert_eq!(unsafe_run.to_string(), "safety-violation");
    }
}
