//! From a file to one tree: reads it, lays it over what it `extends`, and applies the overrides.

use std::fs;
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::scenario::problem::{Problem, ScenarioError};
use crate::scenario::tree::{self, Node, Table, Value};

/// A scenario's tree with the folder that relative paths in it start from.
#[derive(Clone, Debug)]
pub(crate) struct Source {
    pub(crate) table: Table,
    pub(crate) folder: PathBuf,
    /// The file as the user named it.
    pub(crate) file: Arc<str>,
    /// Problems that do not stop the rest from being read.
    pub(crate) problems: Vec<Problem>,
}

/// Keys that make one file out of several.
const FILE_ONLY: [&str; 2] = ["extends", "remove"];
/// Files deeper than this extend each other without end, in practice.
const DEEPEST_EXTENDS: usize = 16;
/// Largest file that is read.
const MOST_BYTES: u64 = 16 << 20;

impl Source {
    /// The file at `path` with everything it extends.
    pub(crate) fn read(path: &Path) -> Result<Source, ScenarioError> {
        Source::read_below(path, &mut Vec::new())
    }

    /// A text that stands for a file named `file` in the current folder.
    pub(crate) fn from_text(file: &str, text: &str) -> Result<Source, ScenarioError> {
        Source::parse(Path::new(file), text, &mut Vec::new())
    }

    fn read_below(path: &Path, above: &mut Vec<PathBuf>) -> Result<Source, ScenarioError> {
        let text = read_text(path)?;
        above.push(fs::canonicalize(path).unwrap_or_else(|_| path.to_owned()));
        let source = Source::parse(path, &text, above);
        above.pop();
        source
    }

    fn parse(path: &Path, text: &str, above: &mut Vec<PathBuf>) -> Result<Source, ScenarioError> {
        let file: Arc<str> = Arc::from(path.display().to_string());
        let mut table = tree::parse(&file, text).map_err(|p| ScenarioError { problems: vec![*p] })?;
        let folder = path.parent().map(Path::to_owned).unwrap_or_default();
        let (extends, removed) = (table.remove("extends"), table.remove("remove"));
        let mut source = Source { table: Table::new(), folder, file, problems: Vec::new() };
        if let Some(extends) = &extends {
            source.extend(extends, above)?;
        }
        if let Some(removed) = &removed {
            source.remove_all(removed, extends.is_some());
        }
        tree::merge(&mut source.table, table);
        Ok(source)
    }

    fn extend(&mut self, extends: &Node, above: &mut Vec<PathBuf>) -> Result<(), ScenarioError> {
        let Value::Text(name) = &extends.value else {
            return Err(self.fatal(extends, "not the name of a file", "write extends = \"base.toml\""));
        };
        let path = self.folder.join(name);
        let known = fs::canonicalize(&path).is_ok_and(|p| above.contains(&p));
        if known || above.len() >= DEEPEST_EXTENDS {
            return Err(self.fatal(extends, "the file extends itself", "break the circle of `extends`"));
        }
        match Source::read_below(&path, above) {
            Ok(base) => {
                self.table = base.table;
                self.problems.extend(base.problems);
                Ok(())
            }
            Err(error) => match &error.problems[..] {
                [Problem { line: None, what, .. }] => {
                    let what = format!("{}: {what}", path.display());
                    Err(self.fatal(extends, &what, "the path is relative to the file that extends"))
                }
                _ => Err(error),
            },
        }
    }

    fn remove_all(&mut self, removed: &Node, extends: bool) {
        let keys: Option<Vec<&String>> = match &removed.value {
            Value::List(items) => {
                items.iter().map(|n| if let Value::Text(t) = &n.value { Some(t) } else { None }).collect()
            }
            _ => None,
        };
        let Some(keys) = keys else {
            self.report("remove", removed, "not a list of keys", "write remove = [\"workload.clinics\"]");
            return;
        };
        if !extends {
            self.report("remove", removed, "there is nothing to remove from", "it needs `extends`");
            return;
        }
        for key in keys {
            let found = tree::split_key(key).and_then(|path| tree::remove(&mut self.table, &path));
            if found.is_none() {
                self.report("remove", removed, &format!("the extended file has no `{key}`"), "remove it from the list");
            }
        }
    }

