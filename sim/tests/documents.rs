//! The README's tables and the scenario reference name everything that the registries have, with its true default.

use std::fs;
use std::path::Path;

use ledgerlab_consensus::registry::{self, IDS, Visitor};
use ledgerlab_consensus::{Knob, KnobValue, Protocol};
use ledgerlab_sim::network::tables::{self, cloud};
use ledgerlab_sim::scenario::Experiment;
use ledgerlab_sim::storage::VARIANTS;
use ledgerlab_workloads::ParamValue;
use ledgerlab_workloads::registry::KINDS;

fn text(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(name);
    fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

/// The lines below a heading, up to the next one.
fn section<'t>(text: &'t str, heading: &str) -> Vec<&'t str> {
    let mut lines = text.lines().skip_while(|l| !l.starts_with(heading));
    assert!(lines.next().is_some(), "there is no section `{heading}`");
    lines.take_while(|l| !l.starts_with('#')).collect()
}

/// The cells of the row of a key.
fn row<'t>(lines: &[&'t str], key: &str) -> Vec<&'t str> {
    let start = format!("| `{key}` |");
    let found = lines.iter().find(|l| l.starts_with(&start));
    found.unwrap_or_else(|| panic!("there is no row for `{key}`")).split('|').skip(1).map(str::trim).collect()
}

/// A documented value in base units, ns or bytes: `"500 ms"`, "1.5", "300 B".
fn base(cell: &str) -> f64 {
    let plain = cell.replace(['`', '"'], "");
    let (number, unit) = plain.split_once(' ').unwrap_or((&plain, ""));
    let factor = match unit {
        "" | "ns" | "B" => 1.0,
        "us" | "kB" => 1e3,
        "ms" | "MB" => 1e6,
        "s" | "GB" => 1e9,
        "min" => 60e9,
        "h" => 3_600e9,
        other => panic!("`{cell}` has the unit `{other}`"),
    };
    number.parse::<f64>().unwrap_or_else(|_| panic!("`{cell}` is no value")) * factor
}

fn assert_number(key: &str, cell: &str, value: f64) {
    let documented = base(cell);
    assert!((documented - value).abs() <= 1e-9 * value.abs(), "`{key}` is {value}, documented as {cell}");
}

fn assert_word(key: &str, cell: &str, value: &str) {
    assert_eq!(cell.replace(['`', '"'], ""), value, "the default of `{key}`");
}

fn assert_knob(knob: &Knob, cell: &str, value: KnobValue) {
    match value {
        KnobValue::Span(s) => assert_number(knob.name, cell, s.0 as f64),
        KnobValue::Count(n) | KnobValue::Bytes(n) => assert_number(knob.name, cell, n as f64),
        KnobValue::Number(x) => assert_number(knob.name, cell, x),
        KnobValue::Flag(b) => assert_word(knob.name, cell, &b.to_string()),
        KnobValue::Word(i) => assert_word(knob.name, cell, knob.words[i]),
    }
}

struct Knobs;

impl Visitor for Knobs {
    type Output = &'static [Knob];
    fn visit<P: Protocol>(self) -> &'static [Knob] {
        P::KNOBS
    }
}

#[test]
fn protocols_are_documented_with_their_defaults() {
    let (readme, reference) = (text("README.md"), text("docs/SCENARIO.md"));
    assert!(!IDS.is_empty());
    for id in IDS {
        row(&section(&readme, "## Protocols"), id);
        let knobs = registry::visit(id, Knobs).expect("a protocol of the list");
        if knobs.is_empty() {
            continue;
        }
        let lines = section(&reference, &format!("### `[consensus.{id}]`"));
        for knob in knobs {
            let cells = row(&lines, knob.name);
            assert_knob(knob, cells[1], knob.default);
            if let Some(value) = knob.consortium {
                assert_knob(knob, cells[2], value);
            }
        }
        let rows = lines.iter().filter(|l| l.starts_with("| `")).count();
        assert_eq!(rows, knobs.len(), "settings documented for {id} and settings that it has");
    }
}

#[test]
fn workloads_are_documented_with_their_defaults() {
    let (readme, reference) = (text("README.md"), text("docs/SCENARIO.md"));
    for kind in KINDS {
        row(&section(&readme, "## Workloads"), kind.id);
        let lines = section(&reference, &format!("### `{}`", kind.id));
        for param in kind.params {
            let cell = row(&lines, param.name)[1];
            match param.default {
                ParamValue::Number(x) | ParamValue::Share(x) => assert_number(param.name, cell, x),
                ParamValue::Count(n) | ParamValue::Bytes(n) | ParamValue::Span(n) => {
                    assert_number(param.name, cell, n as f64);
                }
                ParamValue::Flag(b) => assert_word(param.name, cell, &b.to_string()),
                ParamValue::Word(i) => assert_word(param.name, cell, param.words[i]),
            }
        }
        let rows = lines.iter().filter(|l| l.starts_with("| `")).count();
        assert_eq!(rows, kind.params.len(), "parameters documented for {} and parameters that it has", kind.id);
    }
}

#[test]
fn storage_variants_are_documented() {
    let (readme, reference) = (text("README.md"), text("docs/SCENARIO.md"));
    let known = section(&reference, "## `[storage]`").join("\n");
    for variant in &VARIANTS {
        row(&section(&readme, "## Storage variants"), variant.id);
        assert!(known.contains(&format!("`\"{}\"`", variant.id)), "{} is not in the scenario reference", variant.id);
    }
}

