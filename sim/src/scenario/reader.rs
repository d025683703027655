//! Reads a table of a scenario key by key: notes which keys exist, what they are set to and what is wrong.
//!
//! A key that nobody asked for is unknown. Nothing stops at the first problem: a value that cannot be used is
//! reported and its default goes on, so that one pass finds everything.

use std::ops::RangeInclusive;
use std::sync::Arc;

use ledgerlab_consensus::Span;
use serde_json::Value as Json;

use crate::scenario::effective::Effective;
use crate::scenario::problem::{Flaw, Problem, listed, nearest};
use crate::scenario::quantity::{Kind, TIME, show_span};
use crate::scenario::scalar;
use crate::scenario::tree::{Node, Table, Value, join_key};

static EMPTY: Table = Table::new();

/// What is known of a scenario while it is read.
pub(crate) struct Sheet<'a> {
    file: Arc<str>,
    root: &'a Table,
    pub(crate) problems: Vec<Problem>,
    pub(crate) warnings: Vec<Problem>,
    pub(crate) effective: Effective,
}

impl<'a> Sheet<'a> {
    pub(crate) fn new(file: Arc<str>, root: &'a Table) -> Sheet<'a> {
        Sheet { file, root, problems: Vec::new(), warnings: Vec::new(), effective: Effective::default() }
    }

    /// Reads the whole file with `read`, then complains of the keys that it did not ask for.
    pub(crate) fn read<T>(&mut self, read: impl FnOnce(&mut Reader<'_, 'a>) -> T) -> T {
        let table = self.root;
        let mut reader = Reader { sheet: self, table, path: Vec::new(), known: Vec::new(), silent: false };
        let result = read(&mut reader);
        reader.finish();
        result
    }

    /// Reports a flaw of the value at `path`, at the nearest place that is written down.
    pub(crate) fn report(&mut self, path: &[String], flaw: Flaw) {
        let problem = self.problem(path, flaw);
        self.problems.push(problem);
    }

    fn problem(&self, path: &[String], flaw: Flaw) -> Problem {
        let (mut table, mut nearest, mut value) = (Some(self.root), None, None);
        for part in path {
            let node = table.and_then(|t| t.get(part));
            value = node.map(|n| &n.value);
            table = match value {
                Some(Value::Table(inner)) => Some(inner),
                _ => None,
            };
            nearest = node.or(nearest);
        }
        let value = value.filter(|v| !matches!(v, Value::Table(_)));
        Problem {
            file: nearest.map_or_else(|| self.file.to_string(), |n| n.origin.file.to_string()),
            line: nearest.and_then(|n| n.origin.line),
            key: (!path.is_empty()).then(|| join_key(path)),
            value: value.map(Value::show),
            what: flaw.what,
            limit: flaw.limit,
            hint: flaw.hint,
            point: None,
        }
    }
}

/// One table of a scenario.
pub(crate) struct Reader<'r, 'a> {
    sheet: &'r mut Sheet<'a>,
    table: &'a Table,
    path: Vec<String>,
    known: Vec<String>,
    /// Whether values are left out of the effective scenario, since the run does not use them.
    silent: bool,
}

impl<'a> Reader<'_, 'a> {
    /// Whether the key is written down.
    pub(crate) fn has(&self, key: &str) -> bool {
        self.table.contains_key(key)
    }

