//! Fair links against their closed form in whole runs: a broadcast's copies leave together, or one after the other.

#[path = "physics/lab.rs"]
mod lab;
#[path = "common/world.rs"]
mod world;

use lab::{FREE, scenario};
use ledgerlab_consensus::{NodeId, Time};
use ledgerlab_sim::probe::Probe;
use ledgerlab_sim::run::run_probed;
use world::Watch;

/// A server ships a block of one large record a second to three others; nothing but links takes any time.
const SHIPPING: &str = r#"
[run]
warmup = "1 s"
duration = "10 s"
[consensus]
protocol = "central"
nodes = 4
block_bytes = "4 MB"
[network]
rtt = "constant:20 ms"
bandwidth = "100 Mbit/s"
[workload.load]
kind = "fixed"
hospitals = 1
bytes = "500 kB"
spacing = "constant"
rate_tx_per_s = 1
"#;

/// Everything that a watch sees, and how large the blocks are.
#[derive(Default)]
struct Sizes {
    watch: Watch,
    blocks: Vec<(Time, NodeId, u32)>,
}

impl Probe for Sizes {
    fn on_send(&mut self, at: Time, from: NodeId, to: NodeId, kind: &'static str, bytes: u32) {
        self.watch.on_send(at, from, to, kind, bytes);
        if bytes > 400_000 && from == NodeId(0) {
            self.blocks.push((at, to, bytes));
        }
    }
    fn on_adopt(
        &mut self,
        at: Time,
        node: NodeId,
        height: u64,
        block: ledgerlab_consensus::Digest,
        roots: &[ledgerlab_consensus::Digest],
    ) {
        self.watch.on_adopt(at, node, height, block, roots);
    }
}

/// For each block how much later than its sending each of the others has it, in copies' lengths.
fn lengths(keys: &[&str]) -> Vec<Vec<f64>> {
    let keys: Vec<&str> = FREE.iter().copied().chain(keys.iter().copied()).collect();
    let mut seen = Sizes::default();
    run_probed(&scenario(SHIPPING, &keys), 1, &mut seen);
    let mut list = vec![];
    for copies in seen.blocks.chunks(3) {
        let (sent, _, bytes) = copies[0];
        assert!(copies.len() == 3 && copies.iter().all(|c| c.0 == sent && c.2 == bytes), "a broadcast: {copies:?}");
        let took = f64::from(bytes) * 8.0 / 100e6;
        let mut after: Vec<f64> = copies
            .iter()
            .map(|(_, to, _)| {
                let adopted = seen.watch.adopted.iter().find(|a| a.node == *to && a.at > sent).expect("it arrives");
                (adopted.at.since(sent).as_secs_f64() - 0.010) / took
            })
            .collect();
        after.sort_by(f64::total_cmp);
        list.push(after);
    }
    assert!(list.len() >= 8, "{} blocks", list.len());
    list
}

fn assert_lengths(keys: &[&str], expected: [f64; 3]) {
    for after in lengths(keys) {
        let off = after.iter().zip(expected).map(|(a, e)| (a - e).abs()).fold(0.0, f64::max);
        assert!(off < 1e-6, "{keys:?}: {after:?} for {expected:?}");
    }
}

#[test]
fn copies_leave_one_after_the_other_or_all_at_the_end() {
    assert_lengths(&["network.sharing=fifo"], [1.0, 2.0, 3.0]);
    assert_lengths(&["network.sharing=fair"], [3.0, 3.0, 3.0]);
}
