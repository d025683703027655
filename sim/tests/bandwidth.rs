//! What links carry: never more than their rate, and all of it where the protocol lets them.

#[path = "physics/lab.rs"]
mod lab;

use lab::{FREE, check, record, scenario};

const LEADER: &str = r#"
[run]
warmup = "3 s"
duration = "20 s"
drain = "0 s"
[consensus]
protocol = "pbft"
nodes = 4
block_bytes = "1 MB"
[consensus.hotstuff]
term = 0
[network]
rtt = "constant:2 ms"
bandwidth = "1 Gbit/s"
[workload.load]
kind = "fixed"
bytes = "512 B"
spacing = "constant"
"#;

/// Committed tx/s as a share of B / ((n - 1) * bytes), the most that a leader's uplink lets pass.
fn share_of_leader_bound(protocol: &str, n: u32, sharing: &str) {
    let bound = 1e9 / (f64::from(n - 1) * 512.0 * 8.0);
    let mut keys: Vec<String> = FREE.iter().map(|k| (*k).to_owned()).collect();
    keys.push(format!("consensus.protocol={protocol}"));
    keys.push(format!("consensus.nodes={n}"));
    keys.push(format!("network.sharing={sharing}"));
    keys.push(format!("workload.load.hospitals={n}"));
    keys.push(format!("workload.load.rate_tx_per_s={}", 1.15 * bound));
    let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
    let r = record(&scenario(LEADER, &keys), 1);
    let (share, edge) = (r.rates.throughput_tx_per_s / bound, 1e6 / 512.0 / 20.0 / bound);
    // A block that is under way at either end of the window may count as a whole.
    assert!(share >= 0.97 && share <= 1.0 + edge, "{protocol}, {n} nodes: {share} of {bound} tx/s");
    // The pipe is full: what a quorum's answers take, the last f copies of a block fill. 2 ms at f = 1 are 250 kB.
    assert!(r.blocks.size_mean_bytes > Some(0.25e6), "{protocol}, {n} nodes: blocks of {:?}", r.blocks.size_mean_bytes);
    let leader = r.nodes.iter().map(|u| u.uplink_share).fold(0.0, f64::max);
    assert!(leader > 0.98, "{protocol}, {n} nodes: the leader's uplink is busy for {leader}");
}

#[test]
fn a_stable_leader_sends_as_much_as_its_uplink_carries() {
    for n in [4, 10, 20] {
        for protocol in ["pbft", "hotstuff"] {
            share_of_leader_bound(protocol, n, "fifo");
        }
    }
    // A leader that waits for answers before it sends on leaves a fair link idle: all copies end together.
    share_of_leader_bound("pbft", 4, "fair");
}

/// Everything at once on thin links: gossip or push, objects, losses, a crash and a partition.
const BUSY: &str = r#"
[run]
warmup = "5 s"
duration = "40 s"
drain = "10 s"
[consensus]
protocol = "hotstuff"
preset = "consortium"
nodes = 7
[consensus.nakamoto]
interval = "2 s"
[consensus.praos]
slot = "100 ms"
k = 6
[network]
rtt = "constant:30 ms"
bandwidth = "20 Mbit/s"
loss = 0.01
[workload.clinics]
kind = "ehr"
hospitals = 14
multiplier = 100
[workload.imaging]
kind = "img"
hospitals = 7
multiplier = 2
[workload.clerks]
kind = "fixed"
arrival = "closed:50/200 ms"
[storage]
variant = "object-store"
[fault.crash]
kind = "crash"
nodes = "2"
at = "15 s"
for = "5 s"
[fault.cut]
kind = "partition"
nodes = "4"
at = "25 s"
for = "5 s"
"#;

#[test]
fn every_run_states_littles_law_and_the_rate_of_its_links() {
    for protocol in ["central", "pbft", "hotstuff", "nakamoto", "praos"] {
        for (sharing, priority) in [("fifo", false), ("fifo", true), ("fair", false), ("fair", true)] {
            let keys = [
                format!("consensus.protocol={protocol}"),
                format!("network.sharing={sharing}"),
                format!("network.priority={priority}"),
            ];
            let r = record(&scenario(BUSY, &keys.each_ref().map(String::as_str)), 9);
            let (little, links) = (check(&r, "little"), check(&r, "link-rate"));
            let (l, lambda_w) = (little.measured.expect("L"), little.expected.expect("lambda W"));
            // The integers are compared exactly in the run; these are their quotients.
            assert!(l > 1.0 && (l / lambda_w - 1.0).abs() < 1e-9, "{protocol}: L = {l}, lambda W = {lambda_w}");
            let peak = links.measured.expect("the busiest second");
            // Bits of a second are told apart to a nanosecond.
            assert!(peak > 0.95 && peak <= 1.0 + 1e-9, "{protocol}: {peak} of a link's rate");
            assert!(r.nodes.iter().all(|n| n.uplink_share <= 1.0 && n.downlink_share <= 1.0), "{:?}", r.nodes);
        }
    }
}
