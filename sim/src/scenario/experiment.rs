//! A scenario file with its sweep: the grid of points, each a validated scenario with the labels of its axes.

use std::collections::BTreeMap;
use std::path::Path;

use crate::scenario::build::build;
use crate::scenario::effective::Effective;
use crate::scenario::model::Scenario;
use crate::scenario::problem::{Flaw, Problem, ScenarioError, listed};
use crate::scenario::reader::Sheet;
use crate::scenario::source::Source;
use crate::scenario::tree::{self, Node, Table, Value};

/// Most points of a sweep.
const MOST_POINTS: usize = 10_000;
/// Keys that are no scenario's content and cannot be swept.
const NOT_SWEPT: [&str; 3] = ["sweep", "schema", "run.name"];

/// What one file asks for: the points of a grid, one point where nothing is swept.
#[derive(Clone, Debug)]
pub struct Experiment {
    /// The name of the run.
    pub name: String,
    /// The swept keys with their values as labels, in order of key.
    pub axes: Vec<Axis>,
    /// All combinations; the last axis varies fastest.
    pub points: Vec<Point>,
    /// What can be run but hardly means what it says, over all points.
    pub warnings: Vec<Problem>,
}

/// A swept key.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Axis {
    /// Dotted.
    pub key: String,
    /// Its values in the order of the file, as labels.
    pub values: Vec<String>,
    /// The same with their types.
    pub written: Vec<serde_json::Value>,
}

/// One point of the grid.
#[derive(Clone, Debug)]
pub struct Point {
    /// Value by swept key; empty where nothing is swept.
    pub labels: BTreeMap<String, String>,
    /// The run.
    pub scenario: Scenario,
}

impl Experiment {
    /// Reads the file at `path` with overrides of the form `key=value`.
    ///
    /// # Errors
    /// Everything that is wrong with any of its points.
    pub fn load(path: &Path, overrides: &[String]) -> Result<Experiment, ScenarioError> {
        Experiment::from_source(Source::read(path)?, overrides)
    }

    /// Reads a text as if it were the file `file` in the current folder.
    ///
    /// # Errors
    /// As [`Experiment::load`].
    pub fn from_text(file: &str, text: &str, overrides: &[String]) -> Result<Experiment, ScenarioError> {
        Experiment::from_source(Source::from_text(file, text)?, overrides)
    }

    /// Digest of the content of all points, hexadecimal; without the name.
    pub fn identity(&self) -> String {
        let mut hasher = blake3::Hasher::new();
        for point in &self.points {
            hasher.update(point.scenario.effective.identity().as_bytes());
        }
        hasher.finalize().to_hex().as_str()[..32].to_owned()
    }

    /// The whole experiment as one scenario file: every key on which the points agree, and the sweep. Keys whose
    /// default depends on what is swept are left to their default.
    pub fn effective(&self) -> toml::Table {
        let mut effective = Effective::default();
        for point in &self.points {
            effective.join(&point.scenario.effective);
        }
        let all: Vec<&Effective> = self.points.iter().map(|p| &p.scenario.effective).collect();
        effective.keep_agreed(&all);
        for axis in &self.axes {
            let key = ["sweep", "axes", &axis.key].map(str::to_owned);
            effective.note(&key, axis.written.clone().into());
        }
        effective.to_toml().parse().expect("its own form is TOML")
    }

    fn from_source(mut source: Source, overrides: &[String]) -> Result<Experiment, ScenarioError> {
        for text in overrides {
            source.set(text);
        }
        let mut sheet = Sheet::new(source.file.clone(), &source.table);
        let axes = axes(&mut sheet, &source.table);
        let mut problems = std::mem::take(&mut source.problems);
        problems.append(&mut sheet.problems);
        let (points, mut found, warnings) = build_points(&source, &axes);
        problems.append(&mut found);
        match points.first() {
            Some(first) if problems.is_empty() => Ok(Experiment {
                name: first.scenario.name.clone(),
                axes: axes.iter().map(WrittenAxis::to_axis).collect(),
                points,
                warnings: in_order(warnings),
            }),
            _ => Err(ScenarioError { problems: in_order(problems) }),
        }
    }
}

/// A swept key with the values as written.
struct WrittenAxis {
    key: String,
    path: Vec<String>,
    values: Vec<Node>,
}

impl WrittenAxis {
    fn to_axis(&self) -> Axis {
        let values = self.values.iter().map(label).collect();
        let written = self.values.iter().map(|node| node.value.to_json()).collect();
        Axis { key: self.key.clone(), values, written }
    }
}

fn label(node: &Node) -> String {
    match &node.value {
        Value::Text(text) => text.clone(),
        other => other.show(),
    }
}

