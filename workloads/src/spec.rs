//! A workload of a scenario: its kind, how many hospitals run it, how much of it, and its parameters.

use crate::error::WorkloadError;
use crate::param::{Param, ParamValue};
use crate::registry::{self, WorkloadKind};
use crate::stream::Stream;

/// Most hospitals of one workload.
pub const MAX_HOSPITALS: u32 = 1_000_000;
/// Most clients of a closed loop.
pub const MAX_CLIENTS: u32 = 10_000_000;
/// Largest multiplier and largest load.
pub const MAX_FACTOR: f64 = 1e9;

/// When clients submit.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum ArrivalMode {
    /// At planned times that do not depend on how the system copes.
    #[default]
    Open,
    /// Each client waits for its answer, thinks, and submits again; rates, multiplier and load are not used.
    Closed {
        /// Number of clients, dealt to hospitals round robin.
        clients: u32,
        /// Think time, ns.
        think_ns: u64,
    },
}

/// A workload of a scenario with its parameters.
#[derive(Clone, PartialEq, Debug)]
pub struct WorkloadSpec {
    /// The user's name for it.
    pub name: String,
    /// What it is.
    pub kind: &'static WorkloadKind,
    /// How many hospitals run it; must be set for kinds that are [`WorkloadKind::per_hospital`].
    pub hospitals: u32,
    /// Multiplies its rates.
    pub multiplier: f64,
    /// When clients submit.
    pub arrival: ArrivalMode,
    values: Vec<ParamValue>,
}

impl WorkloadSpec {
    /// A workload of a kind with its defaults: open, multiplier 1, and no hospitals yet where the kind needs them.
    ///
    /// # Errors
    /// If there is no such kind.
    pub fn new(name: &str, kind: &str) -> Result<WorkloadSpec, WorkloadError> {
        let found = registry::kind(kind).ok_or_else(|| WorkloadError::UnknownKind {
            workload: name.to_string(),
            kind: kind.to_string(),
            known: registry::KINDS.iter().map(|k| k.id).collect::<Vec<_>>().join(", "),
        })?;
        Ok(WorkloadSpec {
            name: name.to_string(),
            kind: found,
            hospitals: if found.per_hospital { 0 } else { 1 },
            multiplier: 1.0,
            arrival: ArrivalMode::Open,
            values: found.params.iter().map(|p| p.default).collect(),
        })
    }