#[test]
fn latency_tables_are_documented_with_their_regions() {
    let reference = text("docs/SCENARIO.md");
    let known = section(&reference, "## `[network]`");
    for name in tables::NAMES {
        let table = tables::named(name).expect("a table of the list");
        let quoted = format!("`{name}`");
        let line = known.iter().find(|l| l.split('|').nth(1).is_some_and(|cell| cell.contains(&quoted)));
        let line = line.unwrap_or_else(|| panic!("there is no row for {name}"));
        // Of many regions `ledgerlab list` shows all.
        let shown = table.regions.len() <= 6;
        for region in table.regions.iter().filter(|_| shown) {
            assert!(line.contains(&format!("`{region}`")), "{name} has the region {region}: {line}");
        }
    }
}

#[test]
fn the_documented_table_of_round_trips_is_one() {
    let reference = text("docs/SCENARIO.md");
    let example = reference.split("```text\n").nth(1).and_then(|rest| rest.split("```").next()).expect("an example");
    assert_eq!(tables::from_csv("example.csv", example).expect("a table").regions, ["north", "south"]);
    assert_eq!((cloud::SAME_REGION_P50_MS, cloud::SAME_REGION_P90_MS), (1.0, 1.1));
    assert!(reference.contains("`1/1.1`"));
}

#[test]
fn the_parameters_of_storage_variants_are_documented() {
    let reference = text("docs/SCENARIO.md");
    let lines = section(&reference, "## `[storage]`");
    for variant in &VARIANTS {
        let set = [format!("storage.variant={}", variant.id)];
        let minimal = "schema = 1\n[consensus]\nprotocol = \"pbft\"\nnodes = 4\n[workload.w]\nkind = \"fixed\"\n";
        let experiment = Experiment::from_text("minimal.toml", minimal, &set).expect("a valid scenario");
        let effective = experiment.points[0].scenario.effective.to_json();
        let Some(parameters) = effective["storage"][variant.id].as_object() else { continue };
        let start = format!("`[storage.{}]`", variant.id);
        let line = lines.iter().find(|l| l.starts_with(&start)).unwrap_or_else(|| panic!("there is no {start}"));
        for (key, value) in parameters {
            let shown = value.as_str().map_or_else(|| value.to_string(), |text| format!("`\"{text}\"`"));
            assert!(line.contains(&format!("`{key}` {shown}")), "{start} lacks `{key}` {shown}");
        }
    }
}

#[test]
fn documents_name_no_file_that_does_not_exist() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    for name in [
        "README.md",
        "ARCHITECTURE.md",
        "CONTRIBUTING.md",
        "docs/METHODOLOGY.md",
        "docs/PERFORMANCE.md",
        "docs/SCENARIO.md",
    ] {
        let content = text(name);
        let folder = root.join(name).parent().expect("a file is in a folder").to_path_buf();
        for link in content.split("](").skip(1).filter_map(|rest| rest.split_once(')')).map(|(link, _)| link) {
            let local = !link.contains("://") && !link.starts_with('#');
            assert!(!local || folder.join(link).exists(), "{name} links to {link}, which does not exist");
        }
    }
}

/// The row that names a key in its first cell, alone or with others: its key and default, in backticks or prose.
fn default_of<'t>(lines: &[&'t str], key: &str) -> &'t str {
    let quoted = format!("`{key}`");
    let cells = lines.iter().map(|l| l.split('|').skip(1).map(str::trim).collect::<Vec<_>>());
    let row = cells.into_iter().find(|c| c.first().is_some_and(|first| first.split(", ").any(|k| k == quoted)));
    let row = row.unwrap_or_else(|| panic!("there is no row for `{key}`"));
    let place = row[0].split(", ").position(|k| k == quoted).unwrap_or(0);
    let default = row[1].split(';').next().unwrap_or(row[1]);
    default.split(", ").nth(place).unwrap_or(default)
}

#[test]
fn every_key_of_a_scenario_is_documented_with_its_default() {
    let minimal = "schema = 1\n[consensus]\nprotocol = \"pbft\"\nnodes = 4\n[workload.w]\nkind = \"fixed\"\n";
    let experiment = Experiment::from_text("minimal.toml", minimal, &[]).expect("a valid scenario");
    let effective = experiment.points[0].scenario.effective.to_json();
    let reference = text("docs/SCENARIO.md");
    let mut compared = 0;
    for name in ["run", "consensus", "network", "node", "mempool", "storage", "finality"] {
        let lines = section(&reference, &format!("## `[{name}]`"));
        for (key, value) in effective[name].as_object().expect("a table") {
            if value.is_object() {
                continue;
            }
            let cell = default_of(&lines, key);
            let shown = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            // A default in prose depends on other keys.
            let plain = cell.trim_matches('`').trim_matches('"');
            if cell.starts_with('`') || cell.parse::<f64>().is_ok() {
                let same = plain == shown || (base_or_nan(cell) - base_or_nan(&shown)).abs() < 1e-9;
                assert!(same, "`{name}.{key}` is {shown}, documented as {cell}");
                compared += 1;
            }
        }
    }
    assert!(compared > 25, "only {compared} defaults were compared");
}

/// The base value, NaN where it is a word.
fn base_or_nan(cell: &str) -> f64 {
    let number = cell.trim_start_matches(['`', '"']).starts_with(|c: char| c.is_ascii_digit());
    if number && !cell.contains("/s") && !cell.contains("bit") { base(cell) } else { f64::NAN }
}