/// Reads `[sweep]`; a flawed axis is reported and left out.
fn axes(sheet: &mut Sheet<'_>, root: &Table) -> Vec<WrittenAxis> {
    let Some(Node { value, .. }) = root.get("sweep") else { return Vec::new() };
    let path = |parts: &[&str]| parts.iter().map(|p| (*p).to_owned()).collect::<Vec<String>>();
    let Value::Table(sweep) = value else {
        let flaw = Flaw::new(format!("{} where a table is expected", value.type_name()));
        sheet.report(&path(&["sweep"]), flaw.hint("write [sweep] with axes = { \"consensus.nodes\" = [4, 16] }"));
        return Vec::new();
    };
    for key in sweep.keys().filter(|k| *k != "axes") {
        let flaw = Flaw::new("unknown key").limit("valid here: axes").hint("keys to sweep stand inside `axes`");
        sheet.report(&path(&["sweep", key]), flaw);
    }
    let Some(Node { value: Value::Table(axes), .. }) = sweep.get("axes") else {
        let flaw = Flaw::new("the axes are missing").limit("a table of keys with lists of values");
        sheet.report(&path(&["sweep", "axes"]), flaw.hint("write axes = { \"consensus.nodes\" = [4, 16] }"));
        return Vec::new();
    };
    let mut found = Vec::new();
    for (key, node) in axes {
        match axis(key, node) {
            Ok(axis) => found.push(axis),
            Err(flaw) => sheet.report(&path(&["sweep", "axes", key]), flaw),
        }
    }
    let points = found.iter().fold(1_usize, |n, axis| n.saturating_mul(axis.values.len()));
    if points > MOST_POINTS {
        let flaw = Flaw::new(format!("the sweep has {points} points")).limit(format!("at most {MOST_POINTS}"));
        sheet.report(&path(&["sweep", "axes"]), flaw.hint("split the sweep into several files"));
        found.clear();
    }
    found
}

fn axis(key: &str, node: &Node) -> Result<WrittenAxis, Flaw> {
    let path = tree::split_key(key).ok_or_else(|| Flaw::new("not a dotted key").hint("\"consensus.nodes\" is one"))?;
    if NOT_SWEPT.iter().any(|fixed| key == *fixed || path[0] == *fixed) {
        return Err(Flaw::new("this key cannot be swept")
            .limit(format!("any but {}", listed(NOT_SWEPT, 9)))
            .hint("sweep a key that changes the run"));
    }
    let example = format!("write \"{key}\" = [.., ..]");
    match &node.value {
        Value::List(values) if !values.is_empty() => match twice(values) {
            Some(twice) => Err(Flaw::new(format!("the value {twice} comes twice"))
                .limit("each value once")
                .hint("for more runs of a point raise `run.replications`")),
            None => Ok(WrittenAxis { key: key.to_owned(), path, values: values.clone() }),
        },
        Value::List(_) => Err(Flaw::new("no values").limit("at least 1").hint(example)),
        other => Err(Flaw::new(format!("{} where a list of values is expected", other.type_name())).hint(example)),
    }
}

fn twice(values: &[Node]) -> Option<String> {
    let again = |i: usize| values[..i].iter().any(|v| v.value == values[i].value);
    (0..values.len()).find(|&i| again(i)).map(|i| values[i].value.show())
}

/// Builds every point, with problems and warnings. One that all points share is listed once, others name their point.
fn build_points(source: &Source, axes: &[WrittenAxis]) -> (Vec<Point>, Vec<Problem>, Vec<Problem>) {
    let total: usize = axes.iter().map(|a| a.values.len()).product();
    let (mut points, mut found, mut warned) = (Vec::new(), Vec::new(), Vec::new());
    for index in 0..total {
        let mut table = source.table.clone();
        let mut labels = BTreeMap::new();
        for (axis, value) in axes.iter().zip(choice(axes, index)) {
            tree::set(&mut table, &axis.path, value.clone());
            labels.insert(axis.key.clone(), label(value));
        }
        match build(&source.file, &source.folder, &table) {
            Ok(scenario) => {
                scenario.warnings.iter().for_each(|w| collect(&mut warned, w.clone(), &labels));
                points.push(Point { labels, scenario });
            }
            Err(problems) => problems.into_iter().for_each(|p| collect(&mut found, p, &labels)),
        }
    }
    let named = |(mut problem, point, times): (Problem, String, usize)| {
        problem.point = (times < total && !point.is_empty()).then_some(point);
        problem
    };
    let named = |list: Vec<_>| list.into_iter().map(named).collect();
    (points, named(found), named(warned))
}

fn collect(found: &mut Vec<(Problem, String, usize)>, problem: Problem, labels: &BTreeMap<String, String>) {
    match found.iter_mut().find(|(known, ..)| *known == problem) {
        Some((_, _, times)) => *times += 1,
        None => {
            let point = labels.iter().map(|(k, v)| format!("{k} = {v}")).collect::<Vec<_>>().join(", ");
            found.push((problem, point, 1));
        }
    }
}

/// The values of point `index`; the last axis varies fastest.
fn choice(axes: &[WrittenAxis], mut index: usize) -> Vec<&Node> {
    let mut values = Vec::new();
    for axis in axes.iter().rev() {
        values.push(&axis.values[index % axis.values.len()]);
        index /= axis.values.len();
    }
    values.reverse();
    values
}

/// By place, so that they read like the file.
fn in_order(mut problems: Vec<Problem>) -> Vec<Problem> {
    problems.sort_by(|a, b| (&a.file, a.line, &a.key).cmp(&(&b.file, b.line, &b.key)));
    problems
}
