//! Queueing laws that every model of a loaded system has to reproduce.

#[path = "physics/lab.rs"]
mod lab;

use lab::{check, record, scenario};

const CLOSED: &str = r#"
[run]
warmup = "10 s"
duration = "60 s"
drain = "0 s"
[consensus]
protocol = "hotstuff"
nodes = 4
[network]
rtt = "constant:2 ms"
[workload.clerks]
kind = "fixed"
hospitals = 4
arrival = "closed:200/500 ms"
"#;

/// N = X (R + Z): `clients` with a think time of `think_s` behind any system.
fn interactive_law(overrides: &[&str], clients: f64, think_s: f64) -> (f64, f64) {
    let r = record(&scenario(CLOSED, overrides), 3);
    let (x, rt) = (r.rates.throughput_tx_per_s, r.client_reply.mean_ms().expect("clients are answered") / 1e3);
    println!("{overrides:?}: X {x:.3} /s R {rt:.6} s {}", check(&r, "interactive-response-time").detail);
    let n = x * (rt + think_s);
    assert!((n / clients - 1.0).abs() < 0.02, "X = {x} /s, R = {rt} s, Z = {think_s} s: N = {n}, not {clients}");
    (x, rt)
}

#[test]
fn x() {
    interactive_law(&[], 200.0, 0.5);
    interactive_law(&["consensus.protocol=central"], 200.0, 0.5);
    interactive_law(&["consensus.protocol=pbft"], 200.0, 0.5);
    interactive_law(&["consensus.protocol=central", "workload.clerks.arrival=closed:1000/0 s", "node.execution=10 ms", "consensus.nodes=1"], 1000.0, 0.0);
    interactive_law(&["consensus.protocol=central", "workload.clerks.arrival=closed:1000/0 s", "node.execution=10 ms"], 1000.0, 0.0);
    interactive_law(&["consensus.protocol=pbft", "workload.clerks.arrival=closed:1000/0 s", "node.execution=10 ms"], 1000.0, 0.0);
}
