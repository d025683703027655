//! A scenario's text as a tree of values, each with the place it was written at.
//!
//! Tables are in order of name, as TOML gives their order no meaning: the order of organisations, workloads and
//! faults in a run is that of their names, wherever they stand in the file.

use std::collections::BTreeMap;
use std::sync::Arc;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::scenario::problem::Problem;

/// Where a value was written.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) struct Origin {
    pub(crate) file: Arc<str>,
    /// From 1; `None` for a value from the command line.
    pub(crate) line: Option<u32>,
}

/// A value with its origin.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Node {
    pub(crate) value: Value,
    pub(crate) origin: Origin,
    /// The text behind `--set K=`, which counts where a string is wanted.
    pub(crate) raw: Option<String>,
}

/// A table's entries.
pub(crate) type Table = BTreeMap<String, Node>;

/// A TOML value.
#[derive(Clone, PartialEq, Debug)]
pub(crate) enum Value {
    Text(String),
    Whole(i128),
    Number(f64),
    Flag(bool),
    Date(String),
    List(Vec<Node>),
    Table(Table),
}

impl Value {
    /// The type for people, with its article.
    pub(crate) fn type_name(&self) -> &'static str {
        match self {
            Value::Text(_) => "a string",
            Value::Whole(_) => "an integer",
            Value::Number(_) => "a number",
            Value::Flag(_) => "a flag",
            Value::Date(_) => "a date",
            Value::List(_) => "a list",
            Value::Table(_) => "a table",
        }
    }

    /// As JSON; dates are strings there.
    pub(crate) fn to_json(&self) -> serde_json::Value {
        match self {
            Value::Text(text) | Value::Date(text) => text.as_str().into(),
            Value::Whole(whole) => i64::try_from(*whole).map_or_else(|_| (*whole as f64).into(), Into::into),
            Value::Number(x) => (*x).into(),
            Value::Flag(flag) => (*flag).into(),
            Value::List(items) => items.iter().map(|n| n.value.to_json()).collect(),
            Value::Table(table) => table.iter().map(|(k, n)| (k.clone(), n.value.to_json())).collect(),
        }
    }

    /// As it would be written, short enough for a message.
    pub(crate) fn show(&self) -> String {
        let text = match self {
            Value::Text(s) => format!("{s:?}"),
            Value::Whole(i) => i.to_string(),
            Value::Number(x) => show_number(*x),
            Value::Flag(b) => b.to_string(),
            Value::Date(d) => d.clone(),
            Value::List(items) => {
                format!("[{}]", items.iter().map(|n| n.value.show()).collect::<Vec<_>>().join(", "))
            }
            Value::Table(_) => "{...}".to_owned(),
        };
        if text.chars().count() <= 80 { text } else { text.chars().take(77).collect::<String>() + "..." }
    }
}

/// A float as TOML writes it.
pub(crate) fn show_number(x: f64) -> String {
    if x.is_nan() { "nan".to_owned() } else { x.to_string() }
}

/// Parses a whole file.
pub(crate) fn parse(file: &Arc<str>, text: &str) -> Result<Table, Box<Problem>> {
    let lines = Lines::new(file, text);
    let table = DeTable::parse(text).map_err(|e| Box::new(syntax_problem(&lines, text, &e)))?;
    Ok(lines.table(table.get_ref()))
}

/// The value behind `--set K=`: TOML, else a string.
pub(crate) fn parse_override(text: &str) -> Node {
    let file: Arc<str> = Arc::from("--set");
    let value = match DeValue::parse(text) {
        Ok(value) => Lines::new(&file, text).value(value.get_ref()),
        Err(_) => Value::Text(text.to_owned()),
    };
    let mut node = Node { value, origin: Origin { file, line: None }, raw: Some(text.to_owned()) };
    forget_lines(&mut node);
    node
}

fn forget_lines(node: &mut Node) {
    node.origin.line = None;
    match &mut node.value {
        Value::List(items) => items.iter_mut().for_each(forget_lines),
        Value::Table(table) => table.values_mut().for_each(forget_lines),
        _ => {}
    }
}

