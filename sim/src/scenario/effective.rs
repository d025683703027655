//! The effective scenario: every key with the value that a run uses, defaults included, in one canonical form.
//!
//! It is written while the scenario is read, so it has exactly the keys of the file format and reads back to the
//! same scenario (only a latency matrix from a file stays a reference to that file). Keys are in order of name.

use std::collections::BTreeMap;

use serde_json::Value;

/// Dotted key to value; quantities are strings in the largest unit that divides them.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Effective {
    values: BTreeMap<Vec<String>, Value>,
    /// Content that the keys only refer to, such as a latency matrix from a file.
    content: Vec<u8>,
}

impl Effective {
    /// Notes the value of the key at `path`.
    pub(crate) fn note(&mut self, path: &[String], value: Value) {
        self.values.insert(path.to_vec(), value);
    }

    /// Adds content that is part of the scenario without being in its text.
    pub(crate) fn add_content(&mut self, bytes: &[u8]) {
        self.content.extend_from_slice(bytes);
    }

    /// Adds the keys of `other` that are new here.
    pub(crate) fn join(&mut self, other: &Effective) {
        for (path, value) in &other.values {
            self.values.entry(path.clone()).or_insert_with(|| value.clone());
        }
    }

    /// Drops keys to which two of `all` give different values.
    pub(crate) fn keep_agreed(&mut self, all: &[&Effective]) {
        self.values.retain(|path, value| all.iter().all(|one| one.values.get(path).is_none_or(|v| v == value)));
    }

    /// The value at a dotted key of simple names, such as `run.seed`.
    pub fn get(&self, key: &str) -> Option<&Value> {
        let path: Vec<String> = key.split('.').map(str::to_owned).collect();
        self.values.get(&path)
    }

    /// As nested objects: what `summary.json` records.
    pub fn to_json(&self) -> Value {
        let mut root = serde_json::Map::new();
        for (path, value) in &self.values {
            let (last, tables) = path.split_last().expect("a key has a name");
            let mut table = &mut root;
            for name in tables {
                let entry = table.entry(name.as_str()).or_insert_with(|| Value::Object(serde_json::Map::new()));
                table = entry.as_object_mut().expect("a key is a table or a value, not both");
            }
            table.insert(last.clone(), value.clone());
        }
        Value::Object(root)
    }

    /// As a scenario file: running it gives the same result.
    pub fn to_toml(&self) -> String {
        toml::to_string(&self.to_json()).expect("strings, numbers, flags and lists are TOML")
    }

    /// Digest of the content, hexadecimal: of everything that can change a result, so without the name.
    pub fn identity(&self) -> String {
        let mut content = self.clone();
        content.values.remove(&["run".to_owned(), "name".to_owned()][..]);
        let mut hasher = blake3::Hasher::new();
        hasher.update(b"ledgerlab scenario 1\n");
        hasher.update(content.to_json().to_string().as_bytes());
        hasher.update(&self.content);
        hasher.finalize().to_hex().as_str()[..32].to_owned()
    }
}
