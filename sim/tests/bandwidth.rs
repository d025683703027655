//! What links carry: never more than their rate, and all of it where the protocol lets them.

#[path = "physics/lab.rs"]
mod lab;

use lab::{FREE, record, scenario};

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
fn share_of_leader_bound(protocol: &str, n: u32) {
    let bound = 1e9 / (f64::from(n - 1) * 512.0 * 8.0);
    let mut keys: Vec<String> = FREE.iter().map(|k| (*k).to_owned()).collect();
    keys.push(format!("consensus.protocol={protocol}"));
    keys.push(format!("consensus.nodes={n}"));
    keys.push(format!("workload.load.hospitals={n}"));
    keys.push(format!("workload.load.rate_tx_per_s={}", 1.15 * bound));
    let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
    let r = record(&scenario(LEADER, &keys), 1);
    let (share, edge) = (r.rates.throughput_tx_per_s / bound, 1e6 / 512.0 / 20.0 / bound);
    println!("{protocol} {n} {share} {edge} {:?}", r.blocks.size_mean_bytes);
    // A block that is under way at either end of the window may count as a whole.
    assert!(share >= 0.97 && share <= 1.0 + edge, "{protocol}, {n} nodes: {share} of {bound} tx/s");
    assert!(r.blocks.size_mean_bytes > Some(0.97e6), "{protocol}, {n} nodes: blocks of {:?}", r.blocks.size_mean_bytes);
    let leader = r.nodes.iter().map(|u| u.uplink_share).fold(0.0, f64::max);
    assert!(leader > 0.99, "{protocol}, {n} nodes: the leader's uplink is busy for {leader}");
}

#[test]
fn a_stable_leader_sends_as_much_as_its_uplink_carries() {
    for n in [4, 10, 20] {
        for protocol in ["pbft", "hotstuff"] {
            share_of_leader_bound(protocol, n);
        }
    }
}