    /// The declaration of a parameter, so that a parser knows its type.
    ///
    /// # Errors
    /// If the kind has no such parameter.
    pub fn param(&self, key: &str) -> Result<&'static Param, WorkloadError> {
        self.kind.params.iter().find(|p| p.name == key).ok_or_else(|| WorkloadError::UnknownParam {
            workload: self.name.clone(),
            key: key.to_string(),
            kind: self.kind.id,
            known: self.kind.params.iter().map(|p| p.name).collect::<Vec<_>>().join(", "),
        })
    }

    /// Sets a parameter.
    ///
    /// # Errors
    /// If the kind has no such parameter, the value has another type or is outside its limits.
    pub fn set(&mut self, key: &str, value: ParamValue) -> Result<(), WorkloadError> {
        let param = self.param(key)?;
        if !param.same_type(value) {
            return Err(WorkloadError::WrongType {
                workload: self.name.clone(),
                key: param.name,
                expected: param.default.type_name(),
                found: value.type_name(),
            });
        }
        if !param.allows(value) {
            return Err(self.out_of_range(param, value));
        }
        let i = self.index(key);
        self.values[i] = value;
        Ok(())
    }

    /// Sets a parameter that is one of a few words.
    ///
    /// # Errors
    /// If the kind has no such parameter, it is not a word or knows no such word.
    pub fn set_word(&mut self, key: &str, word: &str) -> Result<(), WorkloadError> {
        let param = self.param(key)?;
        if !param.same_type(ParamValue::Word(0)) {
            return self.set(key, ParamValue::Word(0));
        }
        match param.words.iter().position(|w| *w == word) {
            Some(i) => self.set(key, ParamValue::Word(i)),
            None => Err(WorkloadError::UnknownWord {
                workload: self.name.clone(),
                key: param.name,
                value: word.to_string(),
                known: param.words.join(", "),
            }),
        }
    }

    fn out_of_range(&self, param: &'static Param, value: ParamValue) -> WorkloadError {
        let (low, high) =
            param.limits.unwrap_or((ParamValue::Word(0), ParamValue::Word(param.words.len().saturating_sub(1))));
        WorkloadError::OutOfRange { workload: self.name.clone(), key: param.name, value, low, high }
    }

    /// Checks what the setters cannot: hospitals, multiplier, clients and parameters against each other.
    ///
    /// # Errors
    /// The first thing that is wrong.
    pub fn check(&self) -> Result<(), WorkloadError> {
        let workload = self.name.clone();
        if self.hospitals == 0 || self.hospitals > MAX_HOSPITALS {
            return Err(WorkloadError::Hospitals { workload, value: self.hospitals, high: MAX_HOSPITALS });
        }
        if !(0.0..=MAX_FACTOR).contains(&self.multiplier) {
            return Err(WorkloadError::Multiplier { workload, value: self.multiplier, high: MAX_FACTOR });
        }
        if let ArrivalMode::Closed { clients, .. } = self.arrival
            && (clients == 0 || clients > MAX_CLIENTS)
        {
            return Err(WorkloadError::Clients { workload, value: clients, high: MAX_CLIENTS });
        }
        (self.kind.check)(self)
    }

    /// The parameters with their values, in the order of declaration.
    pub fn iter(&self) -> impl Iterator<Item = (&'static Param, ParamValue)> + '_ {
        self.kind.params.iter().zip(self.values.iter().copied())
    }

    /// What it sends. Only meaningful after [`WorkloadSpec::check`].
    pub fn streams(&self) -> Vec<Stream> {
        (self.kind.streams)(self)
    }

    /// The deadline of a kind of record, ns; `None` where it has none.
    pub fn deadline_ns(&self, kind: u8) -> Option<u64> {
        self.kind.records[usize::from(kind)].deadline.map(|key| self.integer(key))
    }

    fn index(&self, key: &str) -> usize {
        let found = self.kind.params.iter().position(|p| p.name == key);
        found.unwrap_or_else(|| panic!("workload kind `{}` declares no parameter `{key}`", self.kind.id))
    }

    /// The value of any parameter.
    ///
    /// # Panics
    /// If the kind declares no such parameter.
    pub fn value(&self, key: &str) -> ParamValue {
        self.values[self.index(key)]
    }

    /// The value of a number or share.
    ///
    /// # Panics
    /// If the kind declares no such parameter or it has another type; so do the getters below.
    pub fn number(&self, key: &str) -> f64 {
        match self.value(key) {
            ParamValue::Number(x) | ParamValue::Share(x) => x,
            v => panic!("parameter `{key}` is {}, not a number or share", v.type_name()),
        }
    }

    /// The value of a whole number, a size (bytes) or a length of time (ns).
    pub fn integer(&self, key: &str) -> u64 {
        match self.value(key) {
            ParamValue::Count(x) | ParamValue::Bytes(x) | ParamValue::Span(x) => x,
            v => panic!("parameter `{key}` is {}, not a count, size or length of time", v.type_name()),
        }
    }

    /// The value of a flag.
    pub fn flag(&self, key: &str) -> bool {
        match self.value(key) {
            ParamValue::Flag(x) => x,
            v => panic!("parameter `{key}` is {}, not a flag", v.type_name()),
        }
    }

    /// The word that a parameter is set to.
    pub fn word(&self, key: &str) -> &'static str {
        let i = self.index(key);
        match self.values[i] {
            ParamValue::Word(w) => self.kind.params[i].words[w],
            v => panic!("parameter `{key}` is {}, not a word", v.type_name()),
        }
    }
}

#[cfg(test)]
mod tests;
