//! From a tree to a validated scenario: reads every section, then checks what concerns several of them.

use std::path::Path;
use std::sync::Arc;

use ledgerlab_consensus::{KnobValue, Span};
use ledgerlab_workloads::{ArrivalMode, WorkloadSpec};

use crate::network::loss;
use crate::scenario::effective::Effective;
use crate::scenario::effort::Effort;
use crate::scenario::model::{Organisation, Scenario};
use crate::scenario::plan::{MOST_TRANSACTIONS, Plan};
use crate::scenario::problem::{Flaw, Problem};
use crate::scenario::protocol::{self, Consensus};
use crate::scenario::quantity::{show_rough, show_span};
use crate::scenario::reader::{Reader, Sheet};
use crate::scenario::run::{self, Run};
use crate::scenario::tree::{Table, Value};
use crate::scenario::{fault, finality, mempool, network, node, organisation, plausible, storage, workload};
use crate::storage::StorageModel;

/// The version of the format that this crate reads.
pub(crate) const SCHEMA: u64 = 1;
/// Largest factor on all rates.
const MOST_LOAD: f64 = 1e9;
/// The default drain: so many times the expected finality, but at most so many times the window.
const DRAIN_PER_FINALITY: u64 = 20;
const DRAIN_PER_DURATION: u64 = 10;

/// The scenario in `table`, or everything that is wrong with it.
pub(crate) fn build(file: &Arc<str>, folder: &Path, table: &Table) -> Result<Scenario, Vec<Problem>> {
    let mut sheet = Sheet::new(file.clone(), table);
    let stem = Path::new(&**file).file_stem().map_or_else(|| "scenario".into(), |s| s.to_string_lossy().into_owned());
    let scenario = sheet.read(|r| read(r, folder, &stem));
    match scenario {
        Some(scenario) if sheet.problems.is_empty() => {
            Ok(Scenario { effective: sheet.effective, warnings: sheet.warnings, ..scenario })
        }
        _ => Err(sheet.problems),
    }
}

fn read(r: &mut Reader<'_, '_>, folder: &Path, stem: &str) -> Option<Scenario> {
    schema(r);
    let load = r.number("load", 1.0, 1e-6..=MOST_LOAD);
    let run = r.section("run", |r| run::read(r, stem));
    let (consensus, nodes) = r.section("consensus", protocol::read);
    let mut network = r.section("network", |r| network::read(r, folder));
    let (node, cores) = r.section("node", node::read);
    let organisations = organisation::read(r, &organisation::Around { network: &network, cores, nodes });
    let facts = consensus.as_ref().map(|c| c.facts);
    let (mut mempool, client_timeout) = r.section("mempool", |r| mempool::read(r, facts.as_ref()));
    let workloads = workload::read(r, organisations.len());
    let storage = r.section("storage", storage::read);
    let faults = fault::read(r, &network.spec.regions, &organisations);
    let finality = r.section("finality", |r| finality::read(r, consensus.as_ref()));
    let slo = finality::read_slo(r);
    // The experiment reads the sweep.
    r.node("sweep");
    let consensus = consensus?;
    let nodes: u32 = organisations.iter().map(|o| o.validators).sum();
    if nodes == 0 {
        return None;
    }
    plausible::check_degree(r, network.degree, nodes);
    network.spec.degree = network.degree_for(consensus.facts.info.overlay, nodes);
    if !check_stake(r, &consensus, &organisations) {
        return None;
    }
    let delay = network.typical_delay();
    let step = delay + loss::mean_delay(network.spec.loss, delay) + node.disk.fsync;
    let expected = mempool.adapter
        + mempool.batch_delay
        + consensus.expected_finality(&organisations, finality.depth, step)
        + node.execution;
    mempool.client_timeout = client_timeout.unwrap_or_else(|| mempool::default_client_timeout(expected));
    let drain = run.drain.unwrap_or_else(|| default_drain(expected, run.duration));
    check_finality(r, &run, drain, expected);
    let length = run.warmup + run.duration + expected.min(drain);
    let plan =
        Plan { workloads: &workloads, load, start: run.start, warmup: run.warmup, duration: run.duration, length };
    plan.check(r);
    let answered = answered_writes(&workloads, expected, length);
    check_clients(r, &workloads, answered);
    plausible::check_transactions(r, &workloads, u64::from(consensus.settings.block_bytes));
    plausible::check_timeout(r, &consensus, &organisations, &network, node.disk.fsync);
    let planned = plan.expected();
    let effort = Effort {
        consensus: &consensus,
        organisations: &organisations,
        network: &network,
        mempool: &mempool,
        step,
        length,
        writes: planned.writes + answered,
        payload_bytes: planned.chain_bytes(StorageModel::new(&storage).inline()),
    };
    effort.check(r);
    fault::check_times(r, &faults, run.warmup + run.duration + drain);
    note_resolved(r, drain, network.spec.degree, mempool.client_timeout);
    Some(Scenario {
        name: run.name,
        seed: run.seed,
        replications: run.replications,
        start: run.start,
        duration: run.duration,
        warmup: run.warmup,
        drain,
        load,
        protocol: consensus.facts.info.id,
        settings: consensus.settings,
        organisations,
        network: network.spec,
        node,
        mempool,
        workloads,
        storage,
        faults,
        finality,
        slo,
        expected_finality: expected,
        warnings: Vec::new(),
        effective: Effective::default(),
    })
}

