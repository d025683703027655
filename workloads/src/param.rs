//! A workload's parameters, declared as data: one list gives parsing, checks, `list` and the documentation.

use std::fmt;

use crate::arrival::ENVELOPE_BYTES;

/// A parameter's value.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum ParamValue {
    /// A number.
    Number(f64),
    /// A whole number.
    Count(u64),
    /// A size in bytes.
    Bytes(u64),
    /// A length of time in nanoseconds.
    Span(u64),
    /// A share from 0 to 1.
    Share(f64),
    /// Yes or no.
    Flag(bool),
    /// One of the words of [`Param::words`], by index.
    Word(usize),
}

impl ParamValue {
    /// What the variant is called in messages.
    pub fn type_name(self) -> &'static str {
        match self {
            ParamValue::Number(_) => "a number",
            ParamValue::Count(_) => "a whole number",
            ParamValue::Bytes(_) => "a size",
            ParamValue::Span(_) => "a length of time",
            ParamValue::Share(_) => "a share",
            ParamValue::Flag(_) => "true or false",
            ParamValue::Word(_) => "a word",
        }
    }

    /// Whether `low <= self <= high`, all of one variant; false for NaN.
    fn within(self, low: ParamValue, high: ParamValue) -> bool {
        use ParamValue::{Bytes, Count, Number, Share, Span};
        match (low, self, high) {
            (Number(l), Number(x), Number(h)) | (Share(l), Share(x), Share(h)) => l <= x && x <= h,
            (Count(l), Count(x), Count(h)) | (Bytes(l), Bytes(x), Bytes(h)) | (Span(l), Span(x), Span(h)) => {
                l <= x && x <= h
            }
            _ => false,
        }
    }
}

impl fmt::Display for ParamValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ParamValue::Number(x) | ParamValue::Share(x) => write!(f, "{x}"),
            ParamValue::Count(x) => write!(f, "{x}"),
            ParamValue::Bytes(x) => write!(f, "{x} B"),
            ParamValue::Span(ns) => write!(f, "{} s", *ns as f64 / 1e9),
            ParamValue::Flag(x) => write!(f, "{x}"),
            ParamValue::Word(i) => write!(f, "word {i}"),
        }
    }
}

/// Declaration of one parameter.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Param {
    /// Its key in `[workload.<name>]`.
    pub name: &'static str,
    /// One sentence.
    pub doc: &'static str,
    /// Where the default comes from: a public source, or `assumption`.
    pub source: &'static str,
    /// The default; its variant is the parameter's type.
    pub default: ParamValue,
    /// Smallest and largest value that is allowed, of the same variant; `None` for words and flags.
    pub limits: Option<(ParamValue, ParamValue)>,
    /// The words of a `Word` parameter.
    pub words: &'static [&'static str],
}

impl Param {
    const fn limited(
        name: &'static str,
        default: ParamValue,
        limits: (ParamValue, ParamValue),
        source: &'static str,
        doc: &'static str,
    ) -> Param {
        Param { name, doc, source, default, limits: Some(limits), words: &[] }
    }

    /// A number, at most `high` and at least 0.
    pub const fn number(name: &'static str, default: f64, high: f64, source: &'static str, doc: &'static str) -> Param {
        let limits = (ParamValue::Number(0.0), ParamValue::Number(high));
        Param::limited(name, ParamValue::Number(default), limits, source, doc)
    }

    /// A whole number from 1 to `high`.
    pub const fn count(name: &'static str, default: u64, high: u64, source: &'static str, doc: &'static str) -> Param {
        let limits = (ParamValue::Count(1), ParamValue::Count(high));
        Param::limited(name, ParamValue::Count(default), limits, source, doc)
    }

    /// A size from 1 to `high` bytes.
    pub const fn bytes(name: &'static str, default: u64, high: u64, source: &'static str, doc: &'static str) -> Param {
        let limits = (ParamValue::Bytes(1), ParamValue::Bytes(high));
        Param::limited(name, ParamValue::Bytes(default), limits, source, doc)
    }

    /// The size of a transaction on chain, from that of its envelope to `high` bytes.
    pub const fn transaction_bytes(
        name: &'static str,
        default: u64,
        high: u64,
        source: &'static str,
        doc: &'static str,
    ) -> Param {
        let limits = (ParamValue::Bytes(ENVELOPE_BYTES as u64), ParamValue::Bytes(high));
        Param::limited(name, ParamValue::Bytes(default), limits, source, doc)
    }

    /// A length of time in nanoseconds from `limits.0` to `limits.1`.
    pub const fn span(
        name: &'static str,
        default_ns: u64,
        limits: (u64, u64),
        source: &'static str,
        doc: &'static str,
    ) -> Param {
        let limits = (ParamValue::Span(limits.0), ParamValue::Span(limits.1));
        Param::limited(name, ParamValue::Span(default_ns), limits, source, doc)
    }

    /// A share from 0 to 1.
    pub const fn share(name: &'static str, default: f64, source: &'static str, doc: &'static str) -> Param {
        let limits = (ParamValue::Share(0.0), ParamValue::Share(1.0));
        Param::limited(name, ParamValue::Share(default), limits, source, doc)
    }

    /// Yes or no.
    pub const fn flag(name: &'static str, default: bool, source: &'static str, doc: &'static str) -> Param {
        Param { name, doc, source, default: ParamValue::Flag(default), limits: None, words: &[] }
    }

    /// One of a few words; `default` is an index.
    pub const fn word(
        name: &'static str,
        default: usize,
        words: &'static [&'static str],
        source: &'static str,
        doc: &'static str,
    ) -> Param {
        Param { name, doc, source, default: ParamValue::Word(default), limits: None, words }
    }

    /// Whether a value is of this parameter's type.
    pub fn same_type(&self, value: ParamValue) -> bool {
        std::mem::discriminant(&self.default) == std::mem::discriminant(&value)
    }

    /// Whether a value of this parameter's type is within its limits.
    pub fn allows(&self, value: ParamValue) -> bool {
        match (self.limits, value) {
            (Some((low, high)), v) => v.within(low, high),
            (None, ParamValue::Word(i)) => i < self.words.len(),
            (None, _) => true,
        }
    }
}
