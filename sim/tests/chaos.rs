//! Do all protocols outlive whatever a seed draws: crashes and partitions of anybody at any time, on any network?
//!
//! Every check must hold, whatever happens. All faults end, so everything that was submitted must be committed in the
//! end, too.

#[path = "common/world.rs"]
mod world;

use std::fmt::Write;

use ledgerlab_consensus::types::mix64;
use ledgerlab_sim::run::run;
use world::scenario;

const PROTOCOLS: [&str; 5] = ["pbft", "hotstuff", "nakamoto", "praos", "central"];

/// Draws of one seed.
struct Draws(u64);

impl Draws {
    /// A number in `low..high`.
    fn within(&mut self, low: u64, high: u64) -> u64 {
        self.0 = mix64(self.0.wrapping_add(1));
        low + self.0 % (high - low)
    }
    fn one_of<T: Copy>(&mut self, list: &[T]) -> T {
        list[self.within(0, list.len() as u64) as usize]
    }
}

fn text(protocol: &str, d: &mut Draws) -> String {
    let nodes = d.within(4, 8);
    let rtt = d.one_of(&["cloud-2025", "constant:4 ms", "constant:150 ms"]);
    let (bandwidth, loss, priority) = (d.one_of(&[20, 1_000]), d.one_of(&["0.0", "0.02"]), d.one_of(&[true, false]));
    let (fsync, period) = (d.one_of(&["0 s", "300 us", "5 ms"]), d.one_of(&[50, 300]));
    let dissemination = d.one_of(&["auto", "gossip"]);
    let (cores, handling) = (d.one_of(&[1, 2, 4]), d.one_of(&["5 us", "1 ms"]));
    let (checkpoints, term) = (d.one_of(&[4, 128]), d.one_of(&[0, 4, 100]));
    let mut text = format!(
        r#"
        schema = 1
        [run]
        warmup = "2 s"
        duration = "28 s"
        drain = "90 s"
        [consensus]
        protocol = "{protocol}"
        nodes = {nodes}
        block_period = "{period} ms"
        [consensus.pbft]
        checkpoint_interval = {checkpoints}
        window = 8
        [consensus.hotstuff]
        term = {term}
        [consensus.nakamoto]
        interval = "2 s"
        [consensus.praos]
        slot = "200 ms"
        f = 0.2
        k = 400
        [network]
        rtt = "{rtt}"
        bandwidth = "{bandwidth} Mbit/s"
        loss = {loss}
        priority = {priority}
        [node]
        fsync = "{fsync}"
        cores = {cores}
        handling = "{handling}"
        execution = "2 ms"
        [mempool]
        dissemination = "{dissemination}"
        client_timeout = "5 s"
        [workload.plain]
        kind = "fixed"
        hospitals = {nodes}
        rate_tx_per_s = 40
        [finality]
        rule = "depth:4"
        "#
    );
    for fault in 0..d.within(1, 5) {
        let kind = d.one_of(&["crash", "partition"]);
        let some: Vec<String> = (0..d.within(1, nodes)).map(|_| d.within(0, nodes).to_string()).collect();
        let (at, lasts) = (d.within(0, 20_000), d.within(10, 8_000));
        let nodes = some.join(",");
        write!(
            text,
            "[fault.f{fault}]\nkind = \"{kind}\"\nnodes = \"{nodes}\"\nat = \"{at} ms\"\nfor = \"{lasts} ms\"\n"
        )
        .expect("a string");
    }
    text
}

fn outlive(seeds: u64) {
    for seed in 0..seeds {
        for protocol in PROTOCOLS {
            let text = text(protocol, &mut Draws(mix64(seed)));
            let record = run(&scenario(&text), seed);
            let told = || format!("{protocol}, seed {seed}: {}\n{:?}\n{text}", record.verdict.text(), record.cohort);
            assert!(!record.verdict.failed(), "{}", told());
            assert_eq!(record.cohort.committed, record.cohort.created, "{}", told());
        }
    }
}

#[test]
fn every_protocol_outlives_random_faults() {
    outlive(30);
}

#[test]
#[ignore = "long: run by scripts/statistics.sh"]
fn many_seeds_every_protocol_outlives_random_faults() {
    outlive(option_env!("LEDGERLAB_SEEDS").map_or(200, |n| n.parse().expect("LEDGERLAB_SEEDS is a number")));
}
