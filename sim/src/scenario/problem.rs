//! What is wrong with a scenario: every problem at once, each with place, key, value, limit and hint.

use std::fmt;

use serde::Serialize;
use serde_json::{Value, json};

/// One thing that is wrong.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize)]
pub struct Problem {
    /// The file, or `--set` for a value from the command line.
    pub file: String,
    /// Line in the file, from 1.
    pub line: Option<u32>,
    /// Dotted key.
    pub key: Option<String>,
    /// The value as it was written.
    pub value: Option<String>,
    /// What is wrong, in lower case.
    pub what: String,
    /// What would be allowed.
    pub limit: Option<String>,
    /// What to do about it.
    pub hint: Option<String>,
    /// The point of a sweep in which it shows; `None` where it shows in all of them.
    pub point: Option<String>,
}

impl Problem {
    /// `FILE:LINE`, or the file alone.
    pub fn place(&self) -> String {
        match self.line {
            Some(line) => format!("{}:{line}", self.file),
            None => self.file.clone(),
        }
    }

    /// As an object with `what`, `where`, `limit` and `hint`.
    pub fn to_json(&self) -> Value {
        json!({
            "what": self.subject() + &self.what,
            "where": self.place(),
            "key": self.key,
            "value": self.value,
            "limit": self.limit,
            "hint": self.hint,
            "point": self.point,
        })
    }

    /// In one line, without the place: as a remark on a result.
    pub fn remark(&self) -> String {
        let parts = [Some(self.subject() + &self.what), self.limit.clone(), self.hint.clone()];
        parts.into_iter().flatten().collect::<Vec<_>>().join("; ")
    }

    fn subject(&self) -> String {
        match (&self.key, &self.value) {
            (Some(key), Some(value)) => format!("key `{key}` = {value}: "),
            (Some(key), None) => format!("key `{key}`: "),
            _ => String::new(),
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}{}", self.place(), self.subject(), self.what)?;
        if let Some(limit) = &self.limit {
            write!(f, "; {limit}")?;
        }
        if let Some(point) = &self.point {
            write!(f, " (in the point {point})")?;
        }
        if let Some(hint) = &self.hint {
            write!(f, "\nhint: {hint}")?;
        }
        Ok(())
    }
}

/// A scenario that cannot be used, with everything that is wrong with it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct ScenarioError {
    /// At least one.
    pub problems: Vec<Problem>,
}

impl ScenarioError {
    /// The error of a file as a whole.
    pub(crate) fn file(file: &str, what: impl Into<String>, hint: impl Into<String>) -> ScenarioError {
        let problem = Problem { file: file.into(), what: what.into(), hint: Some(hint.into()), ..Problem::default() };
        ScenarioError { problems: vec![problem] }
    }
}

impl fmt::Display for ScenarioError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, problem) in self.problems.iter().enumerate() {
            let gap = if i == 0 { "" } else { "\n\n" };
            write!(f, "{gap}{problem}")?;
        }
        Ok(())
    }
}

impl std::error::Error for ScenarioError {}

/// What a value's reader found wrong, before the key and the place are added.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct Flaw {
    pub(crate) what: String,
    pub(crate) limit: Option<String>,
    pub(crate) hint: Option<String>,
}

impl Flaw {
    pub(crate) fn new(what: impl Into<String>) -> Flaw {
        Flaw { what: what.into(), ..Flaw::default() }
    }
    pub(crate) fn limit(mut self, limit: impl Into<String>) -> Flaw {
        self.limit = Some(limit.into());
        self
    }
    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Flaw {
        self.hint = Some(hint.into());
        self
    }
}

/// Shortest word that may stand for a longer one that begins with it.
const LEAST_BEGINNING: usize = 3;

/// The candidate nearest to `word` by edit distance, if it is near enough to be a slip; else the shortest one that
/// begins with it.
pub fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let candidates: Vec<&str> = candidates.into_iter().collect();
    let (distance, best) = candidates.iter().map(|c| (edit_distance(word, c), *c)).min()?;
    if distance <= word.chars().count().max(best.chars().count()) / 3 {
        return Some(best);
    }
    let begun = |c: &&str| word.len() >= LEAST_BEGINNING && c.starts_with(&word.to_lowercase());
    candidates.into_iter().filter(begun).min_by_key(|c| c.len())
}

/// `a, b, c`, cut after `most` with the number that is left out.
pub(crate) fn listed<'a>(words: impl IntoIterator<Item = &'a str>, most: usize) -> String {
    let words: Vec<&str> = words.into_iter().collect();
    let shown = words.iter().take(most).copied().collect::<Vec<_>>().join(", ");
    if words.len() > most { format!("{shown} and {} more", words.len() - most) } else { shown }
}

/// Levenshtein distance in characters, one row at a time, ignoring case.
fn edit_distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.to_lowercase().chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.to_lowercase().chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, y) in b.iter().enumerate() {
            let substituted = diagonal + usize::from(x != *y);
            diagonal = row[j + 1];
            row[j + 1] = substituted.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn edit_distance_counts_insertions_deletions_and_substitutions() {
        assert_eq!(edit_distance("kitten", "sitting"), 3);
        assert_eq!(edit_distance("", "abc"), 3);
        assert_eq!(edit_distance("MB", "mb"), 0);
    }

    #[test]
    fn only_a_slip_has_a_nearest_word() {
        let words = ["nodes", "protocol", "block_bytes"];
        assert_eq!(nearest("nods", words), Some("nodes"));
        assert_eq!(nearest("protcol", words), Some("protocol"));
        assert_eq!(nearest("temperature", words), None);
        assert_eq!(nearest("rate_tx", ["rate_tx_per_s", "reads_per_write"]), Some("rate_tx_per_s"));
        assert_eq!(nearest("re", ["rate_tx_per_s", "reads_per_write"]), None);
        assert_eq!((nearest("mb", ["ms", "MB"]), nearest("MB", ["ms", "min"])), (Some("MB"), None));
    }

    #[test]
    fn a_problem_prints_place_key_value_limit_and_hint() {
        let p = Problem {
            file: "a.toml".into(),
            line: Some(3),
            key: Some("consensus.nodes".into()),
            value: Some("0".into()),
            what: "too small".into(),
            limit: Some("at least 1".into()),
            hint: Some("use 4".into()),
            point: None,
        };
        assert_eq!(p.to_string(), "a.toml:3: key `consensus.nodes` = 0: too small; at least 1\nhint: use 4");
        assert_eq!(p.to_json()["where"], "a.toml:3");
    }
}
