//! Does the run digest change exactly when the run does, and is it the same wherever and however a run is made?
//!
//! Golden digests are those of scenarios/digests.txt, which release builds write: here debug builds must give them,
//! too. `scripts/digests.sh --write` replaces them, for changes that are meant to change results.

#[path = "common/flawed.rs"]
mod flawed;
#[path = "common/world.rs"]
mod world;

use std::fs;
use std::path::{Path, PathBuf};

use flawed::{Flaw, Flawed, Sound};
use ledgerlab_consensus::bft::pbft::Pbft;
use ledgerlab_consensus::{
    Claim, Cx, Effect, Env, Family, FaultBound, Finality, Gate, Knob, Lane, Message, NodeId, Protocol, ProtocolInfo,
    Records, Reply, Rotation, Settings, Span, Status, Time, Tip, Validators, wire,
};
use ledgerlab_sim::experiment::{Job, Workers, execute, gauges, jobs};
use ledgerlab_sim::probe::Blind;
use ledgerlab_sim::record::RunRecord;
use ledgerlab_sim::run::{Engine, replication_seed, run, run_on, run_probed, run_protocol};
use ledgerlab_sim::scenario::{Experiment, Scenario};
use world::{Watch, scenario, scenario_with};

const WORLD: &str = r#"
    schema = 1
    [run]
    warmup = "1 s"
    duration = "9 s"
    [consensus]
    protocol = "pbft"
    nodes = 4
    block_period = "200 ms"
    [network]
    rtt = "cloud-2025"
    [workload.plain]
    kind = "fixed"
    hospitals = 4
"#;

fn digest(s: &Scenario, seed: u64) -> String {
    run(s, seed).digest
}

/// The scenario of a text beside a matrix of round trips called `rtt.csv`.
fn with_matrix(text: &str, matrix: &str) -> Scenario {
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("rtt.csv"), matrix).expect("written");
    fs::write(folder.path().join("test.toml"), text).expect("written");
    let mut points = Experiment::load(&folder.path().join("test.toml"), &[]).unwrap_or_else(|e| panic!("{e}")).points;
    points.remove(0).scenario
}

#[test]
fn it_changes_when_one_delivery_moves_by_a_nanosecond() {
    // A server, one follower, one transaction at the server: one message in the whole run.
    let text = r#"
        schema = 1
        [run]
        warmup = "1 s"
        duration = "9 s"
        [consensus]
        protocol = "central"
        nodes = 2
        [network]
        rtt = "rtt.csv"
        [workload.plain]
        kind = "fixed"
        hospitals = 1
        rate_tx_per_s = 0.1
        spacing = "constant"
    "#;
    let of = |to_south: &str| {
        let mut watch = Watch::default();
        let s = with_matrix(text, &format!("from \\ to, north, south\nnorth, 1, {to_south}\nsouth, 40, 1\n"));
        let record = run_probed(&s, 1, &mut watch);
        assert_eq!((watch.sent.len(), watch.adopted.len()), (1, 2), "{:?}", record.verdict);
        (watch.adopted[1].at, record.digest)
    };
    let ((early, a), (late, b)) = (of("40"), of("40.000002"));
    assert_eq!(late.0, early.0 + 1, "half of two nanoseconds more there and back");
    assert_ne!(a, b);
    assert_eq!(of("40"), (early, a));
}

/// Nodes 1 and 2 each send node 0 the same message once.
struct Pings(NodeId);

#[derive(Clone, PartialEq, Eq, Debug)]
struct Ping {
    number: u64,
}

wire!(struct Ping { number });