fn syntax_problem(lines: &Lines<'_>, text: &str, error: &toml::de::Error) -> Problem {
    let at = error.span().map_or(text.len(), |s| s.start);
    let truncated = at >= text.trim_end().len() || text[at..].trim_end().lines().count() <= 1 && unclosed(text);
    let mut message = error.message().lines().collect::<Vec<_>>().join(", ");
    if let Some(key) = error.span().and_then(|span| text.get(span)).filter(|_| message == "duplicate key") {
        message = format!("duplicate key `{}`", key.trim());
    }
    Problem {
        file: lines.file.to_string(),
        line: Some(lines.line(at)),
        what: format!("not valid TOML: {message}"),
        hint: Some(if truncated {
            "the file ends in the middle of a value or table: it seems to be cut off".to_owned()
        } else {
            "strings need quotes, tables are [name], and a key stands once in a table".to_owned()
        }),
        ..Problem::default()
    }
}

/// Whether the last line opens a string, list or table that it does not close.
fn unclosed(text: &str) -> bool {
    let last = text.trim_end().lines().last().unwrap_or("");
    let count = |c: char| last.matches(c).count();
    count('"') % 2 == 1 || count('[') != count(']') || count('{') != count('}') || last.trim_end().ends_with('=')
}

/// Positions of line starts, to turn offsets into lines.
struct Lines<'a> {
    file: &'a Arc<str>,
    starts: Vec<usize>,
}