    fn report(&mut self, key: &str, node: &Node, what: &str, hint: &str) {
        self.problems.push(problem(key, node, what, hint));
    }

    /// What is wrong with `extends`: without the other file the rest says nothing.
    fn fatal(&self, extends: &Node, what: &str, hint: &str) -> ScenarioError {
        ScenarioError { problems: vec![problem("extends", extends, what, hint)] }
    }

    /// Applies one `--set K=V`. A key that is swept gets the value at every point: its axis goes.
    pub(crate) fn set(&mut self, text: &str) {
        let parsed = text.split_once('=').and_then(|(key, value)| Some((tree::split_key(key)?, value.trim())));
        match parsed {
            Some((path, _)) if FILE_ONLY.contains(&path[0].as_str()) => self.problems.push(Problem {
                file: "--set".into(),
                key: Some(path[0].clone()),
                what: "cannot be set on the command line".into(),
                limit: Some("it says which file this one is laid over, before anything is set".into()),
                hint: Some("write it in a file of its own, and run that".into()),
                ..Problem::default()
            }),
            Some((path, value)) => {
                tree::set(&mut self.table, &path, tree::parse_override(value));
                self.remove_axis(&path);
            }
            None => self.problems.push(Problem {
                file: "--set".into(),
                what: format!("{text:?} is not a key and a value"),
                hint: Some("write it as --set consensus.nodes=16".into()),
                ..Problem::default()
            }),
        }
    }
}

impl Source {
    /// Takes the key at `path` out of the sweep, if it is there.
    fn remove_axis(&mut self, path: &[String]) {
        let Some(Node { value: Value::Table(sweep), .. }) = self.table.get_mut("sweep") else { return };
        let Some(Node { value: Value::Table(axes), .. }) = sweep.get_mut("axes") else { return };
        axes.retain(|key, _| tree::split_key(key).as_deref() != Some(path));
    }
}

fn problem(key: &str, node: &Node, what: &str, hint: &str) -> Problem {
    Problem {
        file: node.origin.file.to_string(),
        line: node.origin.line,
        key: Some(key.into()),
        value: Some(node.value.show()),
        what: what.into(),
        hint: Some(hint.into()),
        ..Problem::default()
    }
}

/// The file's bytes, of one that is too large or has no end one more than may be.
fn read_bytes(path: &Path) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    fs::File::open(path)?.take(MOST_BYTES + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// The file's text, or what keeps it from being one.
pub(crate) fn read_text(path: &Path) -> Result<String, ScenarioError> {
    let name = path.display().to_string();
    let error = |what: &str, hint: &str| Err(ScenarioError::file(&name, what, hint));
    if path.is_dir() {
        return error("is a folder, not a scenario file", "name a .toml file in it");
    }
    let bytes = match read_bytes(path) {
        Ok(bytes) if bytes.len() as u64 > MOST_BYTES => {
            return error("is too large for a scenario: more than 16 MiB", "a scenario is a TOML file of a few kB");
        }
        Ok(bytes) => bytes,
        Err(e) if e.kind() == ErrorKind::NotFound => {
            return error("there is no such file", "`ledgerlab init` writes a scenario to start from");
        }
        Err(e) => return error(&format!("cannot be read: {e}"), "check the file's permissions"),
    };
    if bytes.contains(&0) {
        return error("is a binary file, not text", "a scenario is a TOML file");
    }
    match String::from_utf8(bytes) {
        Ok(text) if text.trim().is_empty() => {
            error("the file is empty", "`ledgerlab init` writes a scenario to start from")
        }
        Ok(text) => Ok(text),
        Err(_) => error("is not UTF-8 text", "a scenario is a TOML file in UTF-8"),
    }
}
