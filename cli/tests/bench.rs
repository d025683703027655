//! `ledgerlab bench` as a user meets it. Figures are not looked at: they belong to the machine.

use std::path::Path;
use std::process::{Command, Output};

use serde_json::{Value, json};

fn bench(folder: &Path, args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_ledgerlab")).arg("bench").args(args).current_dir(folder).output().unwrap()
}

/// Exit code, standard output and standard error in one text.
fn shown(output: &Output) -> String {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let code = output.status.code().unwrap_or(-1);
    format!("exit {code}\n--- stdout\n{}--- stderr\n{}", text(&output.stdout), text(&output.stderr))
}

fn row(name: &str, value: f64, unit: &str, reference: f64) -> Value {
    json!({ "name": name, "value": value, "unit": unit, "floor": null, "reference": reference, "naive": null })
}

#[test]
fn an_unknown_row_is_named_with_the_nearest() {
    let dir = tempfile::tempdir().unwrap();
    insta::assert_snapshot!(shown(&bench(dir.path(), &["phold-1k", "fold-10k"])), @r"
    exit 2
    --- stdout
    --- stderr
    error: bench: there is no row `fold-10k`
    hint: did you mean `phold-10k`?
    ");
    insta::assert_snapshot!(shown(&bench(dir.path(), &["everything"])), @r"
    exit 2
    --- stdout
    --- stderr
    error: bench: there is no row `everything`
    hint: there are phold-1k, phold-10k, phold-100k, phold-100k-x16, broadcast-100, broadcast-1000, broadcast-10000, pbft-128, pbft-1000, hotstuff-64, pow-8000, accounting, accounting-sha256
    ");
}

#[test]
fn a_baseline_that_cannot_be_used_is_refused_before_anything_is_measured() {
    let dir = tempfile::tempdir().unwrap();
    let against = |text: &str| {
        std::fs::write(dir.path().join("b.json"), text).unwrap();
        shown(&bench(dir.path(), &["phold-1k", "--against", "b.json"]))
    };
    insta::assert_snapshot!(shown(&bench(dir.path(), &["--against", "no.json"])), @r"
    exit 4
    --- stdout
    --- stderr
    error: no.json: there is no such file
    hint: `ledgerlab bench --json > FILE` writes a baseline
    ");
    insta::assert_snapshot!(against("[{\"name\": "), @r"
    exit 4
    --- stdout
    --- stderr
    error: b.json: is not JSON: EOF while parsing a value at line 1 column 10
    hint: `ledgerlab bench --json > FILE` writes a baseline
    ");
    insta::assert_snapshot!(against("{\"schema\": 1}"), @r"
    exit 4
    --- stdout
    --- stderr
    error: b.json: is not what `bench --json` writes: invalid type: map, expected a sequence
    hint: `ledgerlab bench --json > FILE` writes a baseline
    ");
    insta::assert_snapshot!(against(&json!([row("phold-1k", -1.0, "events/s", 1.0)]).to_string()), @r"
    exit 4
    --- stdout
    --- stderr
    error: b.json: row `phold-1k` has the figure -1: all must be above 0
    hint: `ledgerlab bench --json > FILE` writes a baseline
    ");
    insta::assert_snapshot!(against(&json!([row("pow-8000", 1.0, "s", 1.0)]).to_string()), @r"
    exit 4
    --- stdout
    --- stderr
    error: b.json: has none of the rows to be measured
    hint: `ledgerlab bench --json > FILE` writes a baseline
    ");
}

#[test]
fn a_baseline_error_is_a_json_document_with_json() {
    let dir = tempfile::tempdir().unwrap();
    let output = bench(dir.path(), &["--json", "--against", "."]);
    let document: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((output.status.code(), &document["error"]["code"]), (Some(4), &json!(4)));
    assert!(output.stderr.is_empty());
}

/// The baseline is out of reach, so the outcome does not depend on the machine.
#[test]
fn a_row_is_measured_printed_and_compared() {
    let dir = tempfile::tempdir().unwrap();
    let fast = json!([row("broadcast-100", 1e12, "deliveries/s", 1.0), row("pbft-1000", 1.0, "s", 1.0)]);
    std::fs::write(dir.path().join("b.json"), fast.to_string()).unwrap();
    let output = bench(dir.path(), &["broadcast-100", "--json", "--quiet", "--against", "b.json"]);
    let (rows, text): (Value, _) = (serde_json::from_slice(&output.stdout).unwrap(), shown(&output));
    assert_eq!(output.status.code(), Some(3), "{text}");
    assert_eq!(rows.as_array().map(Vec::len), Some(1));
    let mut keys: Vec<&str> = rows[0].as_object().unwrap().keys().map(String::as_str).collect();
    keys.sort_unstable();
    assert_eq!(keys, ["floor", "naive", "name", "reference", "unit", "value"]);
    assert_eq!((&rows[0]["name"], &rows[0]["unit"]), (&json!("broadcast-100"), &json!("deliveries/s")));
    assert!(rows[0]["value"].as_f64().unwrap() > 0.0 && rows[0]["reference"].as_f64().unwrap() > 0.0);
    assert!(
        text.contains("error: b.json: `broadcast-100` is 0.00 times as fast as it was, by ratio to reference"),
        "{text}"
    );
}
