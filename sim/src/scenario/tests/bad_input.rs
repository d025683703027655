//! Every way to write a scenario wrongly, with the message it gets.

use std::fmt::Write;

use super::{BASE, read};

/// What is replaced in the base, or appended to it where the first text is empty.
type Edit = (&'static str, &'static str, &'static str);

/// One message for each edit, under its name.
fn messages(edits: &[Edit]) -> String {
    let mut text = String::new();
    for (name, from, to) in edits {
        let edited = if from.is_empty() { format!("{BASE}{to}") } else { BASE.replace(from, to) };
        assert_ne!(edited, BASE, "{name} changes the text");
        let Err(error) = read(&edited, &[]) else { panic!("{name} is accepted") };
        assert!(error.problems.iter().all(|p| p.hint.is_some()), "{name}: a problem without a hint:\n{error}");
        writeln!(text, "# {name}\n{error}\n").unwrap();
    }
    text
}

#[test]
fn unknown_keys() {
    assert_messages!(messages(&[
        ("unknown key, near a valid one", "nodes = 8", "nods = 8"),
        ("beginning of a key", "hospitals = 4", "hospitals = 4\nbreak_glass = 5"),
        ("unknown key, near none", "", "temperature = 3\n"),
        ("unknown table", "", "[mempol]\nexpiry = \"1 s\"\n"),
        ("unknown setting of a protocol", "", "[consensus.hotstuff]\ntimeot = \"1 s\"\n"),
        ("unknown setting of a protocol that is not selected", "", "[consensus.nakamoto]\nintervall = \"1 s\"\n"),
        ("unknown protocol", "protocol = \"hotstuff\"", "protocol = \"hotstuf\""),
        ("unknown parameter of a workload", "hospitals = 4", "hospitals = 4\npeopel = 5"),
        ("unknown workload", "kind = \"ehr\"", "kind = \"her\""),
    ]));
}

#[test]
fn types_and_units() {
    assert_messages!(messages(&[
        ("time in bytes", "duration = \"60 s\"", "duration = \"60 MB\""),
        ("time without a unit", "duration = \"60 s\"", "duration = 60"),
        ("time as a bare string", "duration = \"60 s\"", "duration = \"60\""),
        ("time without a number", "duration = \"60 s\"", "duration = \"long\""),
        ("size in the wrong case", "nodes = 8", "nodes = 8\nblock_bytes = \"1 mb\""),
        ("rate in bytes", "rtt = \"cloud-2025\"", "bandwidth = \"1 GB/s\""),
        ("number as a string", "nodes = 8", "nodes = \"8\""),
        ("fraction of a node", "nodes = 8", "nodes = 8.5"),
        ("flag as a string", "rtt = \"cloud-2025\"", "priority = \"yes\""),
        ("value where a table is", "schema = 1", "schema = 1\nmempool = 3"),
        ("start at no time", "duration = \"60 s\"", "start = \"mondy 10:00\""),
        ("name with a slash", "name = \"base\"", "name = \"a/b\""),
        ("name of an unfinished run", "name = \"base\"", "name = \"base.partial\""),
        ("load as a word", "schema = 1", "schema = 1\nload = \"two\""),
    ]));
}

#[test]
fn limits() {
    assert_messages!(messages(&[
        ("zero nodes", "nodes = 8", "nodes = 0"),
        ("too many nodes", "nodes = 8", "nodes = 1000000"),
        ("one node too many", "nodes = 8", "nodes = 10001"),
        ("no nodes at all", "nodes = 8\n", ""),
        ("negative nodes", "nodes = 8", "nodes = -4"),
        ("share above 1", "rtt = \"cloud-2025\"", "rtt = \"cloud-2025\"\nloss = 1.5"),
        ("share below 0", "rtt = \"cloud-2025\"", "rtt = \"cloud-2025\"\nloss = -0.1"),
        ("share of nodes above 1", "", "[finality]\nnodes = \"1.2\"\n"),
        ("share of reads above 1", "hospitals = 4", "hospitals = 4\nremote_share = 2"),
        ("success rate above 1", "", "[slo]\nsuccess_rate = 99\n"),
        ("workload without hospitals", "hospitals = 4", ""),
        ("workload with zero hospitals", "hospitals = 4", "hospitals = 0"),
        ("no workload", "[workload.clinics]\nkind = \"ehr\"\nhospitals = 4\n", ""),
        ("negative rate", "hospitals = 4", "hospitals = 4\nencounters_per_day = -1"),
        ("negative multiplier", "hospitals = 4", "hospitals = 4\nmultiplier = -1"),
        ("rate that is not a number", "hospitals = 4", "hospitals = 4\nmultiplier = nan"),
        ("load that is not a number", "schema = 1", "schema = 1\nload = nan"),
        ("infinite load", "schema = 1", "schema = 1\nload = inf"),
        ("zero load", "schema = 1", "schema = 1\nload = 0"),
        ("zero bandwidth", "rtt = \"cloud-2025\"", "bandwidth = \"0 bit/s\""),
        ("negative time", "duration = \"60 s\"", "duration = \"-60 s\""),
        ("stake beyond 64 bits", "nodes = 8", "[organisation.rich]\ncount = 100\nstake = 1000000000000"),
        ("closed loop without clients", "hospitals = 4", "hospitals = 4\narrival = \"closed:0/1 s\""),
        ("more clients than fit", "hospitals = 4", "hospitals = 4\narrival = \"closed:5000000/0 s\""),
        ("more answers than fit", "hospitals = 4", "hospitals = 4\narrival = \"closed:500000/0 s\""),
        ("transaction larger than a block", "kind = \"ehr\"\nhospitals = 4", "kind = \"fixed\"\nbytes = \"2 MB\""),
        ("transaction smaller than its envelope", "kind = \"ehr\"\nhospitals = 4", "kind = \"fixed\"\nbytes = \"1 B\""),
        ("more transactions than fit", "hospitals = 4", "hospitals = 4\nmultiplier = 100_000_000"),
        (
            "a rate that plans more than fits",
            "kind = \"ehr\"\nhospitals = 4",
            "kind = \"fixed\"\nrate_tx_per_s = 1e9\nmultiplier = 2"
        ),
        (
            "a duration that plans more than fits",
            "schema = 1\n\n[run]\nname = \"base\"\nduration = \"60 s\"",
            "schema = 1\nload = 2000\n\n[run]\nname = \"base\"\nduration = \"3650 d\""
        ),
    ]));
}

#[test]
fn regions_and_organisations() {
    assert_messages!(messages(&[
        ("region that does not exist", "eu-west-1", "eu-wset-1"),
        ("region twice", "eu-west-1", "us-east-1"),
        ("no regions", "[\"us-east-1\", \"eu-west-1\"]", "[]"),
        ("unknown table of latencies", "cloud-2025", "cloud-2024"),
        ("matrix file that does not exist", "cloud-2025", "nowhere.csv"),
        ("organisation in an unknown region", "nodes = 8", "[organisation.north]\nregion = \"eu-west-2\""),
        ("nodes and organisations", "", "[organisation.north]\ncount = 4\n"),
        ("organisations without validators", "nodes = 8", "[organisation.north]\nvalidators = 0"),
    ]));
}

#[test]
fn faults_and_finality() {
    assert_messages!(messages(&[
        ("fault at a node that does not exist", "", "[fault.f]\nkind = \"crash\"\nnodes = \"6-8\"\nat = \"20 s\"\n"),
        ("fault in an unknown region", "", "[fault.f]\nkind = \"crash\"\nnodes = \"region:mars\"\nat = \"20 s\"\n"),
        ("region outage of nodes", "", "[fault.f]\nkind = \"region-outage\"\nnodes = \"3\"\nat = \"20 s\"\n"),
        (
            "fault after the end",
            "duration = \"60 s\"\n",
            "duration = \"60 s\"\ndrain = \"10 s\"\n[fault.f]\nkind = \"crash\"\nnodes = \"3\"\nat = \"2 d\"\n",
        ),
        ("fault without keys", "", "[fault.f]\n"),
        ("unknown rule", "", "[finality]\nrule = \"fast\"\n"),
        ("risk without an adversary", "", "[finality]\nrule = \"risk:1e-3\"\n"),
        ("risk with half the power", "", "[finality]\nrule = \"risk:0.5/1e-3\"\n"),
        (
            "window too short for Bitcoin",
            "duration = \"60 s\"\n\n[consensus]\nprotocol = \"hotstuff\"",
            "duration = \"60 s\"\n\n[consensus]\nprotocol = \"nakamoto\"",
        ),
        (
            "window too short with a drain",
            "duration = \"60 s\"\n\n[consensus]\nprotocol = \"hotstuff\"",
            "duration = \"60 s\"\ndrain = \"10 s\"\n\n[consensus]\nprotocol = \"nakamoto\"",
        ),
    ]));
}

#[test]
fn what_cannot_work() {
    let hotstuff = "protocol = \"hotstuff\"\nnodes = 8";
    assert_messages!(messages(&[
        (
            "more messages than anybody waits for",
            hotstuff,
            "protocol = \"pbft\"\nnodes = 10000\nempty_blocks = \"always\""
        ),
        (
            "no leader to push to",
            "protocol = \"hotstuff\"\nnodes = 8\n",
            "protocol = \"praos\"\npreset = \"consortium\"\nnodes = 8\n[mempool]\ndissemination = \"leader-push\"\n",
        ),
        ("expiry within the batch delay", "", "[mempool]\nexpiry = \"100 ms\"\n"),
        (
            "timeout that fails and does not grow",
            "",
            "[consensus.hotstuff]\ntimeout = \"50 ms\"\ntimeout_factor = 1.0\n"
        ),
    ]));
}

#[test]
fn sweeps() {
    assert_messages!(messages(&[
        ("axis that is no key", "", "[sweep]\naxes = { \"consensus.nods\" = [4, 7] }\n"),
        ("one bad point", "", "[sweep]\naxes = { \"consensus.nodes\" = [4, 0] }\n"),
        ("axis without values", "", "[sweep]\naxes = { \"consensus.nodes\" = [] }\n"),
        ("axis that is no list", "", "[sweep]\naxes = { \"consensus.nodes\" = 4 }\n"),
        ("value twice", "", "[sweep]\naxes = { \"consensus.nodes\" = [4, 4] }\n"),
        ("swept name", "", "[sweep]\naxes = { \"run.name\" = [\"a\", \"b\"] }\n"),
        ("axes left out", "", "[sweep]\n\"consensus.nodes\" = [4, 7]\n"),
        (
            "fault at a node that only some points have",
            "",
            "[fault.f]\nkind = \"crash\"\nnodes = \"6\"\nat = \"20 s\"\n[sweep]\naxes = { \"consensus.nodes\" = [4, 7] }\n",
        ),
    ]));
}

#[test]
fn the_format_itself() {
    assert_messages!(messages(&[
        ("no version", "schema = 1\n", ""),
        ("another version", "schema = 1", "schema = 2"),
        ("a version in quotes", "schema = 1", "schema = \"1\""),
        ("a key twice", "nodes = 8", "nodes = 8\nnodes = 9"),
        ("a table twice", "hospitals = 4\n", "hospitals = 4\n[run]\nseed = 3\n"),
        ("a string without quotes", "\"hotstuff\"", "hotstuff"),
        ("cut off in a table", "hospitals = 4\n", "hospitals = 4\n[workload.ima"),
        ("cut off in a string", "hospitals = 4\n", "hospitals = 4\narrival = \"ope"),
        ("remove without extends", "schema = 1", "schema = 1\nremove = [\"workload.clinics\"]"),
    ]));
}

#[test]
fn overrides_of_what_stands_in_files_only() {
    let sets = ["extends=other.toml", "remove=[\"workload.clinics\"]", "load=two"];
    let messages = sets.map(|set| format!("# --set {set}\n{}\n", read(BASE, &[set]).expect_err(set)));
    assert_messages!(messages.join("\n"));
}

#[test]
fn everything_wrong_is_said_at_once() {
    let text = BASE
        .replace("nodes = 8", "nodes = 0\nblock_byte = 1")
        .replace("60 s", "60 MB")
        .replace("eu-west-1", "nowhere")
        .replace("hospitals = 4", "hospitals = 0\nmultiplier = -1");
    let error = read(&text, &["load=nan", "node.fsync=fast", "nonsense"]).unwrap_err();
    assert_messages!(error.to_string());
}