    /// Declares a key and returns what is written there.
    pub(crate) fn node(&mut self, key: &str) -> Option<&'a Node> {
        if !self.known.iter().any(|k| k == key) {
            self.known.push(key.to_owned());
        }
        self.table.get(key)
    }

    /// Reports a flaw of the value of `key`.
    pub(crate) fn report(&mut self, key: &str, flaw: Flaw) {
        let path = self.path_of(key);
        self.sheet.report(&path, flaw);
    }

    /// Reports a flaw of the value at a path from the top.
    pub(crate) fn report_at(&mut self, path: &[&str], flaw: Flaw) {
        let path: Vec<String> = path.iter().map(|&p| p.to_owned()).collect();
        self.sheet.report(&path, flaw);
    }

    /// Warns of the value at a path from the top: the scenario can be run, but hardly means what it says.
    pub(crate) fn warn_at(&mut self, path: &[&str], flaw: Flaw) {
        let path: Vec<String> = path.iter().map(|&p| p.to_owned()).collect();
        let warning = self.sheet.problem(&path, flaw);
        self.sheet.warnings.push(warning);
    }

    /// Writes the value of `key` into the effective scenario.
    pub(crate) fn note(&mut self, key: &str, value: impl Into<Json>) {
        if !self.silent {
            let path = self.path_of(key);
            self.sheet.effective.note(&path, value.into());
        }
    }

    /// Writes a value at a path from the top into the effective scenario.
    pub(crate) fn note_at(&mut self, path: &[&str], value: impl Into<Json>) {
        let path: Vec<String> = path.iter().map(|&p| p.to_owned()).collect();
        self.sheet.effective.note(&path, value.into());
    }

    /// Whether something is written at a path from the top.
    pub(crate) fn written(&self, path: &[&str]) -> bool {
        let mut table = Some(self.sheet.root);
        let mut found = false;
        for part in path {
            let node = table.and_then(|t| t.get(*part));
            found = node.is_some();
            table = match node.map(|n| &n.value) {
                Some(Value::Table(inner)) => Some(inner),
                _ => None,
            };
        }
        found
    }

    /// Adds content that the value of a key refers to.
    pub(crate) fn add_content(&mut self, bytes: &[u8]) {
        self.sheet.effective.add_content(bytes);
    }

    /// The value of a key, if it is there and good.
    pub(crate) fn read<T>(&mut self, key: &str, parse: impl FnOnce(&Node) -> Result<T, Flaw>) -> Option<T> {
        match parse(self.node(key)?) {
            Ok(value) => Some(value),
            Err(mut flaw) => {
                flaw.hint.get_or_insert_with(|| "leave it out for the default".to_owned());
                self.report(key, flaw);
                None
            }
        }
    }

    /// The same with a default, which is also the hint where nothing better is known.
    fn read_or<T>(&mut self, key: &str, default: T, shown: &str, parse: impl FnOnce(&Node) -> Result<T, Flaw>) -> T {
        let hinted = |flaw: Flaw| match flaw.hint {
            Some(_) => flaw,
            None => flaw.hint(format!("leave it out for the default, {shown}")),
        };
        self.read(key, |node| parse(node).map_err(hinted)).unwrap_or(default)
    }

    /// A quantity; an absent or wrong one takes the default.
    pub(crate) fn quantity(&mut self, key: &str, kind: &Kind, default: u64, limits: RangeInclusive<u64>) -> u64 {
        let value = self.read_or(key, default, &kind.show(default), |node| scalar::quantity(node, kind, &limits));
        self.note(key, kind.show(value));
        value
    }

    /// A time.
    pub(crate) fn span(&mut self, key: &str, default: Span, limits: RangeInclusive<Span>) -> Span {
        Span(self.quantity(key, &TIME, default.0, limits.start().0..=limits.end().0))
    }

    /// A time that may be absent or one word instead, both of which mean none.
    pub(crate) fn optional_span(&mut self, key: &str, none: &str, limits: RangeInclusive<Span>) -> Option<Span> {
        let limits = limits.start().0..=limits.end().0;
        let value = self.read(key, |node| match &node.value {
            Value::Text(word) if word == none => Ok(None),
            _ => scalar::quantity(node, &TIME, &limits).map(|x| Some(Span(x))),
        });
        let value = value.flatten();
        self.note(key, value.map_or_else(|| none.to_owned(), show_span));
        value
    }

    /// A whole number.
    pub(crate) fn count(&mut self, key: &str, default: u64, limits: RangeInclusive<u64>) -> u64 {
        let value = self.read_or(key, default, &default.to_string(), |node| scalar::count(node, &limits));
        self.note(key, value);
        value
    }

    /// A whole number that has no default; `example` says what to write.
    pub(crate) fn required_count(&mut self, key: &str, example: &str, limits: RangeInclusive<u64>) -> Option<u64> {
        let hinted = |flaw: Flaw| Flaw { hint: flaw.hint.or_else(|| Some(example.to_owned())), ..flaw };
        let value = self.read(key, |node| scalar::count(node, &limits).map_err(hinted))?;
        self.note(key, value);
        Some(value)
    }

    /// A number.
    pub(crate) fn number(&mut self, key: &str, default: f64, limits: RangeInclusive<f64>) -> f64 {
        let value = self.read_or(key, default, &default.to_string(), |node| scalar::number(node, default, &limits));
        self.note(key, value);
        value
    }

    /// `true` or `false`.
    pub(crate) fn flag(&mut self, key: &str, default: bool) -> bool {
        let value = self.read(key, scalar::flag).unwrap_or(default);
        self.note(key, value);
        value
    }

    /// One of a few words, by index.
    pub(crate) fn word(&mut self, key: &str, default: usize, words: &[&str]) -> usize {
        let value = self.read(key, |node| scalar::word(node, words)).unwrap_or(default);
        self.note(key, words[value]);
        value
    }

    /// Reads the table at `key` (an empty one if it is absent), then complains of its unknown keys.
    pub(crate) fn section<T>(&mut self, key: &str, read: impl FnOnce(&mut Reader<'_, 'a>) -> T) -> T {
        let silent = self.silent;
        self.section_with(key, silent, read)
    }

    /// The same for a table that is only checked: the run does not use it.
    pub(crate) fn checked_section<T>(&mut self, key: &str, read: impl FnOnce(&mut Reader<'_, 'a>) -> T) -> T {
        self.section_with(key, true, read)
    }

    fn section_with<T>(&mut self, key: &str, silent: bool, read: impl FnOnce(&mut Reader<'_, 'a>) -> T) -> T {
        let table = match self.node(key).map(|n| &n.value) {
            Some(Value::Table(table)) => table,
            Some(other) => {
                let what = format!("{} where a table is expected", other.type_name());
                self.report(key, Flaw::new(what).hint(format!("write [{}]", join_key(&self.path_of(key)))));
                &EMPTY
            }
            None => &EMPTY,
        };
        let path = self.path_of(key);
        let mut reader = Reader { sheet: &mut *self.sheet, table, path, known: Vec::new(), silent };
        let result = read(&mut reader);
        reader.finish();
        result
    }

    /// Reads every table that the user has named under `key`, in order of name.
    pub(crate) fn entries(&mut self, key: &str, mut read: impl FnMut(&str, &mut Reader<'_, 'a>)) {
        self.section(key, |group| {
            for name in group.table.keys() {
                group.section(name, |reader| read(name, reader));
            }
        });
    }

    /// Declares all keys that are there: what they mean cannot be known.
    pub(crate) fn accept_rest(&mut self) {
        self.known.extend(self.table.keys().cloned());
    }

    fn path_of(&self, key: &str) -> Vec<String> {
        let mut path = self.path.clone();
        if !key.is_empty() {
            path.push(key.to_owned());
        }
        path
    }

    fn finish(self) {
        let known: Vec<&str> = self.known.iter().map(String::as_str).collect();
        for key in self.table.keys().filter(|k| !known.contains(&k.as_str())) {
            let mut flaw = Flaw::new("unknown key").limit(format!("valid here: {}", listed(known.iter().copied(), 24)));
            if let Some(near) = nearest(key, known.iter().copied()) {
                flaw = flaw.hint(format!("did you mean `{near}`?"));
            } else {
                flaw = flaw.hint("remove it, or correct its name");
            }
            let mut path = self.path.clone();
            path.push(key.clone());
            self.sheet.report(&path, flaw);
        }
    }
}