impl<'a> Lines<'a> {
    fn new(file: &'a Arc<str>, text: &str) -> Lines<'a> {
        let breaks = text.bytes().enumerate().filter(|(_, b)| *b == b'\n').map(|(i, _)| i + 1);
        Lines { file, starts: std::iter::once(0).chain(breaks).collect() }
    }

    fn line(&self, offset: usize) -> u32 {
        self.starts.partition_point(|start| *start <= offset) as u32
    }

    fn table(&self, table: &DeTable<'_>) -> Table {
        table
            .iter()
            .map(|(key, value)| (key.get_ref().to_string(), self.node(key.span().start, value.get_ref())))
            .collect()
    }

    fn node(&self, offset: usize, value: &DeValue<'_>) -> Node {
        let origin = Origin { file: self.file.clone(), line: Some(self.line(offset)) };
        Node { value: self.value(value), origin, raw: None }
    }

    fn value(&self, value: &DeValue<'_>) -> Value {
        match value {
            DeValue::String(s) => Value::Text(s.to_string()),
            DeValue::Boolean(b) => Value::Flag(*b),
            DeValue::Datetime(d) => Value::Date(d.to_string()),
            DeValue::Float(x) => Value::Number(x.as_str().parse().unwrap_or(f64::NAN)),
            DeValue::Integer(i) => match i128::from_str_radix(i.as_str(), i.radix()) {
                Ok(whole) => Value::Whole(whole),
                Err(_) => Value::Number(i.as_str().parse().unwrap_or(f64::INFINITY)),
            },
            DeValue::Array(items) => Value::List(items.iter().map(|item| self.item(item)).collect()),
            DeValue::Table(table) => Value::Table(self.table(table)),
        }
    }

    fn item(&self, item: &Spanned<DeValue<'_>>) -> Node {
        self.node(item.span().start, item.get_ref())
    }
}

/// Lays `over` on top of `base`: tables are merged key by key, everything else is replaced.
pub(crate) fn merge(base: &mut Table, over: Table) {
    for (key, node) in over {
        match (base.get_mut(&key), node) {
            (Some(Node { value: Value::Table(below), .. }), Node { value: Value::Table(above), .. }) => {
                merge(below, above);
            }
            (_, node) => {
                base.insert(key, node);
            }
        }
    }
}

/// Splits a dotted key; a part in double quotes may hold dots.
pub(crate) fn split_key(key: &str) -> Option<Vec<String>> {
    let (mut parts, mut part, mut quoted) = (Vec::new(), String::new(), false);
    for c in key.trim().chars() {
        match c {
            '"' => quoted = !quoted,
            '.' if !quoted => parts.push(std::mem::take(&mut part)),
            c => part.push(c),
        }
    }
    parts.push(part);
    let parts: Vec<String> = parts.iter().map(|p| p.trim().to_owned()).collect();
    (!quoted && parts.iter().all(|p| !p.is_empty())).then_some(parts)
}

/// The inverse of [`split_key`].
pub(crate) fn join_key(parts: &[String]) -> String {
    let quote = |p: &String| if p.contains('.') { format!("\"{p}\"") } else { p.clone() };
    parts.iter().map(quote).collect::<Vec<_>>().join(".")
}

/// Puts `node` at `path`, making tables on the way and replacing what is no table.
pub(crate) fn set(table: &mut Table, path: &[String], node: Node) {
    let (first, rest) = path.split_first().expect("a key has a part");
    if rest.is_empty() {
        table.insert(first.clone(), node);
        return;
    }
    let empty = Node { value: Value::Table(Table::new()), origin: node.origin.clone(), raw: None };
    let below = table.entry(first.clone()).or_insert_with(|| empty.clone());
    if !matches!(below.value, Value::Table(_)) {
        *below = empty;
    }
    if let Value::Table(inner) = &mut below.value {
        set(inner, rest, node);
    }
}

/// Takes the value at `path` out; `None` where there is none.
pub(crate) fn remove(table: &mut Table, path: &[String]) -> Option<Node> {
    let (first, rest) = path.split_first()?;
    if rest.is_empty() {
        return table.remove(first);
    }
    match &mut table.get_mut(first)?.value {
        Value::Table(inner) => remove(inner, rest),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(text: &str) -> Table {
        parse(&Arc::from("t.toml"), text).unwrap()
    }

    fn text_of(table: &mut Table, key: &str) -> Option<String> {
        remove(table, &split_key(key)?).map(|n| n.value.show())
    }

    #[test]
    fn values_carry_the_line_of_their_key() {
        let t = table("a = 1\n\n[b.c]\nd = \"x\"\n");
        assert_eq!(t["a"].origin.line, Some(1));
        let Value::Table(b) = &t["b"].value else { panic!("a table") };
        let Value::Table(c) = &b["c"].value else { panic!("a table") };
        assert_eq!((b["c"].origin.line, c["d"].origin.line), (Some(3), Some(4)));
    }

    #[test]
    fn merging_goes_key_by_key() {
        let mut base = table("[a]\nx = 1\ny = 2\n[b]\nz = 3\n");
        merge(&mut base, table("[a]\ny = 4\n[c]\nw = 5\n"));
        let shown = ["a.x", "a.y", "b.z", "c.w"].map(|k| text_of(&mut base, k).unwrap());
        assert_eq!(shown, ["1", "4", "3", "5"]);
    }

    #[test]
    fn an_override_is_toml_or_a_string() {
        let shown = ["3", "0.5", "true", "40 ms", "\"x\"", "[1, 2]"].map(|v| parse_override(v).value.show());
        assert_eq!(shown, ["3", "0.5", "true", "\"40 ms\"", "\"x\"", "[1, 2]"]);
    }

    #[test]
    fn keys_split_at_dots_outside_quotes() {
        let parts = split_key("sweep.axes.\"consensus.nodes\"").unwrap();
        assert_eq!(parts, ["sweep", "axes", "consensus.nodes"]);
        assert_eq!(join_key(&parts), "sweep.axes.\"consensus.nodes\"");
        assert_eq!((split_key("a..b"), split_key("a.\"b"), split_key("")), (None, None, None));
    }

    #[test]
    fn setting_makes_the_tables_on_the_way() {
        let mut t = table("a = 1\n");
        set(&mut t, &split_key("a.b.c").unwrap(), parse_override("7"));
        assert_eq!(text_of(&mut t, "a.b.c").as_deref(), Some("7"));
    }

    #[test]
    fn a_syntax_error_names_the_line_and_a_cut_off_file() {
        let problem = parse(&Arc::from("t.toml"), "a = 1\nb = \n c = 3").unwrap_err();
        assert_eq!((problem.line, problem.hint.unwrap().contains("cut off")), (Some(2), false));
        let problem = parse(&Arc::from("t.toml"), "[run]\nname = \"half").unwrap_err();
        assert_eq!((problem.line, problem.hint.unwrap().contains("cut off")), (Some(2), true));
    }
}
