//! Scenario files: those that cannot be read, and those that extend others.

use std::fs;
use std::path::Path;

use super::BASE;
use crate::scenario::{Experiment, ScenarioError};

struct Scratch(tempfile::TempDir);

impl Scratch {
    fn new(files: &[(&str, &[u8])]) -> Scratch {
        let dir = tempfile::tempdir().unwrap();
        for (name, content) in files {
            fs::write(dir.path().join(name), content).unwrap();
        }
        Scratch(dir)
    }

    fn load(&self, name: &str) -> Result<Experiment, ScenarioError> {
        Experiment::load(&self.0.path().join(name), &[])
    }

    /// The message, without the scratch folder's own path.
    fn message(&self, name: &str) -> String {
        let error = self.load(name).expect_err(name).to_string();
        error.replace(&format!("{}/", self.0.path().display()), "").replace(&self.0.path().display().to_string(), "DIR")
    }
}

#[test]
fn files_that_are_no_scenario() {
    let files = Scratch::new(&[
        ("empty.toml", b""),
        ("blank.toml", b" \n\n"),
        ("binary.toml", b"schema\0= 1"),
        ("latin1.toml", b"name = \"h\xf4pital\""),
        ("truncated.toml", &BASE.as_bytes()[..BASE.len() - 20]),
    ]);
    let names = ["missing.toml", "", "empty.toml", "blank.toml", "binary.toml", "latin1.toml", "truncated.toml"];
    let messages: Vec<String> = names.iter().map(|n| format!("# {n}\n{}\n", files.message(n))).collect();
    assert_messages!(messages.join("\n"));
}

#[test]
fn extending_merges_by_key_and_removes() {
    let child = "extends = \"base.toml\"\nremove = [\"workload.clinics\"]\n[run]\nseed = 9\n\
                 [workload.plain]\nkind = \"fixed\"\n";
    let files = Scratch::new(&[("base.toml", BASE.as_bytes()), ("child.toml", child.as_bytes())]);
    let s = files.load("child.toml").unwrap().points[0].scenario.clone();
    assert_eq!((s.seed, s.name.as_str(), s.organisations.len()), (9, "base", 8));
    assert_eq!(s.workloads.iter().map(|w| w.name.as_str()).collect::<Vec<_>>(), ["plain"]);
}

#[test]
fn extending_wrongly() {
    let files = Scratch::new(&[
        ("base.toml", BASE.replace("nodes = 8", "nodes = 0").as_bytes()),
        ("a.toml", b"extends = \"b.toml\"\n"),
        ("b.toml", b"extends = \"a.toml\"\n"),
        ("self.toml", b"extends = \"self.toml\"\n"),
        ("orphan.toml", b"extends = \"nowhere.toml\"\n"),
        ("child.toml", b"extends = \"base.toml\"\nremove = [\"workload.wards\"]\n"),
    ]);
    let names = ["a.toml", "self.toml", "orphan.toml", "child.toml"];
    let messages: Vec<String> = names.iter().map(|n| format!("# {n}\n{}\n", files.message(n))).collect();
    assert_messages!(messages.join("\n"));
}

#[test]
fn a_matrix_comes_from_a_file_beside_the_scenario_and_is_part_of_its_identity() {
    let text = BASE.replace("cloud-2025", "rtt.csv").replace("[\"us-east-1\", \"eu-west-1\"]", "[\"a\", \"b\"]");
    let files = Scratch::new(&[("s.toml", text.as_bytes()), ("rtt.csv", b"from \\ to,a,b\na,1,20\nb,20,1\n")]);
    let identity = |files: &Scratch| files.load("s.toml").unwrap().identity();
    let before = identity(&files);
    fs::write(files.0.path().join("rtt.csv"), "from \\ to,a,b\na,1,30\nb,20,1\n").unwrap();
    assert_ne!(before, identity(&files));
    fs::write(files.0.path().join("rtt.csv"), "from \\ to,a,b\na,1\n").unwrap();
    assert_messages!(files.message("s.toml"));
}

#[test]
fn a_file_without_a_name_is_named_after_itself() {
    let text = BASE.replace("name = \"base\"\n", "");
    let files = Scratch::new(&[("clinic.toml", text.as_bytes())]);
    assert_eq!(files.load("clinic.toml").unwrap().name, "clinic");
    assert!(Experiment::load(Path::new("/nowhere/x.toml"), &[]).is_err());
}

#[cfg(target_os = "linux")]
#[test]
fn a_file_without_an_end_is_not_read_to_it() {
    let error = Experiment::load(Path::new("/dev/zero"), &[]).unwrap_err().to_string();
    assert!(error.contains("too large for a scenario"), "{error}");
}