impl Message for Ping {
    fn kind(&self) -> &'static str {
        "ping"
    }
    fn claims(&self, _: &mut dyn FnMut(Claim<'_>)) {}
}

impl Protocol for Pings {
    const INFO: ProtocolInfo = ProtocolInfo {
        id: "pings",
        name: "Pings",
        paper: "none",
        family: Family::None,
        faults: FaultBound::Server,
        quorum: "none",
        finality: Finality::Deterministic,
        delays: None,
        messages: None,
        reply: Reply::OwnNode,
        rotation: Rotation::Anybody,
        exclusive: &[],
        overlay: false,
    };
    const TIMERS: usize = 1;
    const KNOBS: &'static [Knob] = &[];
    type Config = ();
    type Message = Ping;
    type Record = Ping;
    type Timer = ();
    fn configure(_: &Settings, _: &Validators) {}
    fn open(env: Env, (): &(), _: Records<'_, Ping>, _: Tip) -> Self {
        Pings(env.me)
    }
    fn expected_finality((): &(), delay: Span) -> Span {
        delay
    }
    fn on_start(&mut self, cx: &mut Cx<'_, Self>) {
        if self.0.0 > 0 {
            cx.send(NodeId(0), Lane::Vote, Gate::Now, Ping { number: 7 });
        }
    }
    fn on_message(&mut self, _: NodeId, _: &Ping, _: &mut Cx<'_, Self>) {}
    fn status(&self) -> Status {
        Status::default()
    }
}

#[test]
fn it_changes_when_two_events_of_a_node_swap() {
    let text = r#"
        schema = 1
        [run]
        warmup = "1 s"
        duration = "4 s"
        [consensus]
        protocol = "central"
        nodes = 3
        [network]
        rtt = "rtt.csv"
        regions = ["a", "b", "c"]
        [workload.plain]
        kind = "fixed"
        rate_tx_per_s = 0.001
    "#;
    let of = |b: u32, c: u32| {
        let s = with_matrix(text, &format!("from \\ to, a, b, c\na, 1, 9, 9\nb, {b}, 1, 9\nc, {c}, 9, 1\n"));
        run_protocol::<Pings>(&s, 1, &mut Blind).digest
    };
    // The same messages at the same two times, only from the other sender first.
    assert_ne!(of(20, 40), of(40, 20));
    assert_eq!(of(20, 40), of(20, 40));
}

/// Node 2 does not say that height 10 is final.
struct Silent(bool);

impl Flaw for Silent {
    type Inner = Pbft;
    fn new(me: NodeId) -> Self {
        Silent(me == NodeId(2))
    }
    fn alter(&mut self, _: Time, effect: Effect<Pbft>, out: &mut Vec<Effect<Pbft>>) {
        if !(self.0 && matches!(effect, Effect::Finalize { height: 10, .. })) {
            out.push(effect);
        }
    }
}

#[test]
fn it_changes_when_one_commit_is_dropped() {
    let s = scenario(WORLD);
    let (mut all, mut most) = (Watch::default(), Watch::default());
    let whole = run_protocol::<Flawed<Sound<Pbft>>>(&s, 1, &mut all);
    let dropped = run_protocol::<Flawed<Silent>>(&s, 1, &mut most);
    // Clients hear of it with the next block; beside their replies, the same messages leave.
    let counts = |w: &Watch| {
        let mut kinds: Vec<&str> = w.sent.iter().map(|s| s.kind).filter(|k| !k.starts_with("reply")).collect();
        kinds.sort_unstable();
        kinds
    };
    let same = counts(&all) == counts(&most);
    assert_eq!((all.finals.len() - 1, same), (most.finals.len(), true), "one commit less, nothing else");
    assert_ne!(whole.digest, dropped.digest);
}

#[test]
fn it_changes_with_the_seed_and_with_what_is_run_but_not_with_the_name() {
    let s = scenario(WORLD);
    let own = digest(&s, 1);
    assert_eq!(digest(&s, 1), own);
    assert_ne!(digest(&s, 2), own);
    assert_eq!(digest(&scenario_with(WORLD, &["run.name=another name"]), 1), own);
    for other in ["load=1.01", "node.fsync=301 us", "consensus.block_period=201 ms", "network.order=any"] {
        assert_ne!(digest(&scenario_with(WORLD, &[other]), 1), own, "{other}");
    }
}

#[test]
fn it_does_not_change_with_the_folder() {
    let digests: Vec<String> = ["one", "two"]
        .iter()
        .map(|name| {
            let folder = tempfile::tempdir().expect("a folder");
            let file = folder.path().join(name).with_extension("toml");
            fs::write(&file, WORLD).expect("written");
            let points = Experiment::load(&file, &[]).unwrap_or_else(|e| panic!("{e}")).points;
            assert_eq!(points[0].scenario.name, *name);
            digest(&points[0].scenario, 1)
        })
        .collect();
    assert_eq!(digests[0], digests[1]);
}

/// Digests of all points and replications, in order.
fn digests(experiment: &Experiment, threads: usize) -> Vec<String> {
    let points: Vec<&Scenario> = experiment.points.iter().map(|p| &p.scenario).collect();
    let jobs = jobs(&points);
    let done = |_: &RunRecord| Ok::<(), ()>(());
    let records = execute(&points, &jobs, Workers::jobs(threads), &gauges(&jobs), &done).expect("threads");
    let records = records.expect("no error");
    for r in &records {
        assert!(!r.verdict.failed(), "point {}, replication {}: {}", r.point, r.replication, r.verdict.text());
    }
    records.into_iter().map(|r| r.digest).collect()
}

#[test]
fn it_does_not_change_with_the_number_of_threads() {
    let text = format!("{WORLD}\n[sweep]\naxes = {{ \"consensus.protocol\" = [\"pbft\", \"hotstuff\"] }}");
    let overrides = ["run.replications=3".to_owned()];
    let experiment = Experiment::from_text("test.toml", &text, &overrides).unwrap_or_else(|e| panic!("{e}"));
    let one = digests(&experiment, 1);
    assert_eq!(one.len(), 6);
    assert!((1..6).all(|i| !one[..i].contains(&one[i])), "every run has its own: {one:?}");
    for threads in [2, 4] {
        assert_eq!(digests(&experiment, threads), one, "{threads} threads");
    }
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the workspace is above").to_path_buf()
}

fn shipped(name: &str) -> Experiment {
    let file = root().join("scenarios").join(name);
    Experiment::load(&file, &[]).unwrap_or_else(|e| panic!("{e}"))
}

/// The golden digests of a shipped scenario, in order of its runs.
fn golden(name: &str) -> Vec<String> {
    let text = fs::read_to_string(root().join("scenarios/digests.txt")).expect("scenarios/digests.txt can be read");
    let rows = text.lines().map(|l| l.split(' ').collect::<Vec<_>>());
    let own = rows.filter(|r| r.first().is_some_and(|f| f.ends_with(&format!("/{name}"))));
    let own: Vec<String> = own.map(|r| r[2].to_owned()).collect();
    assert!(!own.is_empty(), "scenarios/digests.txt has no {name}: scripts/digests.sh --write makes it");
    own
}

#[test]
fn debug_builds_give_the_golden_digests_of_ci_small() {
    assert_eq!(digests(&shipped("ci-small.toml"), 2), golden("ci-small.toml"));
}

/// The fast engine on so many threads, which share every window.
fn shared(count: usize) -> Engine {
    Engine::Threads { count, least: 1 }
}

/// Digests of all points and replications on one engine.
fn digests_on(engine: Engine, experiment: &Experiment) -> Vec<String> {
    records_on(engine, experiment).into_iter().map(|r| r.digest).collect()
}

fn records_on(engine: Engine, experiment: &Experiment) -> Vec<RunRecord> {
    let points: Vec<&Scenario> = experiment.points.iter().map(|p| &p.scenario).collect();
    let of = |job: &Job| {
        let s = points[job.point as usize];
        run_on(engine, s, replication_seed(s.seed, job.replication), &mut Blind)
    };
    jobs(&points).iter().map(of).collect()
}

#[test]
fn the_reference_engines_give_the_same_digests() {
    for name in ["ci-small.toml", "nastiest.toml"] {
        for engine in [Engine::Reference, Engine::Naive, shared(2), shared(3)] {
            assert_eq!(digests_on(engine, &shipped(name)), golden(name), "{name}, {engine:?}");
        }
    }
}

/// All-to-all votes, which make crowded windows; gossip over an overlay, and a star.
const CROWD: &str = r#"
    schema = 1
    run = { warmup = "1 s", duration = "3 s" }
    consensus = { protocol = "pbft", nodes = 100, block_period = "500 ms", nakamoto.interval = "1 s" }
    finality.rule = "risk:0.1/1e-1"
    network = { rtt = "cloud-2025", regions = ["us-east-1", "eu-west-1", "ap-south-1"], degree = 6 }
    workload.plain = { kind = "fixed", rate_tx_per_s = 200 }
    fault.crash = { kind = "crash", nodes = "3,50", at = "2 s", for = "1 s" }
    sweep.axes = { "consensus.protocol" = ["pbft", "nakamoto", "hotstuff"] }
"#;

#[test]
fn records_do_not_change_with_the_threads_that_share_a_run() {
    let experiment = Experiment::from_text("test.toml", CROWD, &[]).unwrap_or_else(|e| panic!("{e}"));
    for point in &experiment.points {
        let on = |engine| run_on(engine, &point.scenario, 1, &mut Blind);
        let one = on(Engine::Fast);
        assert!(!one.verdict.failed(), "{:?}: {}", point.labels, one.verdict.text());
        let crowded = one.crowded * 2 > one.deliveries;
        let name = point.scenario.protocol;
        assert_eq!(crowded, name == "pbft", "{name}: {} of {}", one.crowded, one.deliveries);
        for engine in [Engine::Parts(2), Engine::Parts(7), Engine::on_threads(2), shared(3)] {
            let other = on(engine);
            assert!(other == one, "{:?}, {engine:?}: {} and {}", point.labels, other.digest, one.digest);
        }
        assert_eq!(on(Engine::Reference).digest, one.digest);
    }
}

#[test]
fn the_reference_engines_agree_whatever_shares_a_host() {
    let variants: [&[&str]; 9] = [
        &["node.cores=1"],
        &["node.cores=1", "node.signatures=ed25519", "network.priority=false"],
        &["node.cores=2", "node.signatures=ed25519", "mempool.dissemination=auto"],
        &["node.cores=3", "network.sharing=fair"],
        &["node.crypto.verify=0 s", "node.signatures=ed25519"],
        &["network.order=any", "network.bandwidth=20 Mbit/s"],
        &["storage.variant=inline", "node.signatures=ed25519"],
        &["node.handling=0 s", "node.fsync=0 s", "network.loopback=0 s"],
        &["network.rtt=constant:40 ms", "network.loss=0", "node.crypto.verify=0 s", "node.handling=0 s"],
    ];
    for set in variants {
        let mut set: Vec<String> = set.iter().map(|s| (*s).to_owned()).collect();
        set.push("run.replications=1".to_owned());
        let experiment =
            Experiment::load(&root().join("scenarios/nastiest.toml"), &set).unwrap_or_else(|e| panic!("{e}"));
        let fast = records_on(Engine::Fast, &experiment);
        // With a part for each host none can see what another one has done.
        for engine in [Engine::Parts(2), Engine::Parts(usize::MAX)] {
            assert!(records_on(engine, &experiment) == fast, "{set:?}, {engine:?}");
        }
        let fast: Vec<String> = fast.into_iter().map(|r| r.digest).collect();
        for engine in [Engine::Reference, Engine::Naive] {
            assert_eq!(digests_on(engine, &experiment), fast, "{set:?}, {engine:?}");
        }
    }
}

#[test]
fn the_nastiest_scenario_gives_its_golden_digests_twice() {
    let experiment = shipped("nastiest.toml");
    let once = digests(&experiment, 1);
    assert_eq!(digests(&experiment, 2), once);
    assert_eq!(once, golden("nastiest.toml"));
}
