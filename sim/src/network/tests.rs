//! A broadcast's copies arrive as they would one by one.

use ledgerlab_consensus::{Lane, NodeId, Span, Time};

use super::{Network, others};
use crate::kernel::queue::Origin;
use crate::scenario::Experiment;

fn network(rtt: &str) -> Network {
    let text = format!(
        "schema = 1\nrun.duration = \"60 s\"\nconsensus = {{ protocol = \"pbft\", nodes = 23 }}\n\
         workload.w.kind = \"fixed\"\nnetwork = {{ {rtt} }}\n"
    );
    let experiment = Experiment::from_text("test.toml", &text, &[]).unwrap_or_else(|e| panic!("{e}"));
    Network::new(&experiment.points[0].scenario, 7)
}

#[test]
fn copies_arrive_together_as_one_by_one() {
    let clouds = r#"rtt = "cloud-2025", regions = ["us-east-1", "eu-west-1", "ap-south-1"]"#;
    let internet = r#"rtt = "internet-2015", regions = ["north-america", "europe", "japan"]"#;
    let fixed = r#"rtt = "hospital-wan", regions = ["north", "south"]"#;
    for rtt in [clouds, internet, fixed, r#"rtt = "constant:40 ms""#] {
        let network = network(rtt);
        let (mut together, mut apart) = (network.connections(), network.connections());
        let (mut overtaken, mut sent) = (0, Time(1_000));
        for sequence in 1..200_u64 {
            let from = NodeId((sequence * 5 % 23) as u32);
            let (lane, bytes) = (if sequence % 3 == 0 { Lane::Block } else { Lane::Vote }, 300);
            let (origin, each) = (Origin::new(from.0, sequence), Span(sequence % 7 * 1_000));
            let mut all = vec![];
            let row = &mut together[from.0 as usize];
            network.arrivals((from, row), (lane, bytes), origin, (sent, sent, each), &mut all);
            let mut left = sent;
            for ((to, at), expected) in all.iter().zip(others(from, 23)) {
                let row = &mut apart[from.0 as usize];
                let one = network.arrival((from, *to), row, (lane, bytes), origin, (sent, left));
                assert_eq!((*to, Some(*at)), (expected, one), "{rtt}, {sequence}");
                overtaken += usize::from(
                    *at > left + network.latency().one_way(from, *to, network.jitter.at(origin.0, u64::from(to.0))),
                );
                left += each;
            }
            assert_eq!(all.len(), 22);
            // Now and then so soon that a later message would overtake an earlier one.
            sent = Time(sent.0 + sequence % 4 * 100_000);
        }
        // Equal latencies never change an order.
        assert!(overtaken > 0 || rtt.contains("constant"), "{rtt}: nothing was held up by what came before it");
    }
}
