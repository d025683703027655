//! The rules of the house, read from the manifests and sources of all crates: who may depend on whom, where unsafe
//! code and threads may be, and what every file looks like. It lives here because this crate builds quickly.

use std::fs;
use std::path::{Path, PathBuf};

/// Small crates that any crate may use.
const LIGHT: &[&str] = &["blake3", "libm", "serde", "serde_json", "sha2", "thiserror", "toml"];
/// Crates for tests only, in any crate's dev-dependencies.
const FOR_TESTS: &[&str] = &["insta", "peak_alloc", "proptest", "tempfile"];
/// The longest file, lines.
const LONGEST: usize = 400;

/// A row of the table: a crate's folder, the crates of this workspace that it may use, and the heavy crates that
/// only it and the others that list them may use.
struct Row {
    folder: &'static str,
    house: &'static [&'static str],
    heavy: &'static [&'static str],
}

const fn row(folder: &'static str, house: &'static [&'static str], heavy: &'static [&'static str]) -> Row {
    Row { folder, house, heavy }
}

const TABLE: &[Row] = &[
    row("consensus", &[], &[]),
    row("workloads", &[], &["rand", "rand_chacha"]),
    row("sim", &["consensus", "workloads"], &["rand", "rand_chacha", "hdrhistogram", "rayon"]),
    row("store", &["consensus", "sim"], &["redb", "fjall", "reed-solomon-simd", "aes-gcm", "object_store", "tokio"]),
    row("cluster", &["consensus", "workloads", "sim", "store"], &["tokio"]),
    row("reports", &["workloads", "sim"], &["polars", "plotters"]),
    row("benches", &["consensus", "workloads", "sim", "store"], &["criterion", "rustix", "simcore"]),
    row("cli", &["consensus", "workloads", "sim", "store", "cluster", "reports", "benches"], &["clap", "signal-hook"]),
];

/// Crates whose results must not depend on the machine.
const DETERMINISTIC: &[&str] = &["consensus", "workloads", "sim"];
/// The only places of sim that may start threads.
const THREADS: &[&str] = &["sim/src/experiment", "sim/src/kernel/parallel"];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the workspace is above").to_path_buf()
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

fn manifest(path: &Path) -> toml::Table {
    read(path).parse().unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

fn members() -> Vec<String> {
    let workspace = manifest(&root().join("Cargo.toml"));
    let list = workspace["workspace"]["members"].as_array().expect("a list of members");
    list.iter().map(|m| m.as_str().expect("a folder").to_owned()).collect()
}

/// Every Rust file of a crate, sorted, with its path from the root.
fn sources(folder: &str) -> Vec<(String, String)> {
    let mut found = vec![];
    for part in ["src", "tests", "benches", "examples"] {
        collect(&root().join(folder).join(part), &mut found);
    }
    assert!(!found.is_empty(), "{folder} has no sources");
    found.sort();
    let name = |p: &PathBuf| p.strip_prefix(root()).expect("inside").to_string_lossy().replace('\\', "/");
    found.iter().map(|p| (name(p), read(p))).collect()
}

fn collect(dir: &Path, found: &mut Vec<PathBuf>) {
    let Ok(entries) = fs::read_dir(dir) else { return };
    for entry in entries {
        let path = entry.expect("a readable entry").path();
        if path.is_dir() {
            collect(&path, found);
        } else if path.extension().is_some_and(|e| e == "rs") {
            found.push(path);
        }
    }
}

/// Dependencies of a manifest that its row does not allow.
fn strangers(manifest: &toml::Table, row: &Row) -> Vec<String> {
    let mut found = vec![];
    for section in ["dependencies", "dev-dependencies", "build-dependencies"] {
        let Some(list) = manifest.get(section).and_then(toml::Value::as_table) else { continue };
        for name in list.keys() {
            let own = name.strip_prefix("ledgerlab-").is_some_and(|n| row.house.contains(&n));
            let listed = LIGHT.contains(&name.as_str()) || row.heavy.contains(&name.as_str());
            let test = section == "dev-dependencies" && FOR_TESTS.contains(&name.as_str());
            if !own && !listed && !test {
                found.push(format!("{}: {name} in [{section}]", row.folder));
            }
        }
    }
    found
}

/// What is wrong with a file's looks.
fn untidy(name: &str, text: &str) -> Vec<String> {
    let mut found = vec![];
    let opening = text.lines().find(|l| !l.starts_with("#![") && !l.trim().is_empty());
    if !opening.is_some_and(|l| l.starts_with("//! ")) {
        found.push(format!("{name}: does not open with `//!`"));
    }
    let lines = text.lines().count();
    if lines > LONGEST {
        found.push(format!("{name}: {lines} lines, at most {LONGEST} are allowed"));
    }
    if let Some(c) = text.chars().find(|c| invisible(*c)) {
        found.push(format!("{name}: has the control character U+{:04X}", c as u32));
    }
    if name.ends_with("/mod.rs") {
        found.push(format!("{name}: name it after its folder instead"));
    }
    found
}

/// Controls other than the line feed, and characters that reorder or hide text.
fn invisible(c: char) -> bool {
    (c.is_control() && c != '\n')
        || matches!(c, '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2060}'..='\u{2069}' | '\u{FEFF}')
}

/// A file of a deterministic crate that lifts a ban or starts threads where it must not.
fn undeterministic(name: &str, text: &str) -> Option<String> {
    let test = name.contains("/tests/") || name.ends_with("tests.rs") || name.contains("/benches/");
    if test || THREADS.iter().any(|t| name.starts_with(t)) {
        return None;
    }
    let banned = ["clippy::disallowed_", "clippy::iter_over_hash_type", "rayon::"];
    banned.iter().find(|b| text.contains(**b)).map(|b| format!("{name}: has `{b}`"))
}

fn assert_none(found: &[String]) {
    assert!(found.is_empty(), "the house has rules:\n{}", found.join("\n"));
}

#[test]
fn crates_use_only_what_the_table_allows() {
    let mut found = vec![];
    for folder in members() {
        let row = TABLE.iter().find(|r| r.folder == folder);
        let row = row.unwrap_or_else(|| panic!("{folder} is not in the table"));
        found.extend(strangers(&manifest(&root().join(&folder).join("Cargo.toml")), row));
    }
    assert_none(&found);
}

#[test]
fn every_crate_takes_the_lints_of_the_workspace() {
    for folder in members() {
        let m = manifest(&root().join(&folder).join("Cargo.toml"));
        let lints = m.get("lints").and_then(|l| l.get("workspace")).and_then(toml::Value::as_bool);
        assert_eq!(lints, Some(true), "{folder}/Cargo.toml needs `[lints] workspace = true`");
        let own = root().join(&folder).join("clippy.toml").exists();
        assert!(!own || !DETERMINISTIC.contains(&folder.as_str()), "{folder}/clippy.toml would replace the bans");
    }
}

#[test]
fn unsafe_code_is_forbidden_outside_the_kernel() {
    let mut found = vec![];
    for folder in members() {
        let files = sources(&folder);
        let head = files.iter().find(|f| f.0.ends_with("src/lib.rs") || f.0.ends_with("src/main.rs"));
        let rule = if folder == "sim" { "#![deny(unsafe_code)]" } else { "#![forbid(unsafe_code)]" };
        let (name, text) = head.unwrap_or_else(|| panic!("{folder} has no lib.rs or main.rs"));
        if !text.lines().any(|l| l == rule) {
            found.push(format!("{name}: needs `{rule}`"));
        }
        let allowed = |f: &&(String, String)| f.0.starts_with("sim/src/kernel") || f.0 == "sim/tests/house.rs";
        let lifted = files.iter().filter(|f| !allowed(f) && f.1.contains("allow(unsafe_code)"));
        found.extend(lifted.map(|f| format!("{}: allows unsafe code", f.0)));
    }
    assert_none(&found);
}

#[test]
fn files_are_documented_short_and_plain() {
    let files = members().into_iter().flat_map(|f| sources(&f));
    assert_none(&files.flat_map(|(name, text)| untidy(&name, &text)).collect::<Vec<_>>());
}

#[test]
fn bans_hold_in_the_deterministic_crates() {
    let files = members().into_iter().filter(|m| DETERMINISTIC.contains(&m.as_str())).flat_map(|f| sources(&f));
    assert_none(&files.filter_map(|(name, text)| undeterministic(&name, &text)).collect::<Vec<_>>());
}

#[test]
fn the_rules_notice_what_they_are_for() {
    let m = "[dependencies]\nserde = \"1\"\nrand = \"1\"\nledgerlab-sim = \"1\"\n[dev-dependencies]\ntempfile = \"1\"";
    let found = strangers(&m.parse().expect("a table"), &TABLE[0]);
    assert_eq!(found, ["consensus: ledgerlab-sim in [dependencies]", "consensus: rand in [dependencies]"]);
    let m = "[dependencies]\ninsta = \"1\"\nledgerlab = \"1\"";
    assert_eq!(strangers(&m.parse().expect("a table"), &TABLE[7]).len(), 2);

    assert!(untidy("a/src/b.rs", "#![forbid(unsafe_code)]\n\n//! Good.\n").is_empty());
    assert_eq!(untidy("a/src/b.rs", "fn main() {}\n").len(), 1);
    assert_eq!(untidy("a/src/b.rs", &format!("//! Long.\n{}", "\n".repeat(LONGEST))).len(), 1);
    assert_eq!(untidy("a/src/mod.rs", "//! Named badly.\n").len(), 1);
    assert_eq!(untidy("a/src/b.rs", "//! Reordered \u{202E}.\n").len(), 1);
    assert_eq!(untidy("a/src/b.rs", "//! Tab\t.\r\n").len(), 1);

    assert!(undeterministic("sim/src/node.rs", "use rayon::prelude;").is_some());
    assert!(undeterministic("sim/src/experiment.rs", "use rayon::prelude;").is_none());
    assert!(undeterministic("sim/src/node.rs", "#[allow(clippy::disallowed_types)]").is_some());
}
