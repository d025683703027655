//! Do PBFT and HotStuff outlive the crash of their leader at any moment, with jitter, load and fsync?
//!
//! Four nodes on four continents; the leader crashes at a time drawn from the seed and comes back later. Uplinks are
//! slow, so that many crashes cut a proposal off between two of its copies. Asserted for each seed: commits resume
//! within the protocol's bound, what a quorum was bound to is in the final chain, every check holds, the old leader
//! catches up. Over all seeds: enough of them changed views and caught up, else the battery would show nothing.

#[path = "common/world.rs"]
mod world;

use std::collections::BTreeMap;

use ledgerlab_consensus::bft::hotstuff::{HotStuff, message::VOTE};
use ledgerlab_consensus::bft::pbft::{COMMIT, Pbft};
use ledgerlab_consensus::types::mix64;
use ledgerlab_consensus::{Digest, NodeId, Protocol, Span, Statement, Time};
use ledgerlab_sim::network::Network;
use ledgerlab_sim::run::run_probed;
use ledgerlab_sim::scenario::Scenario;
use world::{Watch, scenario};

const NODES: u32 = 4;
const QUORUM: usize = 3;
/// The leader of the first view, of both protocols.
const LEADER: u32 = 0;
/// When the load ends.
const END: Time = Time(28_000_000_000);
/// The bound counts delays of the 99th percentile; five messages in a row may be later, and blocks take 20 ms of an
/// uplink for each copy.
const SLACK: Span = Span::millis(500);
/// Seeds of the battery.
const SEEDS: u64 = 200;

/// A crash of the leader, and what became of it.
struct Battle {
    scenario: Scenario,
    crash: Time,
    back: Time,
    watch: Watch,
}

fn battle(protocol: &str, seed: u64) -> Battle {
    let crash = 5_000_000_000 + mix64(seed * 2 + 1) % 5_000_000_000;
    // Half of the crashes are shorter than any timeout.
    let short = seed.is_multiple_of(2);
    let lasts = 100_000_000 + mix64(seed * 2 + 2) % if short { 1_500_000_000 } else { 9_000_000_000 };
    let text = format!(
        r#"
        schema = 1
        [run]
        warmup = "4 s"
        duration = "24 s"
        drain = "20 s"
        [consensus]
        protocol = "{protocol}"
        nodes = {NODES}
        block_period = "200 ms"
        [network]
        rtt = "cloud-2025"
        bandwidth = "10 Mbit/s"
        [mempool]
        dissemination = "leader-push"
        [workload.plain]
        kind = "fixed"
        hospitals = 8
        rate_tx_per_s = 60
        bytes = "2 kB"
        [fault.leader]
        kind = "crash"
        nodes = "{LEADER}"
        at = "{crash} ns"
        for = "{lasts} ns"
        "#
    );
    let scenario = scenario(&text);
    let mut watch = Watch::default();
    let record = run_probed(&scenario, seed, &mut watch);
    assert_eq!(record.verdict.word(), "ok", "seed {seed}: {}", record.verdict.text());
    assert_eq!(record.cohort.committed, record.cohort.created, "seed {seed}: {:?}", record.cohort);
    Battle { scenario, crash: Time(crash), back: Time(crash + lasts), watch }
}

impl Battle {
    /// From the crash until every other node holds a block for final that was proposed after it.
    fn silence(&self) -> Span {
        let roots: Vec<Digest> = self.watch.proposals.iter().filter(|p| p.0 > self.crash).map(|p| p.2).collect();
        let first_at = |node: u32| {
            let new = |a: &&world::Adopted| a.node == NodeId(node) && a.roots.iter().any(|r| roots.contains(r));
            let adopted = self.watch.adopted.iter().find(new).expect("a block after the crash");
            self.watch.final_at(node, adopted.height)
        };
        (0..NODES).filter(|n| *n != LEADER).map(first_at).max().expect("others").since(self.crash)
    }

    fn bound<P: Protocol>(&self, seed: u64) -> Span {
        let validators = self.scenario.validators();
        let config = P::configure(&self.scenario.settings, &validators);
        let delay = Network::new(&self.scenario, seed).latency().max_typical();
        P::recovery_bound(&config, &validators, delay).expect("a stated bound")
    }

    /// Whether anybody gave the leader up.
    fn changed_views(&self, kind: &str) -> bool {
        self.watch.sent.iter().any(|s| s.kind == kind && s.at > self.crash)
    }

    /// The old leader has everything that the others had two seconds before the end; whether it asked for it.
    fn caught_up(&self, seed: u64) -> bool {
        let behind = self.watch.height(LEADER, self.back);
        let others = (0..NODES).filter(|n| *n != LEADER);
        let height = others.map(|n| self.watch.height(n, Time(END.0 - 2_000_000_000))).max().expect("others");
        assert!(self.watch.height(LEADER, END) >= height, "seed {seed}: the old leader is behind height {height}");
        assert!(behind < height, "seed {seed}: nothing was committed without the leader");
        let asked = |s: &&world::Sent| matches!(s.kind, "request" | "state-request") && s.from == NodeId(LEADER);
        self.watch.sent.iter().filter(asked).any(|s| s.at >= self.back)
    }

