//! What can be wrong with a workload: each message names the key, the value and the limit.

use thiserror::Error;

use crate::param::ParamValue;

/// A workload that cannot be run.
#[derive(Clone, PartialEq, Debug, Error)]
pub enum WorkloadError {
    /// No workload of this kind exists.
    #[error("workload `{workload}`: unknown kind `{kind}`; known are {known}")]
    UnknownKind {
        /// The user's name for the workload.
        workload: String,
        /// What was asked for.
        kind: String,
        /// The kinds that exist, separated by commas.
        known: String,
    },
    /// The kind has no such parameter.
    #[error("workload `{workload}`: unknown key `{key}`; `{kind}` has {known}")]
    UnknownParam {
        /// The user's name for the workload.
        workload: String,
        /// The key.
        key: String,
        /// The workload's kind.
        kind: &'static str,
        /// Its parameters, separated by commas.
        known: String,
    },
    /// The value has another type.
    #[error("workload `{workload}`: `{key}` is {found}, must be {expected}")]
    WrongType {
        /// The user's name for the workload.
        workload: String,
        /// The key.
        key: &'static str,
        /// The declared type.
        expected: &'static str,
        /// The value's type.
        found: &'static str,
    },
    /// The value is outside its limits.
    #[error("workload `{workload}`: `{key}` is {value}, must be from {low} to {high}")]
    OutOfRange {
        /// The user's name for the workload.
        workload: String,
        /// The key.
        key: &'static str,
        /// The value.
        value: ParamValue,
        /// Smallest allowed.
        low: ParamValue,
        /// Largest allowed.
        high: ParamValue,
    },
    /// The word is not one of the parameter's.
    #[error("workload `{workload}`: `{key}` is `{value}`, must be one of {known}")]
    UnknownWord {
        /// The user's name for the workload.
        workload: String,
        /// The key.
        key: &'static str,
        /// The word.
        value: String,
        /// The words, separated by commas.
        known: String,
    },
    /// A workload of hospitals without hospitals, or with too many.
    #[error("workload `{workload}`: `hospitals` is {value}, must be from 1 to {high}")]
    Hospitals {
        /// The user's name for the workload.
        workload: String,
        /// The number.
        value: u32,
        /// Largest allowed.
        high: u32,
    },
    /// A multiplier that is negative, too large or not a number.
    #[error("workload `{workload}`: `multiplier` is {value}, must be from 0 to {high}")]
    Multiplier {
        /// The user's name for the workload.
        workload: String,
        /// The number.
        value: f64,
        /// Largest allowed.
        high: f64,
    },
    /// A closed loop with no clients or too many.
    #[error("workload `{workload}`: `arrival` has {value} clients, must be from 1 to {high}")]
    Clients {
        /// The user's name for the workload.
        workload: String,
        /// The number.
        value: u32,
        /// Largest allowed.
        high: u32,
    },
    /// A load that is negative, too large or not a number.
    #[error("`load` is {value}, must be from 0 to {high}")]
    Load {
        /// The number.
        value: f64,
        /// Largest allowed.
        high: f64,
    },
    /// More workloads than an arrival can number.
    #[error("{value} workloads, at most {high} are allowed")]
    TooMany {
        /// How many there are.
        value: usize,
        /// Largest allowed.
        high: usize,
    },
}

impl WorkloadError {
    /// The key in the scenario that is wrong, where it is one.
    pub fn key(&self) -> Option<&str> {
        match self {
            WorkloadError::UnknownKind { .. } => Some("kind"),
            WorkloadError::UnknownParam { key, .. } => Some(key),
            WorkloadError::WrongType { key, .. }
            | WorkloadError::OutOfRange { key, .. }
            | WorkloadError::UnknownWord { key, .. } => Some(key),
            WorkloadError::Hospitals { .. } => Some("hospitals"),
            WorkloadError::Multiplier { .. } => Some("multiplier"),
            WorkloadError::Clients { .. } => Some("arrival"),
            WorkloadError::Load { .. } => Some("load"),
            WorkloadError::TooMany { .. } => None,
        }
    }
}