/// Defaults that are known only when everything else is read.
fn note_resolved(r: &mut Reader<'_, '_>, drain: Span, degree: u32, client_timeout: Span) {
    r.note_at(&["run", "drain"], show_span(drain));
    r.note_at(&["network", "degree"], degree);
    r.note_at(&["mempool", "client_timeout"], show_span(client_timeout));
}

fn schema(r: &mut Reader<'_, '_>) {
    let node = r.node("schema");
    let flaw = match node.map(|n| &n.value) {
        Some(Value::Whole(version)) if *version == i128::from(SCHEMA) => return r.note("schema", SCHEMA),
        Some(Value::Whole(_)) => Flaw::new("another version of the format"),
        Some(other) => Flaw::new(format!("{} where a whole number is expected", other.type_name())),
        None => Flaw::new("the version of the format is missing"),
    };
    r.report("schema", flaw.limit(format!("this program reads {SCHEMA}")).hint("write schema = 1 at the top"));
}

/// A client keeps its state and a transaction under way, together about 400 bytes.
const MOST_CLIENTS: u64 = 1_000_000;

/// Most transactions of the closed loops: each client waits for its answer and thinks.
fn answered_writes(workloads: &[WorkloadSpec], expected: Span, length: Span) -> f64 {
    let of = |w: &WorkloadSpec| match w.arrival {
        ArrivalMode::Open => 0.0,
        ArrivalMode::Closed { clients, think_ns } => {
            let each_s = (expected + Span(think_ns)).as_secs_f64().max(1e-3);
            f64::from(clients) * (length.as_secs_f64() / each_s + 1.0)
        }
    };
    workloads.iter().map(of).sum()
}

/// Closed loops are bounded by what a system without queues answers, and by their clients.
fn check_clients(r: &mut Reader<'_, '_>, workloads: &[WorkloadSpec], writes: f64) {
    let clients = |w: &WorkloadSpec| if let ArrivalMode::Closed { clients, .. } = w.arrival { clients } else { 0 };
    let all: u64 = workloads.iter().map(|w| u64::from(clients(w))).sum();
    let Some(largest) = workloads.iter().max_by_key(|w| clients(w)).filter(|_| all > 0) else { return };
    let (what, limit) = match () {
        () if all > MOST_CLIENTS => {
            (format!("the closed loops have {all} clients"), format!("{MOST_CLIENTS} in a run"))
        }
        () if writes > MOST_TRANSACTIONS => (
            format!("the closed loops may submit about {writes:.0} transactions"),
            format!("{MOST_TRANSACTIONS:.0} in a run"),
        ),
        () => return,
    };
    let flaw = Flaw::new(what).limit(format!("at most {limit}"));
    let path = ["workload", largest.name.as_str(), "arrival"];
    r.report_at(&path, flaw.hint("ask for fewer clients, a longer think time, or a shorter run.duration"));
}

/// Protocols count in stake x time: the product of all stake and the longest setting must fit 64 bits.
fn check_stake(r: &mut Reader<'_, '_>, consensus: &Consensus, organisations: &[Organisation]) -> bool {
    let total: u128 = organisations.iter().map(|o| u128::from(o.validators) * u128::from(o.stake)).sum();
    let spans = consensus.settings.iter().map(|(_, value)| if let KnobValue::Span(s) = value { s.0 } else { 1 });
    let most = u128::from(u64::MAX / spans.max().unwrap_or(1).max(1));
    if total > most {
        let flaw = Flaw::new(format!("all stake together is {total}")).limit(format!("at most {most}"));
        r.report_at(&["organisation"], flaw.hint("only ratios count: use smaller numbers"));
    }
    total <= most
}

fn default_drain(expected: Span, duration: Span) -> Span {
    (expected * DRAIN_PER_FINALITY).min(duration * DRAIN_PER_DURATION)
}

/// Refuses a run in which nothing can become final.
fn check_finality(r: &mut Reader<'_, '_>, run: &Run, drain: Span, expected: Span) {
    if run.duration + drain >= expected {
        return;
    }
    let what = format!(
        "nothing can become final: duration + drain are {}, a transaction needs about {}",
        show_rough(run.duration + drain),
        show_rough(expected)
    );
    let shortest = match run.drain {
        Some(drain) => Span(expected.0 - drain.0),
        None => Span(expected.0.div_ceil(1 + DRAIN_PER_DURATION)),
    };
    // The expected time is a mean without load: a window that long has room for what takes longer.
    let roomy = match run.drain {
        Some(_) => shortest + expected,
        None => expected,
    };
    let [shortest, roomy] = [shortest, roomy].map(|span| show_span(round_up(span)));
    let flaw = Flaw::new(what).limit(format!("at least {shortest}"));
    r.report_at(&["run", "duration"], flaw.hint(format!("with room for what takes longer: duration = \"{roomy}\"")));
}

/// To whole seconds, below ten seconds to whole milliseconds.
fn round_up(span: Span) -> Span {
    let unit = if span < Span::secs(10) { Span::millis(1) } else { Span::secs(1) };
    Span(span.0.div_ceil(unit.0) * unit.0)
}