    /// When a block was first final at any node.
    fn first_final(&self, block: Digest) -> Time {
        let holds = |a: &&world::Adopted| a.block == block;
        let times = self.watch.adopted.iter().filter(holds).map(|a| self.watch.final_at(a.node.0, a.height));
        times.min().unwrap_or(Time::NEVER)
    }

    /// Statements of a kind made before anybody gave the leader up, or before the crash, by place and value, with their authors.
    fn signed(&self, kind: u8) -> BTreeMap<(u64, Digest), Vec<NodeId>> {
        let given_up = |s: &&world::Sent| matches!(s.kind, "view-change" | "new-view");
        let until = self.watch.sent.iter().find(given_up).map_or(self.crash, |s| s.at);
        let mut by = BTreeMap::<_, Vec<NodeId>>::new();
        for (at, node, Statement { kind: k, major, value, .. }) in &self.watch.statements {
            if *k == kind && *at < until {
                by.entry((*major, *value)).or_default().push(*node);
            }
        }
        by
    }

    /// These blocks must be final in the end at everybody who stayed; how many of them were not at the crash.
    fn survive(&self, bound: &[Digest], seed: u64) -> usize {
        for b in bound {
            let known = self.watch.adopted.iter().find(|a| a.block == *b);
            let height =
                known.unwrap_or_else(|| panic!("seed {seed}: {b:?} is lost, but a quorum was bound to it")).height;
            for node in (0..NODES).filter(|n| *n != LEADER) {
                let own = self.watch.adopted.iter().find(|a| a.node == NodeId(node) && a.height == height);
                let copied = || self.watch.states.iter().any(|s| s.1 == NodeId(node) && s.2 >= height);
                let good = own.map_or_else(copied, |a| a.block == *b);
                assert!(
                    good,
                    "seed {seed}: node {node} has {own:?} at height {height}, where a quorum was bound to {b:?}"
                );
            }
        }
        bound.iter().filter(|b| self.first_final(**b) > self.crash + Span::secs(1)).count()
    }
}

/// PBFT: f + 1 replicas with a prepared certificate are in every quorum of view changes.
fn prepared(b: &Battle) -> Vec<Digest> {
    b.signed(COMMIT).into_iter().filter(|(_, by)| by.len() >= 2).map(|((_, block), _)| block).collect()
}

/// HotStuff: who votes two views later is locked on the block, if the views follow each other.
fn locked(b: &Battle) -> Vec<Digest> {
    let votes = b.signed(VOTE);
    // The leader's own vote for its proposal is not sent.
    let voted: BTreeMap<u64, Digest> =
        votes.into_iter().filter(|(_, by)| by.len() + 1 >= QUORUM).map(|((view, block), _)| (view, block)).collect();
    let locks = |v: u64| voted.contains_key(&(v + 1)) && voted.contains_key(&(v + 2));
    voted.iter().filter(|(v, _)| locks(**v)).map(|(_, block)| *block).collect()
}

fn battery<P: Protocol>(seeds: u64, change: &str, bound: fn(&Battle) -> Vec<Digest>) {
    let (mut changes, mut catch_ups, mut survivors, mut longest) = (0, 0, 0, Span::ZERO);
    for seed in 0..seeds {
        let b = battle(P::INFO.id, seed);
        let silence = b.silence();
        let most = b.bound::<P>(seed) + SLACK;
        assert!(silence <= most, "seed {seed}: commits resumed after {} of {} s", show(silence), show(most));
        longest = longest.max(silence);
        changes += u64::from(b.changed_views(change));
        catch_ups += u64::from(b.caught_up(seed));
        survivors += u64::from(b.survive(&bound(&b), seed) > 0);
    }
    println!(
        "{}: of {seeds} seeds {changes} changed views, {catch_ups} caught up, {survivors} carried a block over; \
         longest silence {} s",
        P::INFO.id,
        show(longest)
    );
    assert!(changes * 20 >= seeds, "only {changes} of {seeds} seeds changed views");
    assert!(catch_ups * 20 >= seeds, "only {catch_ups} of {seeds} seeds caught up");
    assert!(survivors > 0, "no seed carried an unfinished block over");
}

fn show(span: Span) -> f64 {
    span.as_secs_f64()
}

#[test]
fn pbft_outlives_its_leaders_crash() {
    battery::<Pbft>(SEEDS, "view-change", prepared);
}

#[test]
fn hotstuff_outlives_its_leaders_crash() {
    battery::<HotStuff>(SEEDS, "new-view", locked);
}
