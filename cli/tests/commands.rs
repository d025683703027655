//! The program as a user meets it: exit codes, what goes to which stream, and the messages.

use std::path::Path;
use std::process::{Command, Output};

/// Runs the program in `folder`.
fn ledgerlab(folder: &Path, args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_ledgerlab")).args(args).current_dir(folder).output().unwrap()
}

/// Exit code, standard output and standard error in one text.
fn shown(output: &Output) -> String {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let code = output.status.code().unwrap_or(-1);
    format!("exit {code}\n--- stdout\n{}--- stderr\n{}", text(&output.stdout), text(&output.stderr))
}

fn scratch() -> tempfile::TempDir {
    tempfile::tempdir().unwrap()
}

const SMALL: &str = "schema = 1\n[run]\nduration = \"10 s\"\n[consensus]\nprotocol = \"hotstuff\"\nnodes = 4\n\
                     [workload.plain]\nkind = \"fixed\"\n";

#[test]
fn init_writes_a_file_that_validates() {
    let dir = scratch();
    insta::assert_snapshot!(shown(&ledgerlab(dir.path(), &["init"])), @r"
    exit 0
    --- stdout
    --- stderr
    wrote scenario.toml
    hint: ledgerlab run scenario.toml
    ");
    insta::assert_snapshot!(shown(&ledgerlab(dir.path(), &["validate", "scenario.toml"])), @r"
    exit 0
    --- stdout
    scenario.toml: valid, 1 point, 3 runs
    --- stderr
    ");
}

#[test]
fn a_missing_scenario_is_wrong_usage_for_every_command() {
    let dir = scratch();
    for command in ["run", "validate", "verify"] {
        insta::allow_duplicates!(insta::assert_snapshot!(shown(&ledgerlab(dir.path(), &[command, "no.toml"])), @r"
        exit 2
        --- stdout
        --- stderr
        error: no.toml: there is no such file
        hint: `ledgerlab init` writes a scenario to start from
        "));
    }
}

#[test]
fn errors_are_one_json_document_on_stdout_with_json() {
    let dir = scratch();
    std::fs::write(dir.path().join("s.toml"), SMALL).unwrap();
    let output = ledgerlab(dir.path(), &["run", "s.toml", "--json", "--set", "consensus.nodes=0"]);
    assert_eq!(output.status.code(), Some(2));
    insta::assert_snapshot!(shown(&output), @r#"
    exit 2
    --- stdout
    {
      "error": {
        "code": 2,
        "hint": "4 nodes are the least that tolerate a fault",
        "key": "consensus.nodes",
        "limit": "at least 1 and at most 10000",
        "point": null,
        "value": "0",
        "what": "key `consensus.nodes` = 0: too small",
        "where": "--set"
      }
    }
    --- stderr
    "#);
}

#[test]
fn validate_checks_every_file_and_says_which_are_valid() {
    let dir = scratch();
    std::fs::write(dir.path().join("good.toml"), SMALL).unwrap();
    std::fs::write(dir.path().join("bad.toml"), SMALL.replace("nodes = 4", "nods = 4\nnodes = 4")).unwrap();
    let output = ledgerlab(dir.path(), &["validate", "bad.toml", "good.toml"]);
    insta::assert_snapshot!(shown(&output), @r"
    exit 2
    --- stdout
    good.toml: valid, 1 point, 1 run
    --- stderr
    error: bad.toml:6: key `consensus.nods` = 4: unknown key; valid here: protocol, preset, nodes, hotstuff, block_bytes, block_period, empty_blocks
    hint: did you mean `nodes`?
    ");
    let output = ledgerlab(dir.path(), &["validate", "--json", "bad.toml", "good.toml"]);
    let document: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((&document["files"][0]["valid"], &document["files"][1]["valid"]), (&false.into(), &true.into()));
    assert_eq!(document["error"]["code"], 2);
    assert_eq!(document["files"][1]["points"][0]["scenario"]["node"]["cores"], 8);
}

#[test]
fn validate_warns_of_what_hardly_means_what_it_says() {
    let dir = scratch();
    std::fs::write(dir.path().join("s.toml"), SMALL).unwrap();
    let slow = ["--set", "network.rtt=constant:60 ms", "--set", "consensus.hotstuff.timeout=20 ms"];
    let output = ledgerlab(dir.path(), &[&["validate", "s.toml"], &slow[..]].concat());
    insta::assert_snapshot!(shown(&output), @r#"
    exit 0
    --- stdout
    s.toml: valid, 1 point, 1 run
    --- stderr
    warning: --set: key `consensus.hotstuff.timeout` = "20 ms": every view fails until its timeout has grown: even the best placed leader is 61 ms from a quorum and back, with a record's way to disk each time; with the block period at least 61 ms
    hint: a usual timeout is ten times that; or shorten node.fsync or the network's latency
    "#);
    let output = ledgerlab(dir.path(), &["validate", "--json", "s.toml", "--set", "network.degree=9"]);
    let document: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(document["files"][0]["warnings"][0]["key"], "network.degree");
}

#[test]
fn threads_that_share_a_run_leave_the_same_result() {
    let dir = scratch();
    std::fs::write(dir.path().join("s.toml"), SMALL.replace("nodes = 4", "nodes = 40")).unwrap();
    let summary = |threads: &str| {
        let set = ["--set", "consensus.protocol=pbft", "--threads", threads, "--jobs", "1", "--quiet", "--json"];
        let output = ledgerlab(dir.path(), &[&["run", "s.toml", "--out", threads], &set[..]].concat());
        assert!(output.status.success(), "{}", shown(&output));
        let mut summary: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        summary["provenance"] = serde_json::Value::Null;
        summary
    };
    let one = summary("1");
    assert!(one["points"][0]["replications"][0]["digest"].is_string(), "{one:#}");
    assert_eq!(summary("2"), one);
    for wrong in ["0", "65", "x"] {
        assert_eq!(ledgerlab(dir.path(), &["run", "s.toml", "--threads", wrong]).status.code(), Some(2));
    }
}

#[test]
fn transactions_are_rows_of_a_table_and_change_nothing_else() {
    let dir = scratch();
    std::fs::write(dir.path().join("s.toml"), SMALL).unwrap();
    let run = |args: &[&str]| ledgerlab(dir.path(), &[&["run", "s.toml", "--quiet", "--out"], args].concat());
    assert_eq!(run(&["plain"]).status.code(), Some(0));
    assert_eq!(run(&["full", "--transactions", "--jobs", "1"]).status.code(), Some(0));
    let file = |folder: &str| dir.path().join(folder).join("transactions.parquet");
    assert!(file("full").is_file() && !file("plain").exists());
    let summary = |folder: &str| {
        let text = std::fs::read_to_string(dir.path().join(folder).join("summary.json")).unwrap();
        let mut json: serde_json::Value = serde_json::from_str(&text).unwrap();
        json.as_object_mut().unwrap().remove("provenance");
        json
    };
    assert_eq!(summary("full"), summary("plain"));
    // A result with them is replaced as any other.
    assert_eq!(run(&["full", "--force"]).status.code(), Some(0));
    assert!(!file("full").exists());
}

#[cfg(unix)]
#[test]
fn a_signal_leaves_a_run_that_resumes_and_the_next_run_says_so() {
    use std::io::{BufRead, BufReader};
    use std::process::Stdio;

    let dir = scratch();
    std::fs::write(dir.path().join("s.toml"), SMALL.replace("[run]", "[run]\nreplications = 200")).unwrap();
    for (signal, code, word) in [("TERM", 143, "terminated"), ("INT", 130, "interrupted")] {
        let out = format!("out-{signal}");
        let mut run = Command::new(env!("CARGO_BIN_EXE_ledgerlab"))
            .args(["run", "s.toml", "--jobs", "1", "--out", &out])
            .current_dir(dir.path())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(run.stderr.take().unwrap()).lines();
        assert!(lines.next().unwrap().unwrap().starts_with("1/200"));
        assert!(Command::new("kill").args(["-s", signal, &run.id().to_string()]).status().unwrap().success());
        let rest: Vec<String> = lines.map(Result::unwrap).filter(|line| !line.contains("/200")).collect();
        assert_eq!(run.wait().unwrap().code(), Some(code));
        assert_eq!(
            rest,
            [word.to_owned(), format!("hint: continue with ledgerlab run s.toml --jobs 1 --resume {out}")]
        );
        assert!(!dir.path().join(&out).exists() && dir.path().join(format!("{out}.partial")).is_dir());
    }
}

#[cfg(unix)]
#[test]
fn a_killed_run_is_mentioned_by_the_next_one() {
    use std::io::{BufRead, BufReader};
    use std::process::Stdio;

    let dir = scratch();
    std::fs::write(dir.path().join("s.toml"), SMALL.replace("[run]", "[run]\nreplications = 5")).unwrap();
    let mut run = Command::new(env!("CARGO_BIN_EXE_ledgerlab"))
        .args(["run", "s.toml", "--jobs", "1"])
        .current_dir(dir.path())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(run.stderr.take().unwrap()).lines();
    lines.next().unwrap().unwrap();
    run.kill().unwrap();
    run.wait().unwrap();
    let next = ledgerlab(dir.path(), &["run", "s.toml", "--jobs", "1"]);
    let text = shown(&next);
    let said: Vec<&str> = text.lines().filter(|l| l.starts_with("note:") || l.starts_with("hint:")).collect();
    assert_eq!(said.len(), 2, "{text}");
    let folder = said[1].split_whitespace().last().unwrap();
    assert!(folder.starts_with("results/s/") && said[0].contains(&format!("{folder}.partial")), "{text}");
    let resumed = ledgerlab(dir.path(), &["run", "s.toml", "--resume", folder]);
    assert_eq!(resumed.status.code(), Some(0), "{}", shown(&resumed));
    assert!(shown(&resumed).contains("of 5 runs are completed already"));
}

#[test]
fn wrong_usage_exits_2_and_help_0() {
    let dir = scratch();
    assert_eq!(ledgerlab(dir.path(), &["fly"]).status.code(), Some(2));
    assert_eq!(ledgerlab(dir.path(), &["run"]).status.code(), Some(2));
    assert_eq!(ledgerlab(dir.path(), &["run", "s.toml", "--jobs", "0"]).status.code(), Some(2));
    assert_eq!(ledgerlab(dir.path(), &["run", "s.toml", "--seed", "-1"]).status.code(), Some(2));
    let help = ledgerlab(dir.path(), &["--help"]);
    assert_eq!(help.status.code(), Some(0));
    assert!(String::from_utf8_lossy(&help.stdout).contains("Exit codes"));
    let json = ledgerlab(dir.path(), &["run", "--jsn", "--json"]);
    let document: serde_json::Value = serde_json::from_slice(&json.stdout).unwrap();
    assert_eq!(document["error"]["code"], 2);
}

#[test]
fn an_output_folder_that_holds_a_result_is_kept() {
    let dir = scratch();
    std::fs::write(dir.path().join("s.toml"), SMALL).unwrap();
    std::fs::create_dir(dir.path().join("out")).unwrap();
    std::fs::write(dir.path().join("out/summary.json"), "precious").unwrap();
    insta::assert_snapshot!(shown(&ledgerlab(dir.path(), &["run", "s.toml", "--out", "out"])), @r"
    exit 2
    --- stdout
    --- stderr
    error: out: the folder holds a result
    hint: --force replaces it, --out names another folder
    ");
    assert_eq!(std::fs::read_to_string(dir.path().join("out/summary.json")).unwrap(), "precious");
}

#[test]
fn an_output_folder_that_cannot_be_written_is_a_failed_run() {
    let dir = scratch();
    std::fs::write(dir.path().join("s.toml"), SMALL).unwrap();
    insta::assert_snapshot!(shown(&ledgerlab(dir.path(), &["run", "s.toml", "--out", "s.toml/out"])), @r"
    exit 1
    --- stdout
    --- stderr
    error: s.toml/out: cannot be written: s.toml is a file, not a folder
    hint: name another folder with --out
    ");
}

#[test]
fn a_point_without_transactions_fails_alone() {
    let dir = scratch();
    let rates = |list: &str| format!("{SMALL}[sweep]\naxes = {{ \"workload.plain.rate_tx_per_s\" = {list} }}\n");
    std::fs::write(dir.path().join("s.toml"), rates("[1e-6, 20]")).unwrap();
    let output = ledgerlab(dir.path(), &["run", "s.toml", "--out", "out", "--json"]);
    assert_eq!(output.status.code(), Some(8), "{}", shown(&output));
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    let reason = "nothing was submitted in the measured window in workload.plain.rate_tx_per_s = ";
    assert!(said.contains(&format!("error: s.toml: {reason}")), "{said}");
    let summary: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert!(summary["points"][0]["error"].as_str().unwrap().starts_with(reason));
    assert_eq!(summary["points"][0]["replications"].as_array().map(Vec::len), Some(0));
    assert!(summary["points"][1]["error"].is_null() && summary["points"][1]["cohort"]["committed"] != 0);
    assert!(dir.path().join("out/report.html").exists() && !dir.path().join("out.partial").exists());
    std::fs::write(dir.path().join("s.toml"), rates("[1e-6, 2e-6]")).unwrap();
    let output = ledgerlab(dir.path(), &["run", "s.toml", "--out", "none"]);
    assert_eq!(output.status.code(), Some(1), "{}", shown(&output));
    assert!(!dir.path().join("none").exists(), "no point has a result");
}

#[test]
fn list_names_everything_that_can_be_chosen() {
    let dir = scratch();
    let output = ledgerlab(dir.path(), &["list", "--json"]);
    let document: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let ids = |key: &str| -> Vec<String> {
        document[key].as_array().unwrap().iter().map(|p| p["id"].as_str().unwrap().to_owned()).collect()
    };
    for id in ["nakamoto", "praos", "pbft", "hotstuff", "central"] {
        assert!(ids("protocols").iter().any(|p| p == id), "{id}");
    }
    assert_eq!(ids("workloads"), ["ehr", "img", "iot", "fixed"]);
    assert_eq!(ids("storage"), ["inline", "hash-pointer", "object-store"]);
}

#[cfg(target_os = "linux")]
#[test]
fn a_standard_output_that_cannot_be_written_is_a_failure_and_a_closed_pipe_is_none() {
    use std::process::Stdio;

    let dir = scratch();
    std::fs::write(dir.path().join("s.toml"), SMALL).unwrap();
    let into = |args: &[&str], stdout: Stdio| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_ledgerlab"));
        command.args(args).current_dir(dir.path()).stdout(stdout).stderr(Stdio::piped());
        command.spawn().unwrap().wait_with_output().unwrap()
    };
    let calls: [&[&str]; 5] =
        [&["run", "s.toml"], &["run", "s.toml", "--json"], &["list"], &["validate", "s.toml", "--json"], &["--help"]];
    for args in calls {
        let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
        let output = into(args, full.into());
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(1), "{args:?}: {said}");
        assert!(said.contains("error: standard output: cannot be written: No space left on device"), "{said}");
    }
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let output = into(&["list"], writer.into());
    assert_eq!((output.status.code(), output.stderr), (Some(0), vec![]));
}

#[test]
fn a_wrong_call_names_the_argument_with_json_too() {
    let dir = scratch();
    let output = ledgerlab(dir.path(), &["run", "--json"]);
    let document: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert!(document["error"]["what"].as_str().unwrap().contains("<FILE>"), "{document}");
}

#[cfg(unix)]
#[test]
fn an_interrupted_run_leaves_a_json_document_where_one_is_promised() {
    use std::io::{BufRead, BufReader};
    use std::process::Stdio;

    let dir = scratch();
    std::fs::write(dir.path().join("s.toml"), SMALL.replace("[run]", "[run]\nreplications = 200")).unwrap();
    let mut run = Command::new(env!("CARGO_BIN_EXE_ledgerlab"))
        .args(["run", "s.toml", "--jobs", "1", "--out", "out", "--json"])
        .current_dir(dir.path())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(run.stderr.take().unwrap()).lines();
    lines.next().unwrap().unwrap();
    assert!(Command::new("kill").args(["-s", "TERM", &run.id().to_string()]).status().unwrap().success());
    lines.for_each(drop);
    let output = run.wait_with_output().unwrap();
    let document: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((output.status.code(), &document["error"]["code"]), (Some(143), &143.into()));
    assert_eq!(document["error"]["hint"], "continue with ledgerlab run s.toml --jobs 1 --json --resume out");
}
